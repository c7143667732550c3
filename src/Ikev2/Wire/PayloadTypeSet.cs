using System.Numerics;

namespace Headend.Ikev2.Wire;

/// <summary>A set of the payload types 1 to 63; others are never members.</summary>
public readonly record struct PayloadTypeSet(ulong Bits)
{
    public bool IsEmpty => Bits == 0;

    public static PayloadTypeSet Of(params ReadOnlySpan<PayloadType> types)
    {
        PayloadTypeSet set = default;
        foreach (PayloadType type in types) set = set.With(type);
        return set;
    }

    public bool Contains(PayloadType type) => (Bits & Bit(type)) != 0;

    public PayloadTypeSet With(PayloadType type) => new(Bits | Bit(type));

    public PayloadTypeSet Union(PayloadTypeSet other) => new(Bits | other.Bits);

    public PayloadTypeSet Intersect(PayloadTypeSet other) => new(Bits & other.Bits);

    public PayloadTypeSet Except(PayloadTypeSet other) => new(Bits & ~other.Bits);

    /// <summary>"SA, KE"; "-" when empty.</summary>
    public override string ToString()
    {
        if (IsEmpty) return "-";
        var names = new List<string>();
        for (ulong rest = Bits; rest != 0; rest &= rest - 1)
            names.Add(new PayloadType((byte)BitOperations.TrailingZeroCount(rest)).Notation);
        return string.Join(", ", names);
    }

    private static ulong Bit(PayloadType type) => type.Value is > 0 and < 64 ? 1UL << type.Value : 0;
}
