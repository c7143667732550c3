using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Security Association payload: RFC 7296 3.3.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Last 0 or 2   |   RESERVED    |         Proposal Length       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Proposal Num  |  Protocol ID  |    SPI Size   |Num  Transforms|
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                        SPI (variable)                         ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Last 0 or 3   |   RESERVED    |        Transform Length       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Transform Type |   RESERVED    |          Transform ID         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~           Attributes: |AF|  Type (15)  | Length or Value      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// Proposal numbers are kept as received: RFC 7296 3.3.1 wants 1, 2, 3 ..., but macOS 14 starts an IKE rekey at 3.
/// </remarks>
public sealed class SaPayload(IReadOnlyList<Proposal> proposals) : IkePayload
{
    /// <summary>Windows spells out a proposal for each combination of algorithms.</summary>
    public const int MaxProposals = 32;

    public const int MaxTransforms = 128;

    private const int ProposalHeaderSize = 8;
    private const int TransformHeaderSize = 8;
    private const byte MoreProposals = 2;
    private const byte MoreTransforms = 3;
    private const ushort ShortAttribute = 0x8000;
    private const ushort KeyLengthAttribute = 14;

    public IReadOnlyList<Proposal> Proposals { get; } = proposals;

    public override PayloadType Type => PayloadType.Sa;

    public override void WriteBody(WireWriter writer)
    {
        for (int i = 0; i < Proposals.Count; i++) WriteProposal(writer, Proposals[i], isLast: i == Proposals.Count - 1);
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out SaPayload? payload, out WireError error)
    {
        payload = null;
        if (!TryCount(body, 0, MoreProposals, MaxProposals, out int count, out error)) return false;
        var proposals = new Proposal[count];
        int start = 0;
        for (int i = 0; i < count; i++)
        {
            int length = ElementLength(body.Span, start);
            if (!TryParseProposal(body.Slice(start, length), out Proposal? proposal, out error)) return false;
            proposals[i] = proposal;
            start += length;
        }
        payload = new SaPayload(proposals);
        return true;
    }

    /// <summary>
    /// Walks a list of elements that begin | more? | reserved | length (16) | and have at least eight octets, so that the list can
    /// be allocated once and in the right size.
    /// </summary>
    private static bool TryCount(in PayloadBody body, int start, byte more, int limit, out int count, out WireError error)
    {
        count = 0;
        error = default;
        ReadOnlySpan<byte> octets = body.Span;
        if (start == octets.Length) return Fail(body, WireErrorCode.ZeroLength, start, out error);
        while (true)
        {
            if (octets.Length - start < ProposalHeaderSize) return Fail(body, WireErrorCode.Truncated, start, out error);
            int length = ElementLength(octets, start);
            if (length < ProposalHeaderSize) return Fail(body, WireErrorCode.BadLength, start + 2, out error);
            if (length > octets.Length - start) return Fail(body, WireErrorCode.Truncated, start + 2, out error);
            if (++count > limit) return Fail(body, WireErrorCode.TooMany, start, out error);
            byte marker = octets[start];
            if (marker != 0 && marker != more) return Fail(body, WireErrorCode.BadValue, start, out error);
            int markerAt = start;
            start += length;
            if (marker == 0) return start == octets.Length || Fail(body, WireErrorCode.TrailingBytes, start, out error);
            if (start == octets.Length) return Fail(body, WireErrorCode.Truncated, markerAt, out error);
        }
    }

    private static bool TryParseProposal(in PayloadBody body, [NotNullWhen(true)] out Proposal? proposal, out WireError error)
    {
        proposal = null;
        ReadOnlySpan<byte> octets = body.Span;
        int spiSize = octets[6];
        int first = ProposalHeaderSize + spiSize;
        if (first > octets.Length) return Fail(body, WireErrorCode.Truncated, 6, out error);
        if (!TryCount(body, first, MoreTransforms, MaxTransforms, out int count, out error)) return false;
        if (count != octets[7]) return Fail(body, WireErrorCode.BadValue, 7, out error);
        var transforms = new Transform[count];
        int start = first;
        for (int i = 0; i < count; i++)
        {
            int length = ElementLength(octets, start);
            if (!TryParseTransform(body.Slice(start, length), out transforms[i], out error)) return false;
            start += length;
        }
        proposal = new Proposal(octets[4], new ProtocolId(octets[5]), body.Octets.Slice(ProposalHeaderSize, spiSize), transforms);
        return true;
    }

    private static bool TryParseTransform(in PayloadBody body, out Transform transform, out WireError error)
    {
        transform = default;
        error = default;
        var reader = new WireReader(body.Span);
        reader.TryReadUInt32(out _);
        reader.TryReadUInt8(out byte type);
        reader.TryReadUInt8(out _);
        reader.TryReadUInt16(out ushort id);
        ushort keyLength = 0;
        bool unknown = false;
        while (!reader.IsEmpty)
        {
            int at = reader.Position;
            if (!reader.TryReadUInt16(out ushort attribute) || !reader.TryReadUInt16(out ushort value))
                return Fail(body, WireErrorCode.Truncated, at, out error);
            bool isShort = (attribute & ShortAttribute) != 0;
            if (!isShort && !reader.TryReadBytes(value, out _)) return Fail(body, WireErrorCode.Truncated, at + 2, out error);
            bool isKeyLength = attribute == (ShortAttribute | KeyLengthAttribute);
            if (isKeyLength && keyLength == 0 && value != 0) keyLength = value;
            else unknown = true;
        }
        transform = new Transform(new TransformType(type), id, keyLength, unknown);
        return true;
    }

    private static void WriteProposal(WireWriter writer, Proposal proposal, bool isLast)
    {
        int start = writer.Length;
        writer.WriteUInt8(isLast ? (byte)0 : MoreProposals);
        writer.WriteUInt8(0);
        int length = writer.ReserveUInt16();
        writer.WriteUInt8(proposal.Number);
        writer.WriteUInt8(proposal.Protocol.Value);
        writer.WriteUInt8(checked((byte)proposal.Spi.Length));
        writer.WriteUInt8(checked((byte)proposal.Transforms.Count));
        writer.WriteBytes(proposal.Spi.Span);
        for (int i = 0; i < proposal.Transforms.Count; i++)
            WriteTransform(writer, proposal.Transforms[i], isLast: i == proposal.Transforms.Count - 1);
        writer.PatchUInt16(length, writer.Length - start);
    }

    private static void WriteTransform(WireWriter writer, in Transform transform, bool isLast)
    {
        writer.WriteUInt8(isLast ? (byte)0 : MoreTransforms);
        writer.WriteUInt8(0);
        writer.WriteUInt16((ushort)(transform.KeyLengthBits == 0 ? TransformHeaderSize : TransformHeaderSize + 4));
        writer.WriteUInt8(transform.Type.Value);
        writer.WriteUInt8(0);
        writer.WriteUInt16(transform.Id);
        if (transform.KeyLengthBits == 0) return;
        writer.WriteUInt16(ShortAttribute | KeyLengthAttribute);
        writer.WriteUInt16(transform.KeyLengthBits);
    }

    private static int ElementLength(ReadOnlySpan<byte> octets, int start) => (octets[start + 2] << 8) | octets[start + 3];

    private static bool Fail(in PayloadBody body, WireErrorCode code, int position, out WireError error)
    {
        error = body.Error(code, position);
        return false;
    }
}
