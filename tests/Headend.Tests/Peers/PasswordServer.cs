using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Headend.Aaa.Radius;
using Headend.TestKit.Eap;

namespace Headend.Tests.Peers;

/// <summary>A RADIUS server on loopback that judges passwords by PAP, CHAP or MS-CHAPv2, asks for a code, and lets expired passwords be changed.</summary>
internal sealed class PasswordServer : IDisposable
{
    private const string Code = "123456";

    private readonly ConcurrentDictionary<string, int> states = new(StringComparer.Ordinal);
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public PasswordServer()
    {
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _ = Task.Run(Serve);
    }

    public static RadiusSecret Secret { get; } = RadiusSecret.FromText("a-shared-secret-of-26-chars");

    public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

    public ConcurrentDictionary<string, string> Passwords { get; } = new(StringComparer.Ordinal);

    /// <summary>Users who are asked for a code behind their password.</summary>
    public HashSet<string> WantCode { get; } = [];

    public HashSet<string> Expired { get; } = [];

    /// <summary>Answers nothing.</summary>
    public bool Silent { get; set; }

    /// <summary>Added to every Access-Accept.</summary>
    public byte[] Grant { get; set; } = [];

    /// <summary>How often a right password or code is answered by another question before it is good.</summary>
    public int Questions { get; set; } = 1;

    /// <summary>What was used, by request: pap, chap, mschapv2, change.</summary>
    public ConcurrentQueue<string> Used { get; } = new();

    /// <summary>The Cisco pairs and ASA's attributes of the last request.</summary>
    public IReadOnlyList<string> Told { get; private set; } = [];

    public void Dispose() => socket.Dispose();

    private void Serve()
    {
        var buffer = new byte[4096];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var length = socket.ReceiveFrom(buffer, ref from);
                if (!Silent && RadiusPacket.TryParse(buffer.AsSpan(0, length), out var request, out _))
                    socket.SendTo(Answer(request, buffer.AsSpan(4, 16).ToArray()), from);
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or SocketException)
        {
            // The end of the test.
        }
    }

    private byte[] Answer(RadiusPacket request, byte[] authenticator)
    {
        var told = new List<string>();
        foreach (var pair in request.VendorAttributes(RadiusVendor.Cisco))
            told.Add(Encoding.UTF8.GetString(pair.Value.Span));
        foreach (var attribute in request.VendorAttributes(RadiusVendor.CiscoAsa))
            told.Add($"asa{attribute.Type}={(attribute.Type == 146 ? Encoding.UTF8.GetString(attribute.Value.Span) : Convert.ToHexString(attribute.Value.Span))}");
        Told = told;
        var user = request.TryGet(RadiusAttributeType.UserName, out var name) && name.TryGetText(out var text) ? text : "";
        var microsoft = new Dictionary<byte, List<byte[]>>();
        foreach (var attribute in request.VendorAttributes(RadiusVendor.Microsoft))
        {
            if (!microsoft.TryGetValue(attribute.Type, out var values))
                microsoft[attribute.Type] = values = [];
            values.Add(attribute.Value.ToArray());
        }

        return Judge(request, authenticator, user, Passwords.GetValueOrDefault(user, "\0"), microsoft);
    }

    private byte[] Judge(RadiusPacket request, byte[] authenticator, string user, string password, Dictionary<byte, List<byte[]>> microsoft)
    {
        if (request.TryGet(RadiusAttributeType.State, out var shown))
        {
            Used.Enqueue("code");
            var right = states.TryRemove(Convert.ToHexString(shown.Value.Span), out var question) && Password(request, authenticator) == Code;
            return right && question < Questions ? Ask(request, authenticator, question + 1)
                : Reply(request, authenticator, right ? (byte)2 : (byte)3, right ? Grant : Text(18, "That code was wrong."));
        }

        if (microsoft.TryGetValue(27, out var change))
            return Change(request, authenticator, user, password, change[0], microsoft);
        bool good;
        if (microsoft.TryGetValue(25, out var response))
        {
            Used.Enqueue("mschapv2");
            good = MsChapV2Judge.Proves(password, user, response[0].AsSpan(2, 16), microsoft[11][0], response[0].AsSpan(26, 24));
            if (good && Expired.Contains(user))
                return Reply(request, authenticator, 3, Microsoft(2, [1, .. Encoding.ASCII.GetBytes("E=648 R=0 C=00112233445566778899AABBCCDDEEFF V=3 M=expired")]));
        }
        else if (request.TryGet(RadiusAttributeType.ChapPassword, out var chap) && request.TryGet(RadiusAttributeType.ChapChallenge, out var challenge))
        {
            Used.Enqueue("chap");
            good = MD5.HashData([chap.Value.Span[0], .. Encoding.UTF8.GetBytes(password), .. challenge.Value.Span]).AsSpan().SequenceEqual(chap.Value.Span[1..]);
        }
        else
        {
            Used.Enqueue("pap");
            good = Password(request, authenticator) == password;
        }

        if (good && WantCode.Contains(user))
            return Ask(request, authenticator, 1);
        return Reply(request, authenticator, good ? (byte)2 : (byte)3, good ? [.. Text(25, "class-of-" + user), .. Grant] : []);
    }

    // Each question has a State of its own, of this server, that is good for one answer.
    private byte[] Ask(RadiusPacket request, byte[] authenticator, int question)
    {
        var state = RandomNumberGenerator.GetBytes(16);
        states[Convert.ToHexString(state)] = question;
        return Reply(request, authenticator, 11, [24, 18, .. state, .. Text(18, "Enter the code of your token."), 76, 6, 0, 0, 0, 1]);
    }

    private byte[] Change(RadiusPacket request, byte[] authenticator, string user, string password, byte[] change, Dictionary<byte, List<byte[]>> microsoft)
    {
        Used.Enqueue("change");
        byte[] encrypted = [.. microsoft[6].OrderBy(p => p[3]).SelectMany(p => p.Skip(4))];
        var fresh = MsChapV2Judge.NewPassword(password, encrypted);
        var challenge = Convert.FromHexString("00112233445566778899AABBCCDDEEFF");
        var good = change[0] == 7 && microsoft[11][0].AsSpan().SequenceEqual(challenge)
            && MsChapV2Judge.Proves(fresh, user, change.AsSpan(18, 16), challenge, change.AsSpan(42, 24));
        if (good)
        {
            Passwords[user] = fresh;
            Expired.Remove(user);
        }

        return Reply(request, authenticator, good ? (byte)2 : (byte)3, []);
    }

    private static string Password(RadiusPacket request, byte[] authenticator) =>
        request.TryGet(RadiusAttributeType.UserPassword, out var hidden) && RadiusHiding.TryRevealUserPassword(hidden.Value.Span, authenticator, Secret, out var plain)
            ? Encoding.UTF8.GetString(plain) : "";

    private static byte[] Text(byte type, string text) => [type, (byte)(2 + text.Length), .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Microsoft(byte type, byte[] value) => [26, (byte)(8 + value.Length), 0, 0, 1, 0x37, type, (byte)(2 + value.Length), .. value];

    private static byte[] Reply(RadiusPacket request, byte[] authenticator, byte code, byte[] attributes)
    {
        byte[] list = [80, 18, .. new byte[16], .. attributes];
        byte[] reply = [code, request.Identifier, (byte)((20 + list.Length) >> 8), (byte)(20 + list.Length), .. new byte[16], .. list];
        RadiusAuthenticatorCodec.Seal(reply, 22, authenticator, Secret);
        return reply;
    }
}
