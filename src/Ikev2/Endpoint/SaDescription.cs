using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;

namespace Headend.Ikev2.Endpoint;

/// <summary>IKE SAs as show prints them.</summary>
internal static class SaDescription
{
    public static IkeSaSnapshot Describe(IkeSa sa)
    {
        var session = sa.Session;
        var login = session?.Login;
        return new IkeSaSnapshot(
            session?.Id,
            session?.Profile.Name ?? "",
            sa.Phase.ToString(),
            sa.ActiveLocal?.Story ?? Waiting(sa),
            sa.LocalSpi,
            sa.RemoteSpi,
            sa.WeAreInitiator,
            sa.Path,
            sa.Phase == IkeSaPhase.KeyExchange ? null : sa.Suite,
            login?.RemoteIdentity.Text,
            login?.User,
            login?.Method,
            login?.LocalMethod,
            login?.LocalIdentity?.Text,
            login?.ProfileMatch ?? "",
            sa.Peer.NatDetected,
            sa.CreatedAt,
            session?.UpAt,
            Capabilities(sa.Peer, session),
            session is null || session.Current != sa
                ? []
                : [.. session.Children.Select(c => new ChildSaSnapshot(c.InboundSpi, c.OutboundSpi, c.Suite, c.LocalSelectors, c.RemoteSelectors, c.IsTransportMode, c.CreatedAt))]);
    }

    // While an effect of the login is outstanding the client waits for us, not we for it.
    private static string Waiting(IkeSa sa) => sa.Phase switch
    {
        IkeSaPhase.Established => "",
        < IkeSaPhase.Established when sa.Window.InProgress => "working on the client's IKE_AUTH: a step outside (AAA, a signature, the data plane) is under way",
        _ => ExchangeTable.StoryOf(sa.Phase),
    };

    /// <summary>Letters as FlexVPN's show prints them: F = fragmentation, U = signature authentication by RFC 7427, N = behind NAT, R = came back by auto-reconnect, T = by ticket.</summary>
    private static List<string> Capabilities(PeerCapabilities peer, IkeSession? session)
    {
        var letters = new List<string>();
        if (peer.Fragmentation)
            letters.Add("F");
        if (peer.SignatureHashes is not null)
            letters.Add("U");
        if (peer.NatDetected)
            letters.Add("N");
        if (session?.Login.ReconnectId is not null)
            letters.Add("R");
        if (session?.Login.TicketId is not null)
            letters.Add("T");
        return letters;
    }
}
