using System.Collections.Frozen;
using System.Globalization;

namespace Headend.Aaa.Radius;

/// <summary>An attribute of a dictionary. Vendor 0 is the IETF space.</summary>
public sealed record RadiusDictionaryEntry(string Name, RadiusVendor Vendor, byte Type, string Kind);

/// <summary>
/// Names and types of attributes, read from FreeRADIUS-format text (VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE, VALUE). Used for logs and for the
/// attribute names of the configuration; the codec itself needs none. Immutable.
/// </summary>
public sealed class RadiusDictionary
{
    private readonly FrozenDictionary<(uint Vendor, byte Type), RadiusDictionaryEntry> byNumber;
    private readonly FrozenDictionary<string, RadiusDictionaryEntry> byName;
    private readonly FrozenDictionary<uint, string> vendors;
    private readonly FrozenDictionary<(string Attribute, uint Number), string> values;

    private RadiusDictionary(
        Dictionary<(uint, byte), RadiusDictionaryEntry> byNumber, Dictionary<string, RadiusDictionaryEntry> byName,
        Dictionary<string, uint> vendors, Dictionary<(string, uint), string> values)
    {
        this.byNumber = byNumber.ToFrozenDictionary();
        this.byName = byName.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        this.values = values.ToFrozenDictionary();
        var names = new Dictionary<uint, string>();
        foreach (var (name, number) in vendors) names.TryAdd(number, name);
        this.vendors = names.ToFrozenDictionary();
    }

    /// <summary>The attributes that Headend itself reads and writes.</summary>
    public static RadiusDictionary Core { get; } = LoadCore();

    public string NameOf(RadiusAttributeType type) => byNumber.TryGetValue((0, type.Value), out var entry) ? entry.Name : $"Attr-{type.Value}";

    public string NameOf(RadiusVendor vendor) => vendors.TryGetValue(vendor.Value, out var name) ? name : $"Vendor-{vendor.Value}";

    public string NameOf(RadiusVendor vendor, byte type)
        => byNumber.TryGetValue((vendor.Value, type), out var entry) ? entry.Name : $"{NameOf(vendor)}-Attr-{type}";

    /// <summary>The dictionary's word for an integer value, or its digits.</summary>
    public string NameOfValue(RadiusAttributeType type, uint value)
        => values.TryGetValue((NameOf(type), value), out var name) ? name : value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The number behind a word of the dictionary, without regard to case.</summary>
    public bool TryFindValue(string attribute, string word, out uint number)
    {
        foreach (var ((name, value), text) in values)
        {
            if (!string.Equals(name, attribute, StringComparison.OrdinalIgnoreCase) || !string.Equals(text, word, StringComparison.OrdinalIgnoreCase)) continue;
            number = value;
            return true;
        }
        number = 0;
        return false;
    }

    public bool TryFind(string name, out RadiusDictionaryEntry? entry) => byName.TryGetValue(name, out entry);

    /// <summary>Parses a dictionary; on failure <paramref name="error"/> names the line.</summary>
    public static bool TryParse(string text, out RadiusDictionary? dictionary, out string error)
    {
        dictionary = null;
        error = "";
        var byNumber = new Dictionary<(uint, byte), RadiusDictionaryEntry>();
        var byName = new Dictionary<string, RadiusDictionaryEntry>(StringComparer.OrdinalIgnoreCase);
        var vendors = new Dictionary<string, uint>(StringComparer.Ordinal);
        var values = new Dictionary<(string, uint), string>();
        uint vendor = 0;
        var lineNumber = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            lineNumber++;
            var comment = line.IndexOf('#');
            var words = (comment < 0 ? line : line[..comment]).ToString().Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) continue;
            var understood = words[0] switch
            {
                "VENDOR" => words.Length >= 3 && TryNumber(words[2], out var number) && vendors.TryAdd(words[1], number),
                "BEGIN-VENDOR" => words.Length == 2 && vendors.TryGetValue(words[1], out vendor),
                "END-VENDOR" => words.Length == 2 && vendors.TryGetValue(words[1], out var ended) && ended == vendor && (vendor = 0) == 0,
                "ATTRIBUTE" => AddAttribute(words, new RadiusVendor(vendor), byNumber, byName),
                "VALUE" => words.Length == 4 && byName.TryGetValue(words[1], out var entry) && TryNumber(words[3], out var value) && values.TryAdd((entry.Name, value), words[2]),
                _ => false,
            };
            if (understood) continue;
            error = $"line {lineNumber}: {string.Join(' ', words)}";
            return false;
        }
        dictionary = new RadiusDictionary(byNumber, byName, vendors, values);
        return true;
    }

    private static bool AddAttribute(
        string[] words, RadiusVendor vendor, Dictionary<(uint, byte), RadiusDictionaryEntry> byNumber, Dictionary<string, RadiusDictionaryEntry> byName)
    {
        if (words.Length < 4 || !TryNumber(words[2], out var number) || number is 0 or > 255) return false;
        var entry = new RadiusDictionaryEntry(words[1], vendor, (byte)number, words[3]);
        // FreeRADIUS dictionaries give old names to numbers that already have one: the first name is shown, all are understood.
        byNumber.TryAdd((vendor.Value, entry.Type), entry);
        return byName.TryAdd(entry.Name, entry);
    }

    private static bool TryNumber(string word, out uint number)
        => word.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? uint.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);

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
