using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Radius;

/// <summary>Packets that programs not ours have sent.</summary>
public sealed class RecordedExchangeTests
{
    private static readonly RadiusSecret Secret = RadiusSecret.FromText("testing123");

    [FactWithVectors]
    public void Every_packet_between_strongSwan_and_FreeRADIUS_verifies_and_no_changed_octet_does()
    {
        foreach (var file in new[] { "ikev2-radius-lab/md5/radius.pcap", "ikev2-radius-lab/gtc/radius.pcap" })
        {
            var requests = new Dictionary<(int, byte), RadiusPacket>();
            var verified = 0;
            foreach (var (source, destination, payload) in VectorFiles.ReadUdp(file))
            {
                var packet = Wire.Parse(payload);
                var access = packet.Code == RadiusCode.AccessRequest || packet.Code.IsAccessReply;
                if (destination is 1812 or 1813)
                {
                    requests[(source, packet.Identifier)] = packet;
                    Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(packet, Secret, access));
                    verified++;
                    continue;
                }
                var request = requests[(destination, packet.Identifier)].Authenticator.ToArray();
                Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(packet, request, Secret, access));
                verified++;
                for (var at = 0; at < payload.Length; at++)
                {
                    payload[at] ^= 0x10;
                    Assert.False(
                        RadiusPacket.TryParse(payload, out var changed, out _)
                        && RadiusAuthenticatorCodec.VerifyReply(changed, request, Secret, access) == RadiusError.None);
                    payload[at] ^= 0x10;
                }
            }
            Assert.Equal(14, verified);
        }
    }

    [FactWithVectors]
    public void The_captures_of_tcpdump_are_parsed_or_refused()
    {
        var parsed = 0;
        foreach (var path in Directory.EnumerateFiles(Path.Combine(VectorFiles.Root!, "tcpdump-pcaps"), "*.pcap").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(path);
            if (!name.StartsWith("RADIUS", StringComparison.OrdinalIgnoreCase)) continue;
            foreach (var (_, _, payload) in VectorFiles.ReadUdp(Path.Combine("tcpdump-pcaps", name)))
            {
                if (!RadiusPacket.TryParse(payload, out var packet, out _)) continue;
                parsed++;
                foreach (var attribute in packet.Attributes) attribute.TryGetText(out _);
            }
        }
        Assert.True(parsed >= 14, $"only {parsed} packets were parsed");
    }
}
