using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Headend.Aaa.Radius;

/// <summary>
/// A decoded packet (RFC 2865 3): its octets, whose attribute list is known to be well-formed, walked in order and never rebuilt. Unknown attributes
/// therefore keep their octets and their place. Immutable.
/// <code>
///  0                   1                   2                   3
/// |     Code      |  Identifier   |            Length             |
/// |                  Authenticator (16 octets)                    |
/// |  Attributes: Type (1) | Length (1, >= 2) | Value (0..253) ...
/// </code>
/// </summary>
public sealed class RadiusPacket
{
    public const int HeaderLength = 20;

    /// <summary>RFC 2865 3: "The minimum length is 20 and maximum length is 4096."</summary>
    public const int MaximumLength = 4096;

    public const int AuthenticatorLength = 16;

    /// <summary>Octets of value in one attribute (its length octet counts type and length too).</summary>
    public const int MaximumValueLength = 253;

    private readonly byte[] octets;

    private RadiusPacket(byte[] octets, int messageAuthenticatorOffset)
    {
        this.octets = octets;
        MessageAuthenticatorOffset = messageAuthenticatorOffset;
    }

    public RadiusCode Code => new(octets[0]);

    public byte Identifier => octets[1];

    public ReadOnlySpan<byte> Authenticator => octets.AsSpan(4, AuthenticatorLength);

    /// <summary>The whole packet, without what a datagram may have carried behind Length.</summary>
    public ReadOnlyMemory<byte> Octets => octets;

    public bool HasMessageAuthenticator => MessageAuthenticatorOffset > 0;

    /// <summary>Offset of the value of the Message-Authenticator; 0 when there is none.</summary>
    internal int MessageAuthenticatorOffset { get; }

    /// <summary>All attributes in the order of the packet.</summary>
    public AttributeEnumerator Attributes => new(octets, HeaderLength);

    /// <summary>The first attribute of a type.</summary>
    public bool TryGet(RadiusAttributeType type, out RadiusAttribute attribute)
    {
        foreach (var candidate in Attributes)
        {
            if (candidate.Type == type)
            {
                attribute = candidate;
                return true;
            }
        }
        attribute = default;
        return false;
    }

    /// <summary>The sub-attributes of every Vendor-Specific attribute of a vendor that uses the 1/1 format; a malformed one counts as having none.</summary>
    public VendorAttributeEnumerator VendorAttributes(RadiusVendor vendor) => new(octets, vendor);

    /// <summary>
    /// RFC 3579 3.1: the EAP packet is the concatenation of all EAP-Message attributes in their order.
    /// </summary>
    /// <returns>The EAP packet, or null when there is no EAP-Message.</returns>
    public byte[]? GetEapMessage()
    {
        var length = 0;
        var present = false;
        foreach (var attribute in Attributes)
        {
            if (attribute.Type != RadiusAttributeType.EapMessage) continue;
            present = true;
            length += attribute.Value.Length;
        }
        if (!present) return null;
        var message = new byte[length];
        var at = 0;
        foreach (var attribute in Attributes)
        {
            if (attribute.Type != RadiusAttributeType.EapMessage) continue;
            attribute.Value.Span.CopyTo(message.AsSpan(at));
            at += attribute.Value.Length;
        }
        return message;
    }

    /// <summary>Checks header and attribute list and copies the packet. Proves nothing about its sender: see <see cref="RadiusAuthenticatorCodec"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out RadiusPacket? packet, out RadiusError error)
    {
        packet = null;
        if (!TryValidate(datagram, out var length, out var messageAuthenticatorOffset, out error)) return false;
        packet = new RadiusPacket(datagram[..length].ToArray(), messageAuthenticatorOffset);
        return true;
    }

    /// <summary>The walk behind <see cref="TryParse"/>, without its copy: replies are verified before anything is allocated for them.</summary>
    internal static bool TryValidate(ReadOnlySpan<byte> datagram, out int length, out int messageAuthenticatorOffset, out RadiusError error)
    {
        length = 0;
        messageAuthenticatorOffset = 0;
        error = RadiusError.TooShort;
        if (datagram.Length < HeaderLength) return false;
        length = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        error = RadiusError.BadLength;
        if (length is < HeaderLength or > MaximumLength) return false;
        // RFC 2865 3: octets outside the range of the Length field are padding; a shorter packet is silently discarded.
        error = RadiusError.TooShort;
        if (datagram.Length < length) return false;

        var at = HeaderLength;
        while (at < length)
        {
            error = RadiusError.BadAttributeLength;
            if (length - at < 2) return false;
            var attributeLength = datagram[at + 1];
            // An attribute shorter than its own header would never advance the walk (CVE-2026-35333).
            if (attributeLength < 2 || attributeLength > length - at) return false;
            if (datagram[at] == RadiusAttributeType.MessageAuthenticator.Value)
            {
                error = RadiusError.MalformedMessageAuthenticator;
                if (messageAuthenticatorOffset != 0 || attributeLength != 2 + AuthenticatorLength) return false;
                messageAuthenticatorOffset = at + 2;
            }
            else if (datagram[at] == RadiusAttributeType.VendorSpecific.Value)
            {
                error = RadiusError.BadVendorSpecific;
                // RFC 2865 5.26: Length >= 7.
                if (attributeLength < 7) return false;
            }
            at += attributeLength;
        }
        error = RadiusError.None;
        return true;
    }

    /// <summary>Walks a list that <see cref="TryValidate"/> has accepted.</summary>
    public struct AttributeEnumerator
    {
        private readonly byte[] octets;
        private int next;

        internal AttributeEnumerator(byte[] octets, int start)
        {
            this.octets = octets;
            next = start;
            Current = default;
        }

        public RadiusAttribute Current { get; private set; }

        public readonly AttributeEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (next >= octets.Length) return false;
            var length = octets[next + 1];
            Current = new RadiusAttribute(new RadiusAttributeType(octets[next]), octets.AsMemory(next + 2, length - 2));
            next += length;
            return true;
        }
    }

    /// <summary>Walks the sub-attributes of one vendor across all of its Vendor-Specific attributes.</summary>
    public struct VendorAttributeEnumerator
    {
        private readonly RadiusVendor vendor;
        private AttributeEnumerator attributes;
        private ReadOnlyMemory<byte> rest;

        internal VendorAttributeEnumerator(byte[] octets, RadiusVendor vendor)
        {
            this.vendor = vendor;
            attributes = new AttributeEnumerator(octets, HeaderLength);
            rest = default;
            Current = default;
        }

        public VendorAttribute Current { get; private set; }

        public readonly VendorAttributeEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            while (rest.IsEmpty)
            {
                if (!attributes.MoveNext()) return false;
                var attribute = attributes.Current;
                if (attribute.Type != RadiusAttributeType.VendorSpecific) continue;
                if (BinaryPrimitives.ReadUInt32BigEndian(attribute.Value.Span) != vendor.Value) continue;
                if (IsWellFormed(attribute.Value.Span[4..])) rest = attribute.Value[4..];
            }
            var length = rest.Span[1];
            Current = new VendorAttribute(vendor, rest.Span[0], rest[2..length]);
            rest = rest[length..];
            return true;
        }

        private static bool IsWellFormed(ReadOnlySpan<byte> list)
        {
            while (!list.IsEmpty)
            {
                if (list.Length < 2 || list[1] < 2 || list[1] > list.Length) return false;
                list = list[list[1]..];
            }
            return true;
        }
    }
}
