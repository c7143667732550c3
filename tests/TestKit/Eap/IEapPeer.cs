namespace Headend.TestKit.Eap;

/// <summary>Client side of EAP in one login.</summary>
public interface IEapPeer
{
    EapPeerStep Handle(ReadOnlySpan<byte> request);
}

/// <summary>What of the IKE SA an EAP method may bind itself to.</summary>
/// <param name="InitiatorOctets">The initiator's AUTH octets (RFC 7296 2.15).</param>
/// <param name="PrfHash">Hash of the negotiated PRF.</param>
public sealed record EapPeerChannel(Func<byte[]> InitiatorOctets, System.Security.Cryptography.HashAlgorithmName PrfHash);
