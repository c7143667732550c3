using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Headend.VirtualAccess.Policy;

/// <summary>An access list that stands in the kernel, as a chain.</summary>
internal sealed class FilterChain(int number, string key, AccessList list, IReadOnlyList<string> rules)
{
    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"l{number}");

    public string Key { get; } = key;

    public AccessList List { get; } = list;

    public IReadOnlyList<string> Rules { get; } = rules;

    /// <summary>Groups that use it, and one for a list of the configuration.</summary>
    public int References { get; set; }
}

/// <summary>A chain as one direction of a group uses it.</summary>
internal readonly record struct FilterJump(FilterChain Chain, AddressFamily? Scope)
{
    public override string ToString() => $"{Scope switch { null => "", AddressFamily.InterNetwork => "meta nfproto ipv4 ", _ => "meta nfproto ipv6 " }}jump {Chain.Name}";
}

/// <summary>The lists that an interface has, both directions: one link group for all interfaces that have the same.</summary>
internal sealed class FilterGroup(uint number, string key, IReadOnlyList<FilterJump> inbound, IReadOnlyList<FilterJump> outbound)
{
    public uint Number { get; } = number;

    public string Key { get; } = key;

    public IReadOnlyList<FilterJump> Inbound { get; } = inbound;

    public IReadOnlyList<FilterJump> Outbound { get; } = outbound;

    public IEnumerable<FilterChain> Chains => Inbound.Concat(Outbound).Select(static jump => jump.Chain);

    /// <summary>Interfaces in it.</summary>
    public int References { get; set; }
}

/// <summary>
/// Which chains and groups there are, counted by their users; and the nftables commands that make and unmake them. Pure: the caller runs the commands and tells how it
/// went. What is equal exists once, so that the kernel's share does not grow with sessions.
/// </summary>
/// <remarks>
/// <code>
/// table inet headend-STATE
///   received (prerouting)      iifgroup in our range -> entering
///   forwarded (forward)        oifgroup in our range -> leaving
///   entering                   iifname @met_in; iifgroup vmap @in; iifname @passed_in return; drop
///   leaving                    the same of oif and out
///   lN                         one list: permit returns, deny drops
///   inN, outN                  several lists of one direction, or one for one family: a jump to each
/// </code>
/// A packet's way does not depend on the number of sessions: hash look-ups of its interface's group and name. The verdict maps are keyed by group and not by name
/// because the kernel walks all elements of a verdict map whenever one is added. What comes in is asked before routing: in a VRF the later hooks see the VRF's device and no
/// longer the session's; and before addresses are translated, as IOS does.
/// </remarks>
internal sealed class FilterTable(string stateId)
{
    private const int GroupsPerTable = 1 << 16;
    private const uint ClosingDevices = 0x68650000;
    private const string MapType = "type devgroup : verdict;";

    private readonly Dictionary<string, FilterChain> chains = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FilterGroup> groups = new(StringComparer.Ordinal);
    private readonly uint firstGroup = FirstGroupOf(stateId);
    private readonly HashSet<uint> taken = [];
    private int lastChain;
    private uint lastGroup;

    public string Name { get; } = $"headend-{stateId}";

    public IEnumerable<FilterChain> Chains => chains.Values;

    /// <summary>Makes the table anew; what an earlier run left of it is gone with the same transaction.</summary>
    public string Setup()
    {
        var range = string.Create(CultureInfo.InvariantCulture, $"{firstGroup}-{firstGroup + GroupsPerTable - 1}");
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"add table inet {Name}\ndelete table inet {Name}\nadd table inet {Name}\n");
        foreach (var direction in new[] { "in", "out" })
        {
            text.Append(CultureInfo.InvariantCulture, $"add map inet {Name} {direction} {{ {MapType} }}\n");
            foreach (var set in new[] { "met", "passed" }) text.Append(CultureInfo.InvariantCulture, $"add set inet {Name} {set}_{direction} {{ type ifname; counter; }}\n");
        }

