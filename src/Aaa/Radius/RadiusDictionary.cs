using System.Collections.Frozen;
using System.Globalization;

namespace Headend.Aaa.Radius;

/// <summary>An attribute of a dictionary.</summary>
/// <param name="Name">As the dictionary spells it.</param>
/// <param name="Vendor">0 is the IETF space.</param>
/// <param name="Type">0 for what one octet does not number: extended attributes (RFC 6929), members of TLVs, vendors of other formats. Such an entry only has a name.</param>
/// <param name="Kind">The dictionary's word for its type.</param>
public sealed record RadiusDictionaryEntry(string Name, RadiusVendor Vendor, byte Type, string Kind);

/// <summary>
/// Names and types of attributes, read from FreeRADIUS-format text by <see cref="RadiusDictionaryParser"/>. Used for logs and for the attribute names of the
/// configuration; the codec itself needs none. Immutable.
/// </summary>
public sealed class RadiusDictionary
{
    private readonly FrozenDictionary<(uint Vendor, byte Type), RadiusDictionaryEntry> byNumber;
    private readonly FrozenDictionary<string, RadiusDictionaryEntry> byName;
    private readonly FrozenDictionary<uint, string> vendors;
    private readonly FrozenDictionary<(string Attribute, uint Number), string> values;
    private readonly FrozenDictionary<string, uint> words;

    internal RadiusDictionary(RadiusDictionaryDraft draft)
    {
        Draft = draft;
        byNumber = draft.ByNumber.ToFrozenDictionary();
        byName = draft.ByName.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        values = draft.Values.ToFrozenDictionary();
        words = draft.Words.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        var names = new Dictionary<uint, string>();
        foreach (var (name, vendor) in draft.Vendors) names.TryAdd(vendor.Number, name);
        vendors = names.ToFrozenDictionary();
    }

    /// <summary>The attributes that Headend itself reads and writes.</summary>
    public static RadiusDictionary Core { get; } = LoadCore();

    /// <summary>What it was made of, for a larger one.</summary>
    internal RadiusDictionaryDraft Draft { get; }

    public string NameOf(RadiusAttributeType type) => byNumber.TryGetValue((0, type.Value), out var entry) ? entry.Name : $"Attr-{type.Value}";

    public string NameOf(RadiusVendor vendor) => vendors.TryGetValue(vendor.Value, out var name) ? name : $"Vendor-{vendor.Value}";

    public string NameOf(RadiusVendor vendor, byte type)
        => byNumber.TryGetValue((vendor.Value, type), out var entry) ? entry.Name : $"{NameOf(vendor)}-Attr-{type}";

    /// <summary>The dictionary's word for an integer value, or its digits.</summary>
    public string NameOfValue(RadiusAttributeType type, uint value)
        => values.TryGetValue((NameOf(type), value), out var name) ? name : value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The number behind a word of the dictionary, without regard to case.</summary>
    public bool TryFindValue(string attribute, string word, out uint number) => words.TryGetValue(RadiusDictionaryDraft.KeyOf(attribute, word), out number);

    public bool TryFind(string name, out RadiusDictionaryEntry? entry) => byName.TryGetValue(name, out entry);

    /// <summary>Parses one text without includes; on failure <paramref name="error"/> names the line.</summary>
    public static bool TryParse(string text, out RadiusDictionary? dictionary, out string error)
    {
        var parser = new RadiusDictionaryParser(new RadiusDictionaryDraft(), static path => (null, $"no file {path} beside a text"));
        parser.Read("", text);
        dictionary = parser.TryFinish(out var errors) ? new RadiusDictionary(parser.Draft) : null;
        error = errors.Count == 0 ? "" : $"line {errors[0].Line}: {errors[0].Message}";
        return dictionary is not null;
    }

    private static RadiusDictionary LoadCore()
    {
        using var stream = typeof(RadiusDictionary).Assembly.GetManifestResourceStream("Headend.Aaa.Radius.dictionary")
            ?? throw new InvalidOperationException("The embedded RADIUS dictionary is missing.");
        using var reader = new StreamReader(stream);
        return TryParse(reader.ReadToEnd(), out var dictionary, out var error)
            ? dictionary!
            : throw new InvalidOperationException("The embedded RADIUS dictionary is wrong at " + error);
    }
}
