namespace Headend.Aaa.Radius;

/// <summary>The contents of a dictionary while files are read into it.</summary>
internal sealed class RadiusDictionaryDraft
{
    public RadiusDictionaryDraft()
    {
    }

    private RadiusDictionaryDraft(RadiusDictionaryDraft other)
    {
        ByNumber = new(other.ByNumber);
        ByName = new(other.ByName, StringComparer.OrdinalIgnoreCase);
        Vendors = new(other.Vendors, StringComparer.OrdinalIgnoreCase);
        Values = new(other.Values);
        Words = new(other.Words, StringComparer.OrdinalIgnoreCase);
    }

    public Dictionary<(uint Vendor, byte Type), RadiusDictionaryEntry> ByNumber { get; } = [];

    public Dictionary<string, RadiusDictionaryEntry> ByName { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Number, and whether its attributes have the recommended form of one octet type, one octet length (RFC 2865 5.26).</summary>
    public Dictionary<string, (uint Number, bool IsPlain)> Vendors { get; } = new(StringComparer.OrdinalIgnoreCase);

    public Dictionary<(string Attribute, uint Number), string> Values { get; } = [];

    public Dictionary<string, uint> Words { get; } = new(StringComparer.OrdinalIgnoreCase);

    public static string KeyOf(string attribute, string word) => $"{attribute}\n{word}";

    public RadiusDictionaryDraft Copy() => new(this);
}