        foreach (var (chain, side, direction) in new[] { ("entering", "iif", "in"), ("leaving", "oif", "out") })
        {
            text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} {chain}\n");
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {chain} {side}name @met_{direction}\n");
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {chain} {side}group vmap @{direction}\n");
            // Only an interface whose lists stand is in the set: anything else of our range is dropped and not let through.
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {chain} {side}name @passed_{direction} return\n");
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {chain} counter drop\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} received {{ type filter hook prerouting priority mangle; policy accept; }}\n");
        text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} received iifgroup {range} jump entering\n");
        text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} forwarded {{ type filter hook forward priority filter; policy accept; }}\n");
        text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} forwarded oifgroup {range} jump leaving\n");
        return text.ToString();
    }

    /// <summary>Everything anew, with what stands: for a table that somebody else has deleted.</summary>
    /// <param name="members">The interfaces of each group.</param>
    public string Restore(ILookup<FilterGroup, string> members)
    {
        var text = new StringBuilder(Setup());
        foreach (var chain in chains.Values) Append(text, chain);
        foreach (var group in groups.Values)
        {
            Dispatch(text, group, "in", group.Inbound);
            Dispatch(text, group, "out", group.Outbound);
            foreach (var set in SetsOf(group))
            {
                foreach (var device in members[group]) text.Append(CultureInfo.InvariantCulture, $"add element inet {Name} {set} {{ \"{device}\" }}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>The sets that hold the interfaces of a group.</summary>
    public static IEnumerable<string> SetsOf(FilterGroup? group)
    {
        string[] inbound = group is { Inbound.Count: > 0 } ? ["met_in", "passed_in"] : [];
        string[] outbound = group is { Outbound.Count: > 0 } ? ["met_out", "passed_out"] : [];
        return inbound.Concat(outbound);
    }

    public string Teardown() => $"delete table inet {Name}\n";

    /// <summary>Makes chains for lists of the configuration, which stay.</summary>
    public string AddStanding(IEnumerable<AccessList> lists)
    {
        var text = new StringBuilder();
        foreach (var list in lists) Acquire(list, text).References++;
        return text.ToString();
    }

    /// <summary>The group of a filter, with one user more.</summary>
    /// <param name="filter">Not <see cref="InterfaceFilter.None"/>.</param>
    /// <param name="commands">To be run before an interface enters the group; empty where it stands. Should they fail, <see cref="Release"/> it without running its commands.</param>
    /// <param name="group">The group; null when there is no number left.</param>
    public bool TryAcquire(InterfaceFilter filter, out string commands, out FilterGroup? group)
    {
        var text = new StringBuilder();
        FilterJump[] inbound = [.. filter.Inbound.Select(list => new FilterJump(Acquire(list, text), list.Scope))];
        FilterJump[] outbound = [.. filter.Outbound.Select(list => new FilterJump(Acquire(list, text), list.Scope))];
        var key = string.Join(';', inbound) + "/" + string.Join(';', outbound);
        commands = "";
        if (groups.TryGetValue(key, out group))
        {
            group.References++;
            return true;
        }

        if (!TryNumber(out var number))
        {
            Forget(inbound.Concat(outbound).Select(static jump => jump.Chain), null);
            return false;
        }

        group = new FilterGroup(number, key, inbound, outbound) { References = 1 };
        foreach (var chain in group.Chains) chain.References++;
        Dispatch(text, group, "in", group.Inbound);
        Dispatch(text, group, "out", group.Outbound);
        groups[key] = group;
        commands = text.ToString();
        return true;
    }

    /// <summary>Takes one user away.</summary>
    /// <returns>The commands that unmake what nobody uses now; empty where it is still in use.</returns>
    public string Release(FilterGroup group)
    {
        if (--group.References > 0) return "";
        groups.Remove(group.Key);
        taken.Remove(group.Number);
        var text = new StringBuilder();
        Undispatch(text, group, "in", group.Inbound);
        Undispatch(text, group, "out", group.Outbound);
        foreach (var chain in group.Chains) chain.References--;
        Forget([.. group.Chains], text);
        return text.ToString();
    }

    private void Dispatch(StringBuilder text, FilterGroup group, string direction, IReadOnlyList<FilterJump> lists)
    {
        var verdict = NeedsChain(lists) ? $"jump {direction}{group.Number}" : lists.Count == 0 ? "return" : lists[0].ToString();
        if (NeedsChain(lists))
        {
            AddChain(text, string.Create(CultureInfo.InvariantCulture, $"{direction}{group.Number}"), lists);
        }

        text.Append(CultureInfo.InvariantCulture, $"add map inet {Name} {direction} {{ {MapType} elements = {{ {group.Number} : {verdict} }}; }}\n");
    }

    private void Undispatch(StringBuilder text, FilterGroup group, string direction, IReadOnlyList<FilterJump> lists)
    {
        text.Append(CultureInfo.InvariantCulture, $"delete element inet {Name} {direction} {{ {group.Number} }}\n");
        if (NeedsChain(lists)) Delete(text, $"{direction}{group.Number}");
    }

    private static bool NeedsChain(IReadOnlyList<FilterJump> lists) => lists.Count > 1 || (lists.Count == 1 && lists[0].Scope is not null);

    private void Delete(StringBuilder text, string chain) => text.Append(CultureInfo.InvariantCulture, $"flush chain inet {Name} {chain}\ndelete chain inet {Name} {chain}\n");

    private FilterChain Acquire(AccessList list, StringBuilder text)
    {
        // A list of the configuration has its own counters; lines that AAA sent are counted with equal ones.
        var owner = list.IsOfSession ? "" : list.Name;
        var key = owner + "\n" + string.Join('\n', NftablesCompiler.Rules(list, ""));
        if (chains.TryGetValue(key, out var chain)) return chain;
        var number = ++lastChain;
        chain = new FilterChain(number, key, list, NftablesCompiler.Rules(list, string.Create(CultureInfo.InvariantCulture, $"l{number}")));
        chains[key] = chain;
        Append(text, chain);
        return chain;
    }

    private void Append(StringBuilder text, FilterChain chain) => AddChain(text, chain.Name, chain.Rules);

    /// <summary>A chain with its rules, and elements with their map, are one command: for rules and elements of their own libnftables reads all chains that stand before it does anything.</summary>
    private void AddChain<T>(StringBuilder text, string chain, IEnumerable<T> rules)
    {
        text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} {chain} {{\n");
        foreach (var rule in rules) text.Append(CultureInfo.InvariantCulture, $"{rule}\n");
        text.Append("}\n");
    }

    private void Forget(IEnumerable<FilterChain> candidates, StringBuilder? text)
    {
        foreach (var chain in candidates.Where(static c => c.References == 0).Distinct())
        {
            chains.Remove(chain.Key);
            if (text is not null) Delete(text, chain.Name);
        }
    }

    private bool TryNumber(out uint number)
    {
        number = 0;
        if (taken.Count >= GroupsPerTable) return false;
        do number = firstGroup + (lastGroup++ % GroupsPerTable);
        while (!taken.Add(number));
        return true;
    }

    // Two headends on one machine must not have each other's groups; link groups that people use are small numbers.
    private static uint FirstGroupOf(string stateId)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(stateId));
        var first = (uint)(0x4000 | ((hash[0] << 8 | hash[1]) & 0x3fff)) << 16;
        return first == ClosingDevices ? first + GroupsPerTable : first;
    }
}
