using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Headend.TestKit.Eap;

/// <summary>What an <see cref="AnyConnectPeer"/> says and types.</summary>
public sealed record AnyConnectPeerOptions
{
    public required string User { get; init; }

    /// <summary>Typed one after the other into whatever form comes.</summary>
    public required IReadOnlyList<string> Answers { get; init; }

    /// <summary>Chosen in the first form with a list of groups; null takes what is selected.</summary>
    public string? Group { get; init; }

    /// <summary><see cref="Group"/> is said in every reply, form or no form for it.</summary>
    public bool InsistsOnGroup { get; init; }

    /// <summary>Documents 'init' with this `group-select` in answer to the first forms, as on a change of the group in the form's list; one each.</summary>
    public IReadOnlyList<string> GroupChanges { get; init; } = [];

    /// <summary>The group of the profile's host entry; null says none.</summary>
    public string? GroupAccess { get; init; }

    /// <summary>Leaf first; empty: none, which is said when one is asked for.</summary>
    public IReadOnlyList<X509Certificate2> Chain { get; init; } = [];

    public RSA? Key { get; init; }

    /// <summary>Flips a bit of the signature.</summary>
    public bool AlterSignature { get; init; }

    /// <summary>Shown in place of a signature over the octets of this IKE SA; null signs.</summary>
    public byte[]? ForeignSignature { get; init; }

    /// <summary>Sends the certificate without a signature.</summary>
    public bool LeaveOutSignature { get; init; }

    /// <summary>A document of this type, with name and password, is the answer to the question for the certificate, however often it comes; null answers it.</summary>
    public string? InPlaceOfCertificate { get; init; }

    /// <summary>The machine's own name for itself.</summary>
    public string UniqueIdGlobal { get; init; } = "0123456789ABCDEF0123456789ABCDEF01234567";

    /// <summary>Changes the opaque element before giving it back.</summary>
    public bool AlterOpaque { get; init; }

    /// <summary>Takes the user name that the form has beforehand.</summary>
    public bool TakePrefilledName { get; init; }
}

/// <summary>
/// A scripted AnyConnect client: writes its documents and TLVs as literal strings and octets and finds what it needs in the headend's by plain search, so that it
/// shares no code with the server side.
/// </summary>
public sealed class AnyConnectPeer(AnyConnectPeerOptions options, EapPeerChannel? channel = null) : IEapPeer
{
    private const string Declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    private const string Client =
        "<version who=\"vpn\">4.10.04065</version>\n"
        + "<device-id computer-name=\"MyPC1\" device-type=\"VMware, Inc. VMware Virtual Platform\" platform-version=\"10.0.19044 \" unique-id=\""
        + "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\" unique-id-global=\"GLOBAL\">win</device-id>\n"
        + "<mac-address-list>\n<mac-address public-interface=\"true\">00-50-56-aa-bb-cc</mac-address><mac-address>00-50-56-aa-bb-dd</mac-address></mac-address-list>\n";

    private static readonly byte[] s_header = [0xFE, 0x00, 0x00, 0x09, 0x44, 0x42, 0x52, 0x50];

    private int _answers;
    private int _changes;
    private bool _certificateSent;

    /// <summary>The headend's documents, in order.</summary>
    public List<string> Documents { get; } = [];

    /// <summary>What was last shown as the signature; null before.</summary>
    public byte[]? Signature { get; private set; }

    /// <summary>What the user was shown as errors.</summary>
    public IEnumerable<string> Errors => Documents.Select(d => Between(d, "<error", "</error>")).OfType<string>().Select(e => e[(e.IndexOf('>', StringComparison.Ordinal) + 1)..]);

    public EapPeerStep Handle(ReadOnlySpan<byte> request)
    {
        if (request is [3, ..])
            return Documents.Exists(d => d.Contains("type=\"complete\"", StringComparison.Ordinal)) ? default : Fail("EAP-Success before the document 'complete'");
        if (request is [4, ..])
            return Fail("EAP-Failure");
        if (request.Length < 16 || request[0] != 1 || !request[4..12].SequenceEqual(s_header) || BinaryPrimitives.ReadUInt16BigEndian(request[2..]) != request.Length
            || BinaryPrimitives.ReadUInt16BigEndian(request[12..]) != 0 || BinaryPrimitives.ReadUInt16BigEndian(request[14..]) != request.Length - 16)
            return Fail($"no AnyConnect-EAP with one document: {Convert.ToHexString(request[..Math.Min(16, request.Length)])}");
        var document = Encoding.UTF8.GetString(request[16..]);
        Documents.Add(document);
        var id = request[1];
        return Between(document, " type=\"", "\"") switch
        {
            "hello" when id == 1 => Answer(id, Init("")),
            "auth-request" => OnRequest(id, document),
            "complete" => Answer(id, Document("ack", "")),
            var type => Fail($"a document '{type}' with identifier {id}"),
        };
    }

