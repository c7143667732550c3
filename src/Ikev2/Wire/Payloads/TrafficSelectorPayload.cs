using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Headend.Ikev2.Wire;

/// <summary>Traffic Selector payload, initiator's or responder's: RFC 7296 3.13.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Number of TSs |                 RESERVED                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   TS Type     |IP Protocol ID*|       Selector Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Start Port*         |           End Port*           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                         Starting Address*                     ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                         Ending Address*                       ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// Selectors of other types are counted and left out: they narrow to nothing.
/// </remarks>
public sealed class TrafficSelectorPayload(bool isInitiator, IReadOnlyList<TrafficSelector> selectors) : IkePayload
{
    public const int MaxSelectors = 64;

    private const int FixedSize = 4;
    private const int SelectorHeaderSize = 8;

    public bool IsInitiator { get; } = isInitiator;

    public IReadOnlyList<TrafficSelector> Selectors { get; } = selectors;

    /// <summary>Received selectors of types that we do not know.</summary>
    public int SkippedCount { get; private init; }

    public override PayloadType Type => IsInitiator ? PayloadType.TrafficSelectorInitiator : PayloadType.TrafficSelectorResponder;

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(checked((byte)Selectors.Count));
        writer.WriteZeros(FixedSize - 1);
        Span<byte> address = stackalloc byte[16];
        for (int i = 0; i < Selectors.Count; i++)
        {
            TrafficSelector selector = Selectors[i];
            int addressSize = selector.IPv4 ? 4 : 16;
            writer.WriteUInt8((selector.IPv4 ? TrafficSelectorType.IPv4AddressRange : TrafficSelectorType.IPv6AddressRange).Value);
            writer.WriteUInt8(selector.Protocol);
            writer.WriteUInt16((ushort)(SelectorHeaderSize + (2 * addressSize)));
            writer.WriteUInt16(selector.StartPort);
            writer.WriteUInt16(selector.EndPort);
            selector.StartAddress.TryWriteBytes(address, out _);
            writer.WriteBytes(address[..addressSize]);
            selector.EndAddress.TryWriteBytes(address, out _);
            writer.WriteBytes(address[..addressSize]);
        }
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out TrafficSelectorPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize) return Fail(body, WireErrorCode.Truncated, body.Length, out error);
        ReadOnlySpan<byte> octets = body.Span;
        int count = octets[0];
        if (count == 0) return Fail(body, WireErrorCode.ZeroLength, 0, out error);
        if (count > MaxSelectors) return Fail(body, WireErrorCode.TooMany, 0, out error);

        int known = 0;
        int start = FixedSize;
        for (int i = 0; i < count; i++)
        {
            if (!TryMeasure(body, start, out int length, out bool isKnown, out error)) return false;
            if (isKnown) known++;
            start += length;
        }
        if (start != octets.Length) return Fail(body, WireErrorCode.TrailingBytes, start, out error);

        var selectors = new TrafficSelector[known];
        start = FixedSize;
        for (int i = 0; i < known;)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(octets[(start + 2)..]);
            if (IsKnown(octets[start]))
            {
                selectors[i] = Read(octets.Slice(start, length));
                if (!selectors[i].IsOrdered) return Fail(body, WireErrorCode.BadValue, start, out error);
                i++;
            }
            start += length;
        }
        payload = new TrafficSelectorPayload(body.Type == PayloadType.TrafficSelectorInitiator, selectors) { SkippedCount = count - known };
        return true;
    }

    private static bool TryMeasure(in PayloadBody body, int start, out int length, out bool isKnown, out WireError error)
    {
        length = 0;
        isKnown = false;
        error = default;
        ReadOnlySpan<byte> octets = body.Span[start..];
        if (octets.Length < SelectorHeaderSize) return Fail(body, WireErrorCode.Truncated, start, out error);
        length = BinaryPrimitives.ReadUInt16BigEndian(octets[2..]);
        isKnown = IsKnown(octets[0]);
        if (length > octets.Length) return Fail(body, WireErrorCode.Truncated, start + 2, out error);
        int expected = octets[0] == TrafficSelectorType.IPv4AddressRange.Value ? 16 : 40;
        bool isRight = isKnown ? length == expected : length >= SelectorHeaderSize;
        return isRight || Fail(body, WireErrorCode.BadLength, start + 2, out error);
    }

    private static bool IsKnown(byte type) =>
        type == TrafficSelectorType.IPv4AddressRange.Value || type == TrafficSelectorType.IPv6AddressRange.Value;

    private static TrafficSelector Read(ReadOnlySpan<byte> octets)
    {
        int addressSize = (octets.Length - SelectorHeaderSize) / 2;
        return new TrafficSelector(
            octets[1],
            BinaryPrimitives.ReadUInt16BigEndian(octets[4..]),
            BinaryPrimitives.ReadUInt16BigEndian(octets[6..]),
            new IPAddress(octets.Slice(SelectorHeaderSize, addressSize)),
            new IPAddress(octets.Slice(SelectorHeaderSize + addressSize, addressSize)));
    }

    private static bool Fail(in PayloadBody body, WireErrorCode code, int position, out WireError error)
    {
        error = body.Error(code, position);
        return false;
    }
}
