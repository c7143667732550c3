namespace Headend.Ikev2.Wire;

/// <summary>A transform of a proposal: RFC 7296 3.3.2.</summary>
/// <param name="Type">What the transform is for.</param>
/// <param name="Id">A number of <see cref="TransformIds"/>, read by type.</param>
/// <param name="KeyLengthBits">Key Length attribute in bits; 0 when absent.</param>
/// <param name="HasUnknownAttribute">An attribute other than one non-zero Key Length was present. RFC 7296 3.3.6: such a transform is not acceptable.</param>
public readonly record struct Transform(TransformType Type, ushort Id, ushort KeyLengthBits = 0, bool HasUnknownAttribute = false)
{
    public override string ToString() => KeyLengthBits == 0 ? $"{Type} {Id}" : $"{Type} {Id}/{KeyLengthBits}";
}