    private EapPeerStep OnRequest(byte id, string document)
    {
        if (document.Contains("<client-cert-request", StringComparison.Ordinal))
            return OnCertificateRequest(id, document);
        if (!document.Contains("<form>", StringComparison.Ordinal))
            return Answer(id, Document("ack", ""));
        if (_changes < options.GroupChanges.Count)
            return Answer(id, Init(Opaque(document) + $"<group-select>{options.GroupChanges[_changes++]}</group-select>"));
        if (_answers == options.Answers.Count)
            return Fail($"the headend asks once more: {string.Join("; ", Errors)}");
        var opaque = Opaque(document);
        if (options.AlterOpaque)
            opaque = opaque.Replace("<config-hash>", "<config-hash>1", StringComparison.Ordinal);
        var answer = options.Answers[_answers++];
        var user = options.TakePrefilledName ? Between(document, "name=\"username\"", ">")?.Split("value=\"")[1].Split('"')[0] ?? "" : options.User;
        // Password before name: the order is free.
        var isLogin = document.Contains("name=\"username\"", StringComparison.Ordinal);
        var auth = $"<auth><password>{Escape(answer)}</password>{(isLogin ? $"<username>{Escape(user)}</username>" : "")}</auth>\n";
        var group = options.Group is not null && (options.InsistsOnGroup || document.Contains("name=\"group_list\"", StringComparison.Ordinal)) ? $"<group-select>{options.Group}</group-select>" : "";
        return Answer(id, Document("auth-reply", "<session-token></session-token><session-id></session-id>\n" + opaque + auth + group));
    }

    private EapPeerStep OnCertificateRequest(byte id, string document)
    {
        if (options.InPlaceOfCertificate is { } other)
            return Answer(id, Document(other, Opaque(document) + $"<auth><username>{options.User}</username><password>{options.Answers[0]}</password></auth>"));
        if (_certificateSent)
            return Fail("the certificate is asked for twice");
        _certificateSent = true;
        if (options.Chain.Count == 0)
            return Answer(id, Init(Opaque(document) + "<client-cert-fail/>"));
        Signature = options.ForeignSignature ?? options.Key!.SignData(channel!.InitiatorOctets(), channel.PrfHash, RSASignaturePadding.Pkcs1);
        if (options.AlterSignature)
            Signature[20] ^= 1;
        return options.LeaveOutSignature
            ? Answer(id, Init(Opaque(document)), Tlv(3, Pkcs7(options.Chain)))
            : Answer(id, Init(Opaque(document)), Tlv(3, Pkcs7(options.Chain)), Tlv(1, Signature));
    }

    private string Init(string rest) => Document(
        "init",
        (options.GroupAccess is null ? "" : $"<group-access>{options.GroupAccess}</group-access>") + "<capabilities><auth-method>multiple-cert</auth-method></capabilities>" + rest);

    private string Document(string type, string rest) =>
        $"{Declaration}<config-auth client=\"vpn\" type=\"{type}\" aggregate-auth-version=\"2\">\n{Client.Replace("GLOBAL", options.UniqueIdGlobal, StringComparison.Ordinal)}{rest}</config-auth>\n";

    private static EapPeerStep Answer(byte id, string document, params byte[][] before)
    {
        byte[] body = [.. s_header, .. before.SelectMany(b => b), .. Tlv(0, Encoding.UTF8.GetBytes(document))];
        var packet = new byte[4 + body.Length];
        packet[0] = 2;
        packet[1] = id;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        body.CopyTo(packet, 4);
        return new EapPeerStep(packet, null, null);
    }

    private static byte[] Tlv(byte type, byte[] value) => [0, type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    // SignedData with version 1, no digests, id-data with an empty OCTET STRING, the certificates, no signers.
    private static byte[] Pkcs7(IReadOnlyList<X509Certificate2> chain)
    {
        byte[] data = [0x30, 0x0F, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01, 0xA0, 0x02, 0x04, 0x00];
        byte[] signed = Der(0x30, [0x02, 0x01, 0x01, 0x31, 0x00, .. data, .. Der(0xA0, [.. chain.SelectMany(c => c.RawData)]), 0x31, 0x00]);
        return Der(0x30, [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02, .. Der(0xA0, signed)]);
    }

    private static byte[] Der(byte tag, byte[] value) => [tag, 0x82, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    private static string Opaque(string document) => $"<opaque is-for=\"sg\">{Between(document, "<opaque is-for=\"sg\">", "</opaque>")}</opaque>\n";

    private static string? Between(string text, string start, string end)
    {
        var from = text.IndexOf(start, StringComparison.Ordinal);
        if (from < 0)
            return null;
        from += start.Length;
        var to = text.IndexOf(end, from, StringComparison.Ordinal);
        return to < 0 ? null : text[from..to];
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static EapPeerStep Fail(string reason) => new(null, null, reason);
}
