using System.Net.Sockets;

namespace Headend.Configuration;

/// <summary>The keys of `pools`, and what holds between them.</summary>
internal static class PoolTable
{
    public static ListSyntax List { get; } = new(new SectionSyntax(
        ConfigurationTable.NewName(ConfigurationTable.PoolNames, "pool") with { MayRepeat = true },
        ConfigurationTable.Key("range", ScalarTable.Range, "A prefix such as `10.99.0.0/16` or first and last address such as `10.99.0.10-10.99.0.99`. Of a prefix the network and broadcast address (IPv4, up to /30) and the Subnet-Router anycast address (IPv6, up to /126) are not leased."),
        ConfigurationTable.Key("ranges", new ListSyntax(ScalarTable.Range, Minimum: 1), "Further ranges, used in this order behind `range`. One range at least is needed."),
        ConfigurationTable.Key("exclude", new ListSyntax(ScalarTable.AddressOrRange), "Addresses, prefixes and ranges that are never leased."),
        ConfigurationTable.Key("hold-down", ScalarTable.Duration("0s", "1d"), "How long an address that was given back rests before somebody else gets it; its last holder gets it at once.", "0s"),
        ConfigurationTable.Key("prefix-length", ScalarTable.Integer(1, 127), "The pool gives IPv6 prefixes of this length for delegation instead of addresses."))
    { Check = Entry });

    /// <summary>Entries of one name agree, and no two pools share an address.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        List<(string Name, AddressRange Range)> earlier = [];
        Dictionary<string, SectionValue> firsts = new(StringComparer.Ordinal);
        foreach (var pool in root.Sections("pools"))
        {
            if (pool.GetOptional<string>("name") is not { } name)
                continue;
            foreach (var range in Ranges(pool))
            {
                foreach (var other in earlier.Where(e => e.Range.Overlaps((AddressRange)range.Value)))
                    diagnostics.Error(range.At, other.Name == name ? $"two ranges of the pool '{name}' overlap" : $"the pool '{name}' overlaps the pool '{other.Name}'");
                earlier.Add((name, (AddressRange)range.Value));
            }

            if (firsts.TryAdd(name, pool))
                continue;
            foreach (var key in (string[])["hold-down", "prefix-length"])
                if (!Equals(pool.Find(key)?.Value, firsts[name].Find(key)?.Value))
                    diagnostics.Error(pool.PlaceOf(key), $"'{key}' differs from the one of the pool '{name}' at {firsts[name].At}");
            if (FamilyOf(pool) is { } family && FamilyOf(firsts[name]) is { } first && family != first)
                diagnostics.Error(pool.At, $"the pool '{name}' at {firsts[name].At} is of the other family");
        }
    }

    /// <summary>The options of the pools, entries of one name joined.</summary>
    public static IReadOnlyList<PoolOptions> Compile(SectionValue root) =>
    [
        .. root.Sections("pools").GroupBy(p => p.Get<string>("name"), StringComparer.Ordinal).Select(entries => new PoolOptions(
            entries.Key,
            [.. entries.SelectMany(Ranges).Select(r => (AddressRange)r.Value)],
            [.. entries.SelectMany(e => e.List<AddressRange>("exclude"))],
            entries.First().Get<TimeSpan>("hold-down"),
            entries.First().GetOptionalValue<int>("prefix-length"))),
    ];

    /// <summary>Null where no range passed its syntax.</summary>
    public static AddressFamily? FamilyOf(SectionValue pool) => Ranges(pool).Select(r => (AddressFamily?)((AddressRange)r.Value).Family).FirstOrDefault();

    private static IEnumerable<ConfigurationValue> Ranges(SectionValue pool) =>
        pool.Find("range") is { } range ? [range, .. pool.Items("ranges")] : pool.Items("ranges");

    private static void Entry(SectionValue pool, DiagnosticStore diagnostics)
    {
        var ranges = Ranges(pool).ToList();
        if (ranges.Count == 0)
        {
            // A list stands where it was written, an absent one where its section does.
            if (!pool.IsRejected("range") && pool.PlaceOf("ranges") == pool.At)
                diagnostics.Error(pool.At, "'range' or 'ranges' is needed");
            return;
        }

        var family = FamilyOf(pool);
        foreach (var other in ranges.Concat(pool.Items("exclude")).Where(r => ((AddressRange)r.Value).Family != family))
            diagnostics.Error(other.At, $"'{other.Value}' is not of the family of the first range");
        if (pool.GetOptionalValue<int>("prefix-length") is not { } length)
            return;
        if (family != AddressFamily.InterNetworkV6)
            diagnostics.Error(pool.PlaceOf("prefix-length"), "'prefix-length' is for IPv6 pools");
        else
            foreach (var range in ranges.Where(r => ((AddressRange)r.Value).Prefix is { } prefix && prefix.PrefixLength > length))
                diagnostics.Error(range.At, $"'{range.Value}' holds no prefix of length {length}");
    }
}
