namespace Headend.Ikev2.Wire;

/// <summary>A payload's octets after the generic header, with what an error report needs.</summary>
internal readonly record struct PayloadBody(PayloadType Type, ReadOnlyMemory<byte> Octets, int Offset)
{
    public ReadOnlySpan<byte> Span => Octets.Span;

    public int Length => Octets.Length;

    /// <summary>A sub-structure's octets, reported with the same type.</summary>
    public PayloadBody Slice(int start, int length) => this with { Octets = Octets.Slice(start, length), Offset = Offset + start };

    public WireError Error(WireErrorCode code, int position) => new(code, Type, Offset + position);
}
