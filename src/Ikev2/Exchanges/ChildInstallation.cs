using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;

namespace Headend.Ikev2.Exchanges;

/// <summary>What every way to a new CHILD_SA shares: its parameters for the data plane, and its place in the session.</summary>
internal static class ChildInstallation
{
    /// <summary>Failed rekeys are tried again up to here; then the CHILD_SA is deleted.</summary>
    private const double HardLifetimeFactor = 1.25;

    /// <param name="sa">IKE SA that negotiated it.</param>
    /// <param name="suite">Its algorithms and the peer's SPI.</param>
    /// <param name="keys">In terms of the exchange's initiator and responder.</param>
    /// <param name="weAreInitiator">Of the exchange that made it.</param>
    /// <param name="traffic">What it is for.</param>
    /// <param name="outboundAtOnce">See <see cref="ChildSaParameters"/>.</param>
    /// <param name="inboundSpi">Ours, if it was promised already; else a new one.</param>
    public static ChildSaParameters Parameters(
        IkeSa sa,
        EspSuite suite,
        ChildKeys keys,
        bool weAreInitiator,
        ChildTraffic traffic,
        bool outboundAtOnce,
        uint? inboundSpi = null)
    {
        var profile = sa.Session!.Profile;
        return new ChildSaParameters(
            inboundSpi ?? sa.Endpoint.NewEspSpi(),
            suite.PeerSpi,
            suite,
            Copy(weAreInitiator ? keys.ResponderEncryption : keys.InitiatorEncryption),
            Copy(weAreInitiator ? keys.ResponderIntegrity : keys.InitiatorIntegrity),
            Copy(weAreInitiator ? keys.InitiatorEncryption : keys.ResponderEncryption),
            Copy(weAreInitiator ? keys.InitiatorIntegrity : keys.ResponderIntegrity),
            traffic.Local,
            traffic.Remote,
            sa.Path,
            sa.Peer.NatDetected,
            profile.ReplayWindow,
            profile.ChildLifetimeOctets,
            outboundAtOnce)
        {
            IsTransportMode = traffic.IsTransportMode,
        };
    }

    /// <summary>The data plane has its own copy now.</summary>
    public static void ZeroKeys(ChildSaParameters parameters)
    {
        CryptographicOperations.ZeroMemory(parameters.InboundEncryptionKey);
        CryptographicOperations.ZeroMemory(parameters.InboundIntegrityKey);
        CryptographicOperations.ZeroMemory(parameters.OutboundEncryptionKey);
        CryptographicOperations.ZeroMemory(parameters.OutboundIntegrityKey);
    }

    public static ChildSa Add(IkeSa sa, IkeSession session, ChildSaParameters parameters)
    {
        var now = sa.Endpoint.Now;
        var lifetime = session.Profile.ChildLifetime;

        // Windows refuses a CHILD_SA rekey of ours behind NAT (13863) and rekeys by itself: we come only when it did not.
        var soft = sa.Peer.IsWindows ? lifetime * HardLifetimeFactor : sa.Endpoint.Jitter(lifetime);
        var child = new ChildSa
        {
            InboundSpi = parameters.InboundSpi,
            OutboundSpi = parameters.OutboundSpi,
            Suite = parameters.Suite,
            LocalSelectors = parameters.LocalSelectors,
            RemoteSelectors = parameters.RemoteSelectors,
            IsTransportMode = parameters.IsTransportMode,
            CreatedAt = now,
            RekeyAt = now + soft,
            ExpiresAt = now + (soft * HardLifetimeFactor),
        };
        session.Children.Add(child);
        session.Encapsulation = child.IsTransportMode ? EncapsulationRule.Gre : EncapsulationRule.Tunnel;
        sa.Endpoint.Table.CountChildren(1);
        ChildLifetime.Arm(session.Current);
        return child;
    }

    private static byte[] Copy(byte[] key) => [.. key];
}
