using System.Globalization;
using System.Net;
using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>
/// The value of one attribute: octets of a RADIUS attribute, or text of a Cisco pair or of an attribute list. Both read the same, so that a row of
/// <see cref="AttributeTable"/> has one parser wherever the attribute comes from.
/// </summary>
internal readonly struct AttributeValue
{
    private readonly ReadOnlyMemory<byte> octets;
    private readonly string? text;
    private readonly string name;
    private readonly RadiusDictionary dictionary;

    private AttributeValue(string name, ReadOnlyMemory<byte> octets, string? text, int line, RadiusDictionary dictionary)
    {
        this.name = name;
        this.octets = octets;
        this.text = text;
        this.dictionary = dictionary;
        Line = line;
    }

    /// <summary>The n of "#n"; -1 without.</summary>
    public int Line { get; }

    public static AttributeValue Of(string name, ReadOnlyMemory<byte> octets) => new(name, octets, null, -1, RadiusDictionary.Core);

    /// <param name="name">Of the attribute, for the words that its dictionary has for numbers.</param>
    /// <param name="text">As written.</param>
    /// <param name="line">See <see cref="Line"/>.</param>
    /// <param name="dictionary">Names of values.</param>
    public static AttributeValue Of(string name, string text, int line, RadiusDictionary dictionary) => new(name, default, text, line, dictionary);

    public bool TryGetText(out string value)
    {
        value = text ?? "";
        return text is not null || RadiusText.TryDecode(octets.Span, out value);
    }

    /// <summary>Text that is not empty.</summary>
    public bool TryGetWord(out string value) => TryGetText(out value) && value.Length > 0;

    public bool TryGetNumber(out uint number)
    {
        if (text is null) return new RadiusAttribute(default, octets).TryGetUInt32(out number);
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) || dictionary.TryFindValue(name, text, out number);
    }

    public bool TryGetNumber(uint minimum, uint maximum, out uint number) => TryGetNumber(out number) && number >= minimum && number <= maximum;

    /// <param name="length">4 or 16 octets.</param>
    /// <param name="address">Of that length.</param>
    public bool TryGetAddress(int length, out IPAddress address)
    {
        address = IPAddress.None;
        if (text is not null) return AttributeParser.TryParseAddress(text, length, out address);
        if (octets.Length != length) return false;
        address = new IPAddress(octets.Span);
        return true;
    }

    public bool TryGetIpv6Prefix(out IPNetwork prefix)
    {
        if (text is null) return new RadiusAttribute(default, octets).TryGetIpv6Prefix(out prefix);
        return AttributeParser.TryParseNetwork(text, out prefix) && prefix.BaseAddress.GetAddressBytes().Length == 16;
    }

    /// <summary>Octets as they are; text is "0x" and hexadecimal digits, or its UTF-8.</summary>
    public bool TryGetOctets(out byte[] value)
    {
        value = [];
        if (text is null)
        {
            value = octets.ToArray();
            return true;
        }
        if (!text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            value = Encoding.UTF8.GetBytes(text);
            return true;
        }
        if (text.Length % 2 != 0 || text.AsSpan(2).ContainsAnyExcept(HexDigits)) return false;
        value = Convert.FromHexString(text.AsSpan(2));
        return true;
    }

    private static System.Buffers.SearchValues<char> HexDigits { get; } = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");
}
