using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Authorization;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

/// <summary>
/// Resolves what a session's profile and its interface's configuration say about packets into lists. Each source of a direction is a list of its own, and a packet must pass
/// all of them; what AAA says of a direction takes the place of the template's access groups. Thread-safe.
/// </summary>
/// <param name="lists">Of the configuration.</param>
/// <param name="missing">Why this machine cannot filter; null where it can.</param>
internal sealed class SessionFilterCompiler(IReadOnlyDictionary<string, AccessList> lists, string? missing)
{
    private const string FilterRule = "NAS-Filter-Rule";

    // Stand for the addresses that a login has not got yet.
    private static readonly IPAddress[] AnyAddresses = [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")];

    private int lastNumber;

    /// <summary>Why a profile's filter cannot be enforced, before its session has addresses; null where it can or where there is none.</summary>
    public string? Check(SessionProfile profile)
    {
        if (!TrySources(profile, AnyAddresses, out var inbound, out var outbound, out var error)) return error;
        return inbound.Count + outbound.Count > 0 && missing is not null ? $"packets cannot be filtered here: {missing}" : null;
    }

    /// <summary>Resolves the lists. False with an error that names the attribute or the list and the word in it.</summary>
    /// <param name="session">Whose; its standing lists keep their names where their lines are the same.</param>
    /// <param name="profile">What AAA says.</param>
    /// <param name="config">What the interface's commands say.</param>
    /// <param name="filter">The lists.</param>
    /// <param name="error">What is wrong.</param>
    public bool TryCompile(ClientSession session, SessionProfile profile, InterfaceConfig config, out InterfaceFilter filter, [NotNullWhen(false)] out string? error)
    {
        if (!TryForesee(session, profile, config, out filter, out error)) return false;
        var (inbound, outbound) = filter;
        filter = new InterfaceFilter([.. inbound.Select(list => Named(session, list, session.Filter.Inbound))], [.. outbound.Select(list => Named(session, list, session.Filter.Outbound))]);
        return true;
    }

    /// <summary>The same without names for the session's lists: what the kernel will be asked for.</summary>
    public bool TryForesee(ClientSession session, SessionProfile profile, InterfaceConfig config, out InterfaceFilter filter, [NotNullWhen(false)] out string? error)
    {
        filter = InterfaceFilter.None;
        if (!TrySources(profile, [.. session.ClientAddresses()], out var inbound, out var outbound, out error)) return false;
        if (inbound.Count == 0 && !TryGroups([config.InboundAccessGroup, config.Ipv6InboundAccessGroup], inbound, out error)) return false;
        if (outbound.Count == 0 && !TryGroups([config.OutboundAccessGroup, config.Ipv6OutboundAccessGroup], outbound, out error)) return false;
        if (inbound.Count + outbound.Count > 0 && missing is not null)
        {
            error = $"packets cannot be filtered here: {missing}";
            return false;
        }

        filter = new InterfaceFilter([.. inbound], [.. outbound]);
        return true;
    }

    private bool TrySources(
        SessionProfile profile, IReadOnlyList<IPAddress> assigned, out List<AccessList> inbound, out List<AccessList> outbound, [NotNullWhen(false)] out string? error)
    {
        (inbound, outbound) = ([], []);
        if (!TryNamed(profile.InboundAccessList, "ip:inacl or Filter-Id", inbound, out error) || !TryNamed(profile.OutboundAccessList, "ip:outacl or Filter-Id", outbound, out error))
            return false;
        if (!TryLines("ip:inacl", profile.InboundEntries, inbound, isOfSession: true, out error) || !TryLines("ip:outacl", profile.OutboundEntries, outbound, isOfSession: true, out error))
            return false;
        if (profile.DownloadableAccessList is { } downloaded && !TryLines(downloaded, profile.DownloadedEntries, inbound, isOfSession: false, out error))
            return false;
        if (!IpFilterRuleParser.TryParse(profile.FilterRules, assigned, FilterRule, out var entering, out var leaving, out error))
            return false;
        if (entering is not null) inbound.Add(entering);
        if (leaving is not null) outbound.Add(leaving);
        return true;
    }

    private bool TryNamed(string? name, string attribute, List<AccessList> found, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (name is null) return true;
        if (lists.TryGetValue(name, out var list)) found.Add(list);
        else error = $"there is no access list {name} ({attribute})";
        return error is null;
    }

    private static bool TryLines(string name, ImmutableArray<string> lines, List<AccessList> found, bool isOfSession, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (isOfSession && lines.IsEmpty) return true;
        if (!AccessListParser.TryParse(name, lines, out var list, out error)) return false;
        found.Add(list with { IsOfSession = isOfSession });
        return true;
    }

    /// <summary>ip access-group, then ipv6 traffic-filter: each for its family alone.</summary>
    private bool TryGroups(Setting<string>?[] settings, List<AccessList> found, [NotNullWhen(false)] out string? error)
    {
        error = null;
        for (var i = 0; i < settings.Length; i++)
        {
            if (settings[i] is not { } setting) continue;
            if (!lists.TryGetValue(setting.Value, out var list))
            {
                error = $"{setting.Origin}: \"{setting.Command}\": there is no access list {setting.Value}";
                return false;
            }

            found.Add(list with { Scope = i == 0 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6 });
        }

        return true;
    }

    // IOS's names of lists that AAA sent: Virtual-Access1#2601.
    private AccessList Named(ClientSession session, AccessList list, ImmutableArray<AccessList> standing)
    {
        if (!list.IsOfSession) return list;
        var same = standing.FirstOrDefault(s => s.IsOfSession && s.PermitsRest == list.PermitsRest && s.Entries.Select(static e => e.Text).SequenceEqual(list.Entries.Select(static e => e.Text)));
        var name = same?.Name ?? string.Create(CultureInfo.InvariantCulture, $"{session.InterfaceName}#{Interlocked.Increment(ref lastNumber)}");
        return list with { Name = name };
    }
}
