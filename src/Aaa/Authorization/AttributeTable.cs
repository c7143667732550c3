using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>
/// Every attribute of authorization that Headend reads, in one table: the reader of profiles, `show` and docs/attributes.md come from here. RADIUS and local
/// attribute lists use the same names and the same parsers.
/// </summary>
public static partial class AttributeTable
{
    private static readonly FrozenDictionary<(uint Vendor, byte Type), AttributeRow> ByNumber;
    private static readonly FrozenDictionary<string, AttributeRow> ByPair;
    private static readonly FrozenDictionary<string, AttributeRow> ByName;

    static AttributeTable()
    {
        Rows = [.. RadiusRows(), .. PairRows(), .. CiscoClientRows()];
        ByNumber = Rows.Where(static r => !r.IsCiscoPair).ToFrozenDictionary(static r => (r.Vendor.Value, r.Type));
        ByPair = Rows.Where(static r => r.IsCiscoPair).ToFrozenDictionary(static r => r.Name[(r.Name.IndexOf(':') + 1)..].ToLowerInvariant(), StringComparer.Ordinal);
        ByName = Rows.Where(static r => !r.IsCiscoPair).ToFrozenDictionary(static r => r.Name, StringComparer.OrdinalIgnoreCase);
    }

    public static IReadOnlyList<AttributeRow> Rows { get; }

    /// <summary>An IETF attribute (vendor 0) or a sub-attribute of a vendor; no Cisco pair.</summary>
    public static bool TryFind(RadiusVendor vendor, byte type, [NotNullWhen(true)] out AttributeRow? row) => ByNumber.TryGetValue((vendor.Value, type), out row);

    /// <summary>An attribute by its dictionary name, without regard to case; no Cisco pair.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out AttributeRow? row) => ByName.TryGetValue(name, out row);

    /// <summary>A Cisco pair by its attribute. "ipsec:" and "ip:" are both accepted everywhere, and so is neither; other protocols are those of the row's name.</summary>
    public static bool TryFind(CiscoPair pair, [NotNullWhen(true)] out AttributeRow? row)
    {
        if (!ByPair.TryGetValue(pair.Attribute, out row)) return false;
        if (pair.Protocol is "ipsec" or "ip" or "") return true;
        var colon = row.Name.IndexOf(':');
        var own = row.Name.AsSpan(0, Math.Max(colon, 0));
        // ISE sends the lines of IPv6 lists as "ipv6:inacl#n".
        return own.Equals(pair.Protocol, StringComparison.OrdinalIgnoreCase) || (pair.Protocol == "ipv6" && pair.Attribute is "inacl" or "outacl");
    }

    /// <summary>What a profile says, in the order of the table; a list gives several.</summary>
    public static IEnumerable<ShownAttribute> Describe(SessionProfile profile)
    {
        foreach (var row in Rows)
        {
            if (row.Show is null) continue;
            foreach (var value in row.Show(profile)) yield return new ShownAttribute(row.Name, value);
        }
    }

    private static AttributeRow Ietf(RadiusAttributeType type, string form, string effect) => new(type.ToString(), default, type.Value, form, effect);

    private static AttributeRow OfVendor(RadiusVendor vendor, byte type, string form, string effect)
        => new(RadiusDictionary.Core.NameOf(vendor, type), vendor, type, form, effect);

    private static AttributeRow Pair(string name, string form, string effect) => new(name, RadiusVendor.Cisco, CiscoAttribute.AvPair, form, effect);

    private static IEnumerable<string> One(string? value) => value is null ? [] : [value];

    private static IEnumerable<string> One<T>(T? value)
        where T : struct
        => value is { } some ? [Convert.ToString(some, CultureInfo.InvariantCulture) ?? ""] : [];

    private static IEnumerable<string> One(TimeSpan? value) => value is { } some ? [$"{(long)some.TotalSeconds} s"] : [];

    private static IEnumerable<string> Many<T>(IEnumerable<T> values) => values.Select(static v => $"{v}");

    /// <summary>RFC 2865 5.27, 5.28 and common practice: zero means none.</summary>
    private static TimeSpan? Seconds(uint seconds) => seconds == 0 ? null : TimeSpan.FromSeconds(seconds);
}
