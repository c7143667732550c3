using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Headend.Eap.AnyConnect;

/// <summary>The TLVs of one AnyConnect-EAP packet; a view on the octets it was read from. Empty is absent.</summary>
/// <param name="Xml">The aggregate-authentication document (TLV 0).</param>
/// <param name="Signature">The client's signature, raw (TLV 1).</param>
/// <param name="Certificates">PKCS#7 of the client's chain (TLV 3).</param>
internal readonly record struct AnyConnectPacket(ReadOnlyMemory<byte> Xml, ReadOnlyMemory<byte> Signature, ReadOnlyMemory<byte> Certificates);

/// <summary>
/// Type-Data of AnyConnect-EAP: expanded type (RFC 3748 5.7) of vendor 9, then TLVs that fill the packet. No fragments of its own: IKE cuts large messages.
/// <code>
/// |            Vendor-Id (9)             | behind the type octet 254
/// |       Vendor-Type (0x44425250)       |
/// |  TLV type (16)    |  length (16)     | value ...
/// </code>
/// </summary>
internal static class AnyConnectPacketCodec
{
    private const uint Vendor = 9;
    private const uint VendorType = 0x44425250;
    private const int HeaderOctets = 7;
    private const ushort XmlTlv = 0;
    private const ushort SignatureTlv = 1;
    private const ushort CertificatesTlv = 3;

    /// <summary>Type-Data of an Expanded Nak (RFC 3748 5.3.2): vendor 0, type 3.</summary>
    public static bool IsExpandedNak(ReadOnlySpan<byte> typeData) => typeData.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0, 3]);

    /// <summary>Type-Data with one document.</summary>
    public static byte[] Write(ReadOnlySpan<byte> xml)
    {
        var data = new byte[HeaderOctets + 4 + xml.Length];
        BinaryPrimitives.WriteUInt32BigEndian(data, Vendor << 8);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(3), VendorType);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(HeaderOctets), XmlTlv);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(HeaderOctets + 2), checked((ushort)xml.Length));
        xml.CopyTo(data.AsSpan(HeaderOctets + 4));
        return data;
    }

    /// <summary>TLVs may come in any order, each known one once; unknown ones are passed over. False with what is wrong.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> typeData, out AnyConnectPacket packet, [NotNullWhen(false)] out string? error)
    {
        packet = default;
        error = null;
        var span = typeData.Span;
        if (span.Length < HeaderOctets || BinaryPrimitives.ReadUInt32BigEndian(span) >> 8 != Vendor || BinaryPrimitives.ReadUInt32BigEndian(span[3..]) != VendorType)
        {
            error = "an expanded EAP type that is not AnyConnect-EAP";
            return false;
        }

        var seen = 0;
        for (var position = HeaderOctets; position < span.Length;)
        {
            if (++seen > AnyConnectLimits.MaxTlvs || span.Length - position < 4)
                return Fail(seen > AnyConnectLimits.MaxTlvs ? "too many TLVs" : "a TLV is cut off", out packet, out error);
            var type = BinaryPrimitives.ReadUInt16BigEndian(span[position..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(span[(position + 2)..]);
            position += 4;
            if (length > span.Length - position)
                return Fail("a TLV is longer than its packet", out packet, out error);
            if (!TryTake(type, typeData.Slice(position, length), ref packet))
                return Fail($"TLV {type} is empty or stands twice", out packet, out error);
            position += length;
        }

        return !packet.Xml.IsEmpty || Fail("no XML document", out packet, out error);
    }

    private static bool TryTake(ushort type, ReadOnlyMemory<byte> value, ref AnyConnectPacket packet)
    {
        switch (type)
        {
            case XmlTlv when packet.Xml.IsEmpty:
                packet = packet with { Xml = value };
                return !value.IsEmpty;
            case SignatureTlv when packet.Signature.IsEmpty:
                packet = packet with { Signature = value };
                return !value.IsEmpty;
            case CertificatesTlv when packet.Certificates.IsEmpty:
                packet = packet with { Certificates = value };
                return !value.IsEmpty;
            default:
                return type is not (XmlTlv or SignatureTlv or CertificatesTlv);
        }
    }

    private static bool Fail(string reason, out AnyConnectPacket packet, out string error)
    {
        packet = default;
        error = reason;
        return false;
    }
}
