using System.Net;
using BenchmarkDotNet.Attributes;
using Headend.Aaa.Authentication;
using Headend.Aaa.Radius;

namespace Headend.Bench;

/// <summary>What one RADIUS round trip costs in codec and digests.</summary>
[MemoryDiagnoser]
public class RadiusBenchmarks : IDisposable
{
    private readonly RadiusSecret secret = RadiusSecret.FromText("testing123testing123");
    private readonly byte[] nonce = new byte[16];
    private readonly byte[] eap = new byte[120];
    private readonly byte[] buffer = new byte[RadiusPacket.MaximumLength];
    private readonly NasSessionRecord session = new()
    {
        UserName = "alice",
        AuditSessionId = "0123456789abcdef",
        AcctSessionId = "0123456789abcdef",
        NasPort = 1,
        RemoteEndpoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4500),
        LocalEndpoint = new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500),
        IkeIdentity = "alice",
        ConnectInfo = "IKEv2",
    };

    private byte[] reply = [];

    [GlobalSetup]
    public void Seal()
    {
        var packet = new byte[20 + 18 + 2 + eap.Length];
        packet[0] = RadiusCode.AccessChallenge.Value;
        packet[20] = RadiusAttributeType.MessageAuthenticator.Value;
        packet[21] = 18;
        packet[38] = RadiusAttributeType.EapMessage.Value;
        packet[39] = (byte)(2 + eap.Length);
        RadiusAuthenticatorCodec.Seal(packet, 22, nonce, secret);
        reply = packet;
    }

    [Benchmark]
    public int BuildAndSealAccessRequest() => AccessRequestCodec.BuildEap(session, eap).Encode(buffer, 1, nonce, secret, default);

    [Benchmark]
    public bool ParseAndVerifyChallenge()
        => RadiusPacket.TryParse(reply, out var packet, out _) && RadiusAuthenticatorCodec.VerifyReply(packet, nonce, secret, true) == RadiusError.None;

    public void Dispose()
    {
        secret.Dispose();
        GC.SuppressFinalize(this);
    }
}
