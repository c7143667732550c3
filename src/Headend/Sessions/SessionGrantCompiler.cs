using System.Net;
using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Ikev2;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

/// <summary>
/// Turns a session's merged profile into what IKE is told, resolving the names in it: downloadable access lists, the subnets of interfaces and access lists. What AAA asks
/// for and cannot be had refuses the login: a session never comes up with less filtering than was asked for.
/// </summary>
internal sealed class SessionGrantCompiler(
    DownloadableAccessListClient? downloads, IReadOnlyDictionary<string, AccessList> accessLists, SessionFilterCompiler filters, InterfaceNetworks interfaces,
    Func<IReadOnlyList<AddressPool>> pools)
{
    /// <summary>INTERNAL_IP4_SUBNET and INTERNAL_IP6_SUBNET of one answer.</summary>
    private const int MaximumSubnets = 512;

    /// <summary>Completes at once unless an access list has to be downloaded or the system asked for its interfaces. On a grant the session's profile is set.</summary>
    public async ValueTask<AuthorizationOutcome> CompileAsync(ClientSession session, SessionProfile profile, CancellationToken cancellation)
    {
        (profile, var failed) = await DownloadAsync(session, profile, cancellation).ConfigureAwait(false);
        if (failed is not null)
            return new AuthorizationOutcome(null, failed.Failure, failed.IsUnavailable) { Unsendable = failed.IsUnsendable };
        if (filters.Check(profile) is { } unenforceable)
            return AuthorizationOutcome.Refused(unenforceable);
        IReadOnlyList<InterfaceAddress> own = profile.RouteInterfaces.IsEmpty && profile.RouteAcceptance is null ? [] : await interfaces.GetAsync().ConfigureAwait(false);
        if (!TryResolveSubnets(session, profile, own, out var subnets, out var refusal))
            return AuthorizationOutcome.Refused(refusal);
        session.Profile = profile;
        session.Subnets = subnets;
        return new AuthorizationOutcome(ToGrant(session, profile, own, subnets), null, false);
    }

    /// <summary>Fetches the downloadable access list that a profile names, where it has not been fetched yet. With a failure the profile is as it was.</summary>
    public async ValueTask<(SessionProfile Profile, AccessListDownload? Failed)> DownloadAsync(ClientSession session, SessionProfile profile, CancellationToken cancellation)
    {
        if (profile.DownloadableAccessList is not { } name || !profile.DownloadedEntries.IsEmpty)
            return (profile, null);
        var download = await FetchAsync(session, name, cancellation).ConfigureAwait(false);
        return download.Failure is { } failure
            ? (profile, download with { Failure = $"the access list {name} cannot be fetched: {failure}" })
            : (profile with { DownloadedEntries = download.Entries }, null);
    }

    private async ValueTask<AccessListDownload> FetchAsync(ClientSession session, string name, CancellationToken cancellation)
    {
        if (downloads is null || session.AuthorizedBy is not { } group)
            return new AccessListDownload([], "no RADIUS server named it", false);
        return await downloads.FetchAsync(group, session.ToNasRecord(name), name, cancellation).ConfigureAwait(false);
    }

    private bool TryResolveSubnets(ClientSession session, SessionProfile profile, IReadOnlyList<InterfaceAddress> own, out IReadOnlyList<IPNetwork> subnets, out string refusal)
    {
        var found = new List<IPNetwork>(profile.Routes);
        subnets = found;
        refusal = "";
        foreach (var name in profile.RouteInterfaces)
        {
            var known = found.Count;
            if (name.Length == 0)
                found.AddRange(OwnAddresses(session, own));
            else
                found.AddRange(own.Where(a => a.Interface == name).Select(a => a.Network));
            if (found.Count > known)
                continue;
            refusal = name.Length == 0 ? "route-set=interface: the session's interface has no address of its own" : $"route-set=interface {name}: there is no such interface, or it has no address";
            return false;
        }

        foreach (var reference in profile.RouteAccessLists)
        {
            if (!accessLists.TryGetValue(reference.Name, out var list))
            {
                refusal = $"route-set=access-list: there is no access list {reference.Name}";
                return false;
            }

            found.AddRange(list.Subnets(reference.IsIpv6));
        }

        subnets = [.. found.Distinct().Take(MaximumSubnets)];
        return true;
    }

    // The session's interface borrows its addresses, and has them as host addresses.
    private static IEnumerable<IPNetwork> OwnAddresses(ClientSession session, IReadOnlyList<InterfaceAddress> interfaces)
    {
        var config = VirtualAccessDerivation.Derive(session.Template, session.AuthorizedCommands(), InterfaceNames.NoRules).Config;
        foreach (var (lender, octets) in new[] { (config.IpUnnumbered?.Value, 4), (config.Ipv6Unnumbered?.Value, 16) })
        {
            foreach (var lent in interfaces.Where(a => a.Interface == lender && a.Address.GetAddressBytes().Length == octets).Take(1))
                yield return new IPNetwork(lent.Address, octets * 8);
        }
    }

    private SessionGrant ToGrant(ClientSession session, SessionProfile profile, IReadOnlyList<InterfaceAddress> own, IReadOnlyList<IPNetwork> subnets)
    {
        var commanded = VirtualAccessDerivation.Derive(session.Template, session.AuthorizedCommands(), InterfaceNames.NoRules).Config;
        var behind = profile.PeerRoutes.Select(r => r.Network).Concat(commanded.Routes.Select(r => r.Value.Network));
        if (profile.DelegatedIpv6Prefix is { } delegated)
            behind = behind.Append(delegated);
        return new SessionGrant
        {
            DnsServers = profile.DnsServers,
            NbnsServers = profile.NbnsServers,
            Subnets = subnets,
            DefaultDomain = profile.DefaultDomain,
            SplitDomains = profile.SplitDns,
            CiscoAttributes = CiscoAttributeCompiler.Compile(session.Binding.CiscoAttributes, profile, subnets, (session.Eap as AnyConnectConversation)?.CompleteDocument ?? default),
            RemoteNetworks = [.. behind.Distinct()],
            AcceptRemoteNetworks = profile.RouteAcceptance is not null,
            OwnNetworks = profile.RouteAcceptance is null ? [] : OwnNetworks(own),
            Encapsulation = EncapsulationOf(session, commanded),
            SessionTimeout = profile.SessionTimeout,
            ReauthenticateAtTimeout = profile.TerminationAction == TerminationAction.RadiusRequest,
            IdleTimeout = profile.IdleTimeout,
            FlowLimit = profile.FlowLimit ?? SessionGrant.Empty.FlowLimit,
        };
    }

    /// <summary>GRE is for interfaces that are told so. Where commands that do not fit a session are left out, `tunnel mode gre` is one of them.</summary>
    private static EncapsulationRule EncapsulationOf(ClientSession session, InterfaceConfig config)
    {
        if (config.TakesModeFromSession)
            return EncapsulationRule.AsOffered;
        if (config.TunnelMode?.Value.Encapsulation != TunnelEncapsulation.Gre)
            return EncapsulationRule.Tunnel;
        return session.Binding.IgnoresInterfaceErrors ? EncapsulationRule.AsOffered : EncapsulationRule.Gre;
    }

    /// <summary>What no client may claim: the networks that this machine is connected to and those that it gives addresses of.</summary>
    private IReadOnlyList<IPNetwork> OwnNetworks(IReadOnlyList<InterfaceAddress> own) =>
        [.. own.Select(a => a.Network).Concat(pools().SelectMany(PoolNetworks)).Distinct()];

    /// <summary>The smallest network that holds a whole range of a pool.</summary>
    private static IEnumerable<IPNetwork> PoolNetworks(AddressPool pool)
    {
        foreach (var range in pool.Ranges)
        {
            var (first, last) = (range.First.GetAddressBytes(), range.Last.GetAddressBytes());
            var length = 0;
            while (length < first.Length * 8 && ((first[length / 8] ^ last[length / 8]) & (0x80 >> (length % 8))) == 0)
                length++;
            yield return new InterfaceAddress("", range.First, length).Network;
        }
    }
}
