using System.Text;
using Headend.Eap.AnyConnect;

namespace Headend.Eap.Tests.AnyConnect;

/// <summary>Seeded mutations of whole packets, TLVs and documents: no exception, bounded work, and nothing but an ack behind right credentials, and behind a verified certificate where one is asked for, lets anybody in.</summary>
public sealed class AnyConnectFuzzTests
{
    private const int Mutations = 100_000;

    /// <summary>Octets that one packet may cost: a document of 64 KiB in every form that it takes on its way.</summary>
    private const long MostAllocated = 2_000_000;

    private static readonly string[] Pieces =
    [
        "<a>", "</a>", "<opaque is-for=\"sg\">", "</auth>", "<![CDATA[", "]]>", "&amp;", "&#0;", "&#x10FFFF;", "<!DOCTYPE a>", "<?xml version=\"1.1\"?>", "<!--", "-->", "xmlns:a=\"b\"",
        "a:b", "\0", "\ud7ff", "<username>", "<password>", "type=\"ack\"", "\"", "'", "<", ">", "\uFEFF", "<group-select>x</group-select>", "<error>no</error>",
    ];

    [Fact]
    public void Mutated_packets_do_no_harm()
    {
        var random = new Random(20251);
        var (mutated, most) = (0, 0L);
        var (passed, passedByBoth) = (0, 0);
        for (var i = 0; mutated < Mutations; i++)
        {
            var wantsCertificate = i % 3 == 0;
            var server = new AnyConnectServer(new AnyConnectOptions { ProfileName = "p", Groups = ["x", "y"], CertificateRequest = wantsCertificate, Random = random.NextBytes });
            var step = server.Start();
            var (isAsked, isVerified, isRefused, right) = (false, false, false, false);
            for (var round = 0; round < 6 && step is EapStep.Request or EapStep.Discarded { Outstanding: not null }; round++)
            {
                var outstanding = step is EapStep.Request request ? request.Packet : ((EapStep.Discarded)step).Outstanding!;
                isAsked |= outstanding.AsSpan().IndexOf("<client-cert-request"u8) >= 0;
                var answer = Answer(random, outstanding, wantsCertificate);
                var packet = Mutate(random, answer);
                mutated += ReferenceEquals(packet, answer) ? 0 : 1;
                var before = GC.GetAllocatedBytesForCurrentThread();
                step = server.HandleClient(packet);
                most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
                if (step is EapStep.CheckCredentials check)
                {
                    Assert.True(!wantsCertificate || (isAsked && isVerified), $"mutation {i} came to the password without a certificate: asked {isAsked}, verified {isVerified}");
                    right = random.Next(4) == 0;
                    Assert.True(check.Credentials.Answer.Length <= 4 * AnyConnectLimits.MaxAnswerCharacters);
                    step = server.HandleVerdict(right ? new AnyConnectVerdict.Accepted("alice") : new AnyConnectVerdict.Rejected("wrong"));
                }
                else if (step is EapStep.CheckCertificate certificate)
                {
                    Assert.True(wantsCertificate && isAsked, $"mutation {i} is judged by a certificate that nobody asked for");
                    Assert.False(certificate.Chain.Count == 0 || certificate.Signature.Length == 0);
                    isVerified = random.Next(8) != 0;
                    isRefused |= !isVerified;
                    step = server.HandleVerdict(isVerified ? new AnyConnectVerdict.CertificateAccepted(null) : new AnyConnectVerdict.CertificateRefused("foreign CA"));
                }

                if (step is not EapStep.Success)
                    continue;
                Assert.True(right, $"mutation {i} let somebody in");
                Assert.True(!wantsCertificate || (isAsked && isVerified && !isRefused), $"mutation {i} let somebody in without a certificate: asked {isAsked}, verified {isVerified}, refused {isRefused}");
                passed++;
                passedByBoth += wantsCertificate ? 1 : 0;
            }
        }

        // Else nothing was asserted.
        Assert.True(passedByBoth > 10 && passed - passedByBoth > 10, $"{passed} were let in, {passedByBoth} of them with a certificate");
        Assert.True(most < MostAllocated, $"a packet made the server allocate {most} octets");
    }

    /// <summary>What belongs to the request; now and then a document out of turn, or without the certificate.</summary>
    private static byte[] Answer(Random random, byte[] request, bool certificate)
    {
        var document = Encoding.UTF8.GetString(request.AsSpan(16));
        var opaque = document.Contains("<opaque", StringComparison.Ordinal) ? document[document.IndexOf("<opaque", StringComparison.Ordinal)..(document.IndexOf("</opaque>", StringComparison.Ordinal) + 9)] : "";
        (string, string) init = ("init", "<group-access>y</group-access>"), ack = ("ack", ""), reply = ("auth-reply", opaque + "<auth><username>alice</username><password>secret</password></auth>");
        var (type, rest) = random.Next(8) == 0 ? random.GetItems([init, ack, reply], 1)[0]
            : document.Contains("type=\"hello\"", StringComparison.Ordinal) || document.Contains("client-cert-request", StringComparison.Ordinal) ? init
            : document.Contains("type=\"complete\"", StringComparison.Ordinal) ? ack
            : reply;
        byte[] xml = Encoding.UTF8.GetBytes(
            $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><config-auth type=\"{type}\"><device-id unique-id=\"1\">win</device-id><mac-address-list><mac-address>1</mac-address></mac-address-list>{rest}</config-auth>");
        byte[] before = certificate && document.Contains("client-cert-request", StringComparison.Ordinal) && random.Next(8) != 0
            ? [0, 3, 0, 47, .. Convert.FromHexString("302D06092A864886F70D010702A020301E0201013100300F06092A864886F70D010701A0020400A004300230003100"), 0, 1, 0, 1, 7]
            : [];
        return EapPacket.Response(request[1], EapType.Expanded, [0, 0, 9, 0x44, 0x42, 0x52, 0x50, .. before, 0, 0, (byte)(xml.Length >> 8), (byte)xml.Length, .. xml]);
    }

    private static byte[] Mutate(Random random, byte[] packet)
    {
        if (random.Next(3) == 0)
            return packet;
        var octets = packet.ToList();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(octets.Count);
            switch (random.Next(5))
            {
                case 0:
                    octets[at] = (byte)random.Next(256);
                    break;
                case 1:
                    octets.RemoveRange(at, Math.Min(random.Next(1, 20), octets.Count - at));
                    break;
                case 2:
                    octets.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
                case 3:
                    octets.InsertRange(at, octets.GetRange(at, Math.Min(random.Next(1, 200), octets.Count - at)));
                    break;
                default:
                    octets.InsertRange(at, new byte[random.Next(1, 3000)]);
                    break;
            }

            if (octets.Count < 16)
                return [.. octets];
        }

        // Most mutations go past the lengths, else nothing behind them is reached.
        var changed = octets.ToArray();
        if (random.Next(8) == 0 || changed.Length > 60000)
            return changed;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(2), (ushort)changed.Length);
        if (changed[12] == 0 && changed[13] == 0)
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(14), (ushort)(changed.Length - 16));
        return changed;
    }
}
