using System.Globalization;
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

/// <summary>The lists that an interface has, both directions: one link group for all interfaces that have the same.</summary>
internal sealed class FilterGroup(uint number, string key, IReadOnlyList<FilterChain> inbound, IReadOnlyList<FilterChain> outbound)
{
    public uint Number { get; } = number;

    public string Key { get; } = key;

    public IReadOnlyList<FilterChain> Inbound { get; } = inbound;

    public IReadOnlyList<FilterChain> Outbound { get; } = outbound;

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
///   forwarded (hook forward)   iifgroup in our range -> entering; oifgroup in our range -> leaving
///   delivered (hook input)     iifgroup in our range -> entering
///   entering                   iifname @met_in; iifgroup vmap @in; iifname @passed_in return; drop
///   leaving                    the same of oif and out
///   lN                         one list: permit returns, deny drops
///   inN, outN                  several lists of one direction: a jump to each
/// </code>
/// A packet's way does not depend on the number of sessions: hash look-ups of its interface's group and name. The verdict maps are keyed by group and not by name
/// because the kernel walks all elements of a verdict map whenever one is added.
/// </remarks>
internal sealed class FilterTable(string stateId)
{
    private const int GroupsPerTable = 1 << 16;
    private const uint ClosingDevices = 0x68650000;

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
            text.Append(CultureInfo.InvariantCulture, $"add map inet {Name} {direction} {{ type devgroup : verdict; }}\n");
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

        text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} forwarded {{ type filter hook forward priority filter; policy accept; }}\n");
        text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} forwarded iifgroup {range} jump entering\nadd rule inet {Name} forwarded oifgroup {range} jump leaving\n");
        text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} delivered {{ type filter hook input priority filter; policy accept; }}\n");
        text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} delivered iifgroup {range} jump entering\n");
        return text.ToString();
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
        FilterChain[] inbound = [.. filter.Inbound.Select(list => Acquire(list, text))];
        FilterChain[] outbound = [.. filter.Outbound.Select(list => Acquire(list, text))];
        var key = string.Join(' ', inbound.Select(c => c.Name)) + "/" + string.Join(' ', outbound.Select(c => c.Name));
        commands = "";
        if (groups.TryGetValue(key, out group))
        {
            group.References++;
            return true;
        }

        if (!TryNumber(out var number))
        {
            Forget([.. inbound, .. outbound], null);
            return false;
        }

        group = new FilterGroup(number, key, inbound, outbound) { References = 1 };
        foreach (var chain in inbound.Concat(outbound)) chain.References++;
        Dispatch(text, group, "in", inbound);
        Dispatch(text, group, "out", outbound);
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
        foreach (var chain in group.Inbound.Concat(group.Outbound)) chain.References--;
        Forget([.. group.Inbound, .. group.Outbound], text);
        return text.ToString();
    }

    private void Dispatch(StringBuilder text, FilterGroup group, string direction, FilterChain[] lists)
    {
        var verdict = lists.Length switch { 0 => "return", 1 => "jump " + lists[0].Name, _ => $"jump {direction}{group.Number}" };
        if (lists.Length > 1)
        {
            text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} {direction}{group.Number}\n");
            foreach (var list in lists) text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {direction}{group.Number} jump {list.Name}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"add element inet {Name} {direction} {{ {group.Number} : {verdict} }}\n");
    }

    private void Undispatch(StringBuilder text, FilterGroup group, string direction, IReadOnlyList<FilterChain> lists)
    {
        text.Append(CultureInfo.InvariantCulture, $"delete element inet {Name} {direction} {{ {group.Number} }}\n");
        if (lists.Count > 1) Delete(text, $"{direction}{group.Number}");
    }

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
        text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} {chain.Name}\n");
        foreach (var rule in chain.Rules) text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {chain.Name} {rule}\n");
        return chain;
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
