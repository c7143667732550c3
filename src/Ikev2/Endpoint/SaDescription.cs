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

    /// <summary>
    /// The letters of FlexVPN's show, in the order of its legend: D = dead peer detection, N = NAT traversal, X = the client proved itself by EAP, F = fragmentation (RFC 7383 or Cisco's),
    /// R = came back by auto-reconnect. Behind them, in words because its legend has no letter: RFC 7427 and RFC 5723. Its T means cTCP, which is not served.
    /// </summary>
    private static List<string> Capabilities(PeerCapabilities peer, IkeSession? session)
    {
        var shown = new List<string>();
        if (session is not null && session.Profile.DpdInterval > TimeSpan.Zero)
            shown.Add("D");
        if (peer.NatDetected)
            shown.Add("N");
        if (MultipleAuthentication.EndsWithEap(session?.Login.Method))
            shown.Add("X");
        if (peer.Fragmentation || peer.CiscoFragmentation)
            shown.Add("F");
        if (session?.Login.ReconnectId is not null)
            shown.Add("R");
        if (peer.SignatureHashes is not null)
            shown.Add("signature-hash-algorithms");
        if (session?.Login.TicketId is not null)
            shown.Add("ticket");
        return shown;
    }
}
