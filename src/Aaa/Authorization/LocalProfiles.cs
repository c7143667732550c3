using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.Aaa.Authentication;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>One `authorization-policies` entry of the configuration.</summary>
public sealed record LocalPolicyOptions(string Name)
{
    public string? Pool { get; init; }

    public string? Ipv6Pool { get; init; }

    public string? DelegatedPrefixPool { get; init; }

    /// <summary>IPv4; empty for none.</summary>
    public IReadOnlyList<IPAddress> DhcpServers { get; init; } = [];

    public IPAddress? DhcpGiaddr { get; init; }

    public TimeSpan? DhcpTimeout { get; init; }

    public IReadOnlyList<IPAddress> Dns { get; init; } = [];

    public string? DefaultDomain { get; init; }

    /// <summary>Values of route-set: "prefix 10.0.0.0/8" ...</summary>
    public IReadOnlyList<string> RouteSet { get; init; } = [];

    /// <summary>Values of interface-config that the policy's own words stand for.</summary>
    public IReadOnlyList<string> InterfaceCommands { get; init; } = [];

    public string? Banner { get; init; }

    public TimeSpan? SessionTimeout { get; init; }

    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>Name of an attribute list, or null.</summary>
    public string? AttributeList { get; init; }
}

/// <summary>The authorization policies and attribute lists of the configuration as profiles, by name. Immutable.</summary>
public sealed class LocalProfiles
{
    private static readonly IReadOnlyDictionary<string, Entry> NoEntries = FrozenDictionary<string, Entry>.Empty;

    private readonly FrozenDictionary<string, Entry> profiles;

    private readonly FrozenDictionary<string, Entry> lists;

    private LocalProfiles(IReadOnlyDictionary<string, Entry> profiles, IReadOnlyDictionary<string, Entry> lists)
    {
        this.profiles = profiles.ToFrozenDictionary(StringComparer.Ordinal);
        this.lists = lists.ToFrozenDictionary(StringComparer.Ordinal);
    }

    public static LocalProfiles None { get; } = new(NoEntries, NoEntries);

    public bool TryFind(string name, [NotNullWhen(true)] out SessionProfile? profile) => TryFind(profiles, name, out profile);

    /// <summary>The profile that an attribute list makes by itself.</summary>
    public bool TryFindList(string name, [NotNullWhen(true)] out SessionProfile? profile) => TryFind(lists, name, out profile);

    /// <summary>The pre-shared keys in a policy's attribute list, which are the configuration's to dispose; null where there are none.</summary>
    public PreSharedKeyAttributes? KeysOf(string policy) => profiles.TryGetValue(policy, out var entry) ? entry.Keys : null;

    /// <summary>The pre-shared keys in an attribute list; likewise.</summary>
    public PreSharedKeyAttributes? KeysOfList(string list) => lists.TryGetValue(list, out var entry) ? entry.Keys : null;

    /// <summary>Compiles all policies and lists; every error is listed with the name of its policy or list.</summary>
    public static bool TryCompile(
        IReadOnlyList<LocalPolicyOptions> policies, IReadOnlyDictionary<string, IReadOnlyList<string>> attributeLists, IProfileObserver observer,
        [NotNullWhen(true)] out LocalProfiles? result, out IReadOnlyList<string> errors, RadiusDictionary? dictionary = null)
    {
        var found = new List<string>();
        var compiled = new Dictionary<string, Entry>(StringComparer.Ordinal);
        var lists = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var (name, pairs) in attributeLists)
        {
            PreSharedKeyAttributes? keys = null;
            if (SessionProfileReader.TryRead(pairs, observer, out var list, out var error, dictionary) && PreSharedKeyAttributes.TryRead(pairs, out keys, out error)) lists[name] = new Entry(list, keys);
            else found.Add($"attribute list {name}: {error}");
        }
        foreach (var policy in policies)
        {
            var listed = new Entry(SessionProfile.Empty, null);
            if (policy.AttributeList is not null)
            {
                if (lists.TryGetValue(policy.AttributeList, out var known)) listed = known;
                else if (!attributeLists.ContainsKey(policy.AttributeList)) found.Add($"authorization policy {policy.Name}: there is no attribute list {policy.AttributeList}");
            }
            // The policy's own words are attributes by other names: the same parsers read them.
            var pairs = policy.RouteSet.Select(static value => $"route-set={value}").Concat(policy.InterfaceCommands.Select(static command => $"interface-config={command}"));
            if (!SessionProfileReader.TryRead(pairs, observer, out var own, out var wrong)) found.Add($"authorization policy {policy.Name}: {wrong}");
            var domain = policy.DefaultDomain;
            if (domain is not null && !AttributeParser.TryParseDomain(domain, out domain)) found.Add($"authorization policy {policy.Name}: default-domain '{policy.DefaultDomain}' is no domain");
            own = own with
            {
                Ipv4Pool = policy.Pool,
                Ipv6Pool = policy.Ipv6Pool,
                DelegatedIpv6PrefixPool = policy.DelegatedPrefixPool,
                DhcpServers = [.. policy.DhcpServers],
                DhcpGiaddr = policy.DhcpGiaddr,
                DhcpTimeout = policy.DhcpTimeout,
                DnsServers = [.. policy.Dns],
                DefaultDomain = domain,
                Banner = policy.Banner,
                SessionTimeout = policy.SessionTimeout,
                IdleTimeout = policy.IdleTimeout,
            };
            if (!compiled.TryAdd(policy.Name, listed with { Profile = ProfileMerge.Merge(listed.Profile, own) })) found.Add($"authorization policy {policy.Name} is defined twice");
        }
        errors = found;
        result = found.Count == 0 ? new LocalProfiles(compiled, lists) : null;
        return result is not null;
    }

    private static bool TryFind(FrozenDictionary<string, Entry> entries, string name, [NotNullWhen(true)] out SessionProfile? profile)
    {
        profile = entries.TryGetValue(name, out var entry) ? entry.Profile : null;
        return profile is not null;
    }

    private sealed record Entry(SessionProfile Profile, PreSharedKeyAttributes? Keys);
}
