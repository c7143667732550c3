namespace Headend.Ikev2.Wire;

/// <summary>How the payloads of a message differ from the rules of its exchange.</summary>
/// <param name="Excessive">Types that occur more often than allowed.</param>
/// <param name="Missing">Required types that do not occur, or not often enough.</param>
/// <param name="Unexpected">Known types that have no place in this message.</param>
public readonly record struct PayloadErrors(PayloadTypeSet Excessive, PayloadTypeSet Missing, PayloadTypeSet Unexpected)
{
    public bool Any => !Excessive.IsEmpty || !Missing.IsEmpty || !Unexpected.IsEmpty;

    public override string ToString() => Any ? $"excessive: {Excessive}; missing: {Missing}; unexpected: {Unexpected}" : "none";
}
