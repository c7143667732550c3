using System.Net;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.TestKit.Simulation;

/// <summary>
/// Two endpoints with one established session between them: a client logs in at <see cref="Left"/> and its side is handed to <see cref="Right"/>, which is from then on the
/// original initiator. Both have the headend's exchanges, so that rekeys and deletes of both can cross.
/// </summary>
public sealed class EndpointPair
{
    private static readonly IPAddress s_leftAddress = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress s_inner = IPAddress.Parse("10.10.0.1");
    private static readonly IPEndPoint s_right = new(IPAddress.Parse("198.51.100.10"), 4500);

    private EndpointPair(SimulatedNetwork network, SimulatedHeadend left, SimulatedHeadend right)
    {
        Network = network;
        Left = left;
        Right = right;
    }

    public SimulatedNetwork Network { get; }

    public SimulatedHeadend Left { get; }

    public SimulatedHeadend Right { get; }

    internal IkeSession? LeftSession => Left.Endpoint.Table.All.Select(s => s.Session).FirstOrDefault(s => s is { Up: true, Ended: false });

    internal IkeSession? RightSession => Right.Endpoint.Table.All.Select(s => s.Session).FirstOrDefault(s => s is { Up: true, Ended: false });

    /// <summary>A profile with cheap algorithms; lifetimes are long unless the test changes them.</summary>
    public static IkeProfile Profile(string name) => new()
    {
        Name = name,
        RemoteIdentities = [Any()],
        LocalIdentity = new IkeIdentity(IdType.Fqdn, "vpn.example.com"u8),
        Credential = TestCredential.Ecdsa,
        IkeProposals = [ProposalParser.ParseIke("aes128gcm16-prfsha256-x25519")],
        EspProposals = [ProposalParser.ParseEsp("aes128gcm16")],
        LocalTraffic = [new IPNetwork(s_inner, 32)],
    };

    /// <summary>Over a faultless network; the caller sets the faults afterwards.</summary>
    public static EndpointPair Establish(ulong seed, TimeSpan mostDelay, PfsPolicy pfs = PfsPolicy.Optional, bool gre = false)
    {
        var network = new SimulatedNetwork(seed);
        var outside = new OutsideOptions { MostDelay = mostDelay, Grant = new SessionGrant { Encapsulation = gre ? EncapsulationRule.Gre : EncapsulationRule.Tunnel } };
        var left = new SimulatedHeadend(
            network,
            new IkeEndpointOptions { Profiles = [Profile("left") with { Pfs = pfs }] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(outside),
            new IPEndPoint(s_leftAddress, 500),
            new IPEndPoint(s_leftAddress, 4500));
        var options = new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.KeyId, "pair"u8),
            User = "alice",
            Password = "secret",
            Crypto = new ToyCryptoProvider(network.Random.Next()),
        };
        if (gre)
            options = options.ForGre(s_right.Address, s_leftAddress);
        var client = new SimulatedClient(network, options, s_right, s_leftAddress, direct: true);
        client.Start();
        if (!network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(30))
            || client.Initiator.Outcome is not InitiatorOutcome.Established established)
            throw new InvalidOperationException($"the login for the pair: {client.Initiator.Outcome}");
        network.Detach(s_right);
        var profile = Profile("right") with { Pfs = pfs, LocalTraffic = [new IPNetwork(established.IPv4!, 32)] };
        var right = new SimulatedHeadend(
            network,
            new IkeEndpointOptions { Profiles = [profile] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(outside with { Adopts = true }),
            s_right);
        right.Do((endpoint, now) => endpoint.Adopt(HandOver(client.Initiator, profile), now));
        return new EndpointPair(network, left, right);
    }

    /// <summary>What the two sides disagree in, or null. To be asked when the network has been faultless for minutes.</summary>
    public string? Disagreement()
    {
        var left = LeftSession;
        var right = RightSession;
        if (Leftovers("left", Left, left) is { } first)
            return first;
        if (Leftovers("right", Right, right) is { } second)
            return second;
        if (left is null || right is null)
            return left is null && right is null ? null : $"one side has a session: left {left is not null}, right {right is not null}";
        if (left.Current.LocalSpi != right.Current.RemoteSpi || left.Current.RemoteSpi != right.Current.LocalSpi)
            return "the two sides speak over different IKE SAs";
        var ours = left.Children.Select(c => (c.InboundSpi, c.OutboundSpi)).Order();
        var theirs = right.Children.Select(c => (c.OutboundSpi, c.InboundSpi)).Order();
        return ours.SequenceEqual(theirs) ? null : $"CHILD_SAs differ: left {Describe(left)}, right {Describe(right)}";
    }

    private static string? Leftovers(string side, SimulatedHeadend node, IkeSession? session)
    {
        var sas = node.Endpoint.Table.All.ToList();
        if (sas.Count != (session is null ? 0 : 1))
            return $"{side}: {sas.Count} IKE SAs: {string.Join(", ", sas.Select(s => s.Phase))}";
        if (node.Endpoint.PendingOperations != node.Outside.Outstanding)
            return $"{side}: {node.Endpoint.PendingOperations} operations pending";
        if (node.Outside.Open != (session is null ? 0 : 1))
            return $"{side}: {node.Outside.Open} logins open outside";
        if (session is null)
            return null;
        if (sas[0].Phase != IkeSaPhase.Established || sas[0].ActiveLocal is not null and not LivenessExchange)
            return $"{side}: {sas[0].Phase}, {sas[0].ActiveLocal?.Story}";
        var installed = node.Outside.Installed.Order().ToList();
        return installed.SequenceEqual(session.Children.Select(c => c.InboundSpi).Order())
            ? null
            : $"{side}: installed {string.Join(' ', installed.Select(s => $"{s:x8}"))}, in the session {Describe(session)}";
    }

    private static string Describe(IkeSession session) => string.Join(' ', session.Children.Select(c => $"{c.InboundSpi:x8}/{c.OutboundSpi:x8}"));

    private static IdentityMatch Any() => IdentityMatch.TryParse("any", out var match) ? match : throw new InvalidOperationException();

    private static AdoptedIkeSa HandOver(TestInitiator client, IkeProfile profile)
    {
        var sa = client.Current;
        var child = client.Children[0];
        var first = new ChildSaParameters(
            child.InboundSpi, child.OutboundSpi, child.Suite, [], [], [], [], child.LocalSelectors, child.RemoteSelectors, client.Path, false, 64, 0, true)
        {
            IsTransportMode = child.IsTransportMode,
        };
        var keys = new IkeKeys
        {
            SkD = [.. sa.Keys.SkD],
            SkAi = [.. sa.Keys.SkAi],
            SkAr = [.. sa.Keys.SkAr],
            SkEi = [.. sa.Keys.SkEi],
            SkEr = [.. sa.Keys.SkEr],
            SkPi = [.. sa.Keys.SkPi],
            SkPr = [.. sa.Keys.SkPr],
        };
        return new AdoptedIkeSa(
            sa.LocalSpi,
            sa.RemoteSpi,
            sa.Suite,
            keys,
            sa.NextOutbound,
            new PeerCapabilities { Fragmentation = client.PeerFragments },
            profile,
            new AssignedAddresses(s_inner, null, null, 0),
            first);
    }
}
