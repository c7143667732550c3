using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Headend.Aaa.Radius;

/// <summary>One attribute as it stands in its packet. The value aliases the packet's octets and lives as long as they do.</summary>
public readonly record struct RadiusAttribute(RadiusAttributeType Type, ReadOnlyMemory<byte> Value)
{
    /// <summary>RFC 2865 5: "integer", 32 bits, most significant octet first. False unless the value has exactly 4 octets.</summary>
    public bool TryGetUInt32(out uint value)
    {
        value = 0;
        if (Value.Length != 4) return false;
        value = BinaryPrimitives.ReadUInt32BigEndian(Value.Span);
        return true;
    }

    /// <summary>An "ipv4addr" (4 octets) or "ipv6addr" (16 octets).</summary>
    public bool TryGetAddress(out IPAddress? address)
    {
        address = Value.Length is 4 or 16 ? new IPAddress(Value.Span) : null;
        return address is not null;
    }

    /// <summary>RFC 3162 2.3: reserved octet, prefix length (0..128), 0..16 octets of prefix; bits beyond the length must be zero (RFC 8044 3.10).</summary>
    public bool TryGetIpv6Prefix(out IPNetwork prefix)
    {
        prefix = default;
        var octets = Value.Span;
        if (octets.Length is < 2 or > 18) return false;
        var length = octets[1];
        if (length > 128 || (octets.Length - 2) * 8 < length) return false;
        Span<byte> address = stackalloc byte[16];
        address.Clear();
        octets[2..].CopyTo(address);
        for (var bit = length; bit < 128; bit++)
        {
            if ((address[bit / 8] & (0x80 >> (bit % 8))) != 0) return false;
        }
        prefix = new IPNetwork(new IPAddress(address), length);
        return true;
    }

    /// <summary>RFC 2865 5: "text" is UTF-8; anything else, and control characters, is refused.</summary>
    public bool TryGetText(out string text) => RadiusText.TryDecode(Value.Span, out text);

    /// <summary>
    /// RFC 2868 3: the Tag field is the first octet when it is 0x01..0x1F; otherwise there is no tag and the octet belongs to the value.
    /// (Tunnel-Password always has a tag octet: see <see cref="RadiusHiding.TryRevealTunnelPassword"/>.)
    /// </summary>
    public (byte Tag, ReadOnlyMemory<byte> Value) SplitTag()
        => Value.Length > 0 && Value.Span[0] is >= 0x01 and <= 0x1F ? (Value.Span[0], Value[1..]) : ((byte)0, Value);

    /// <summary>RFC 2868 3.1: tagged integers hold the tag in the first of 4 octets and the value in the other three.</summary>
    public bool TryGetTaggedInteger(out byte tag, out uint value)
    {
        tag = 0;
        value = 0;
        if (Value.Length != 4) return false;
        tag = Value.Span[0] <= 0x1F ? Value.Span[0] : (byte)0;
        value = BinaryPrimitives.ReadUInt32BigEndian(Value.Span) & 0x00FF_FFFF;
        return true;
    }
}

/// <summary>One sub-attribute of a Vendor-Specific attribute in the recommended 1/1 format (RFC 2865 5.26).</summary>
public readonly record struct VendorAttribute(RadiusVendor Vendor, byte Type, ReadOnlyMemory<byte> Value)
{
    public bool TryGetText(out string text) => RadiusText.TryDecode(Value.Span, out text);

    /// <summary>False unless the value has exactly 4 octets.</summary>
    public bool TryGetUInt32(out uint value) => new RadiusAttribute(default, Value).TryGetUInt32(out value);

    public bool TryGetAddress(out IPAddress? address) => new RadiusAttribute(default, Value).TryGetAddress(out address);
}

/// <summary>Text attributes from strangers: strict UTF-8, no control characters (they would forge log lines).</summary>
internal static class RadiusText
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);

    public static bool TryDecode(ReadOnlySpan<byte> octets, out string text)
    {
        text = "";
        if (!System.Text.Unicode.Utf8.IsValid(octets)) return false;
        foreach (var octet in octets)
        {
            if (octet is < 0x20 or 0x7F) return false;
        }
        text = StrictUtf8.GetString(octets);
        return true;
    }
}
