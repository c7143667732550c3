using System.Security.Cryptography;
using System.Text;
using Headend.Eap;
using Headend.Eap.Methods;

namespace Headend.TestKit.Eap;

/// <summary>
/// Client side of EAP-Identity and EAP-MSCHAPv2; answers a Nak for MSCHAPv2 to every other method and checks the server's
/// authenticator response. One login each.
/// </summary>
public sealed class EapMsChapV2Peer : IEapPeer
{
    private readonly byte[] _identity;
    private readonly byte[] _userName;
    private readonly byte[] _hashedName;
    private readonly byte[] _ntHash = new byte[MsChapV2.HashLength];
    private readonly EapRandom _random;
    private readonly byte[] _expectedProof = new byte[MsChapV2.AuthenticatorResponseLength];
    private byte _id;
    private bool _answered;
    private byte[]? _msk;
    private bool _serverProven;

    /// <param name="identity">EAP-Response/Identity.</param>
    /// <param name="password">At most 256 characters.</param>
    /// <param name="userName">Name of the MSCHAPv2 Response; the identity when null. A domain before a backslash is sent, not hashed.</param>
    /// <param name="random">Peer challenge; the system's generator when null.</param>
    public EapMsChapV2Peer(string identity, string password, string? userName = null, EapRandom? random = null)
    {
        _identity = Encoding.UTF8.GetBytes(identity);
        _userName = Encoding.UTF8.GetBytes(userName ?? identity);
        _hashedName = Encoding.UTF8.GetBytes(MsChapV2.WithoutDomain(userName ?? identity));
        _random = random ?? RandomNumberGenerator.Fill;
        MsChapV2.NtPasswordHash(password, _ntHash);
    }

    /// <summary>The EAP-Response/Identity that this peer gives, for logins that start with it.</summary>
    public byte[] IdentityResponse(byte identifier) => EapPacket.Response(identifier, EapType.Identity, _identity);

    public EapPeerStep Handle(ReadOnlySpan<byte> request)
    {
        if (!EapPacket.TryParse(request.ToArray(), out var packet))
            return Fail("malformed EAP packet");
        if (packet.Code == EapCode.Success)
        {
            // The peer's half of CVE-2015-8023: no success before the server's proof.
            return _serverProven ? new EapPeerStep(null, _msk, null) : Fail("EAP-Success before the server's proof");
        }

        if (packet.Code == EapCode.Failure)
            return Fail("EAP-Failure");
        if (packet.Code != EapCode.Request || packet.Type is not { } type)
            return Fail($"EAP {packet.Code} from the server");
        if (type == EapType.Identity)
            return Answer(IdentityResponse(packet.Identifier));
        if (type == EapType.Notification)
            return Answer(EapPacket.Response(packet.Identifier, type, []));
        return type == EapType.MsChapV2
            ? OnMsChapV2(packet.Identifier, packet.TypeData.Span)
            : Answer(EapPacket.Response(packet.Identifier, EapType.Nak, [EapType.MsChapV2.Value]));
    }

    private EapPeerStep OnMsChapV2(byte identifier, ReadOnlySpan<byte> data)
    {
        if (MsChapV2Codec.TryReadChallenge(data, out var id, out var challenge))
            return OnChallenge(identifier, id, challenge);
        if (_answered && MsChapV2Codec.TryReadMessage(data, MsChapV2Opcode.Failure, _id, out _))
            return Answer(EapPacket.Response(identifier, EapType.MsChapV2, [MsChapV2Opcode.Failure.Value]));
        if (!_answered || !MsChapV2Codec.TryReadMessage(data, MsChapV2Opcode.Success, _id, out var message))
            return Fail("MSCHAPv2 packet out of turn");

        if (message.Length < _expectedProof.Length || !CryptographicOperations.FixedTimeEquals(message[.._expectedProof.Length], _expectedProof))
            return Fail("the server does not know the password");
        _serverProven = true;
        return Answer(EapPacket.Response(identifier, EapType.MsChapV2, [MsChapV2Opcode.Success.Value]));
    }

    private EapPeerStep OnChallenge(byte identifier, byte id, ReadOnlySpan<byte> authenticatorChallenge)
    {
        Span<byte> peerChallenge = stackalloc byte[MsChapV2.ChallengeLength];
        Span<byte> challenge = stackalloc byte[8];
        Span<byte> ntResponse = stackalloc byte[MsChapV2.NtResponseLength];
        _random(peerChallenge);
        MsChapV2.ChallengeHash(peerChallenge, authenticatorChallenge, _hashedName, challenge);
        MsChapV2.NtResponse(challenge, _ntHash, ntResponse);
        MsChapV2.AuthenticatorResponse(_ntHash, ntResponse, challenge, _expectedProof);
        _msk = MsChapV2.DeriveMsk(_ntHash, ntResponse);
        _id = id;
        _answered = true;
        return Answer(EapPacket.Response(identifier, EapType.MsChapV2, MsChapV2Codec.Response(id, peerChallenge, ntResponse, _userName)));
    }

    private static EapPeerStep Answer(byte[] response) => new(response, null, null);

    private static EapPeerStep Fail(string reason) => new(null, null, reason);
}
