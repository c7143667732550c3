using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>What the outside has to know of a client of Cisco's.</summary>
internal static class CiscoClient
{
    /// <summary>IDi of AnyConnect clients whose profile names no other; its type is 11 or 201.</summary>
    private static ReadOnlySpan<byte> AnyConnectIdentity => "*$AnyConnectClient$*"u8;

    /// <summary>When any login begins, so that what was asked for is known of those that fail, too. CP stands in the first IKE_AUTH request alone.</summary>
    public static void Describe(IkeSa sa, IkeMessage message)
    {
        if (!sa.Peer.IsCisco)
            return;
        var login = sa.Session!.Login;
        login.IsCisco = true;
        login.RequestedConfiguration = Configuration.Describe(message.First<ConfigurationPayload>(), login.Profile.Reconnect);
    }

    /// <summary>Before EAP begins.</summary>
    public static void DescribeForEap(IkeSa sa, InitialOctets octets, FirstAuthRequest request)
    {
        var login = sa.Session!.Login;
        var id = request.InitiatorId;
        login.OffersAnyConnectEap = sa.Peer.AnyConnectEap
            || ((id.IdType == IdType.KeyId || id.IdType == IdType.CiscoGroup) && id.Value.Span.SequenceEqual(AnyConnectIdentity));
        if (!login.Profile.EapSignsInitiatorOctets)
            return;
        login.InitiatorHash = sa.Suite.Prf.Hash;
        login.InitiatorOctets = AuthenticationOctets.ForInitiator(sa.Endpoint.Crypto, sa.Suite.Prf, octets.Request, octets.NonceR, sa.Keys.SkPi, id.Body.Span);
    }
}
