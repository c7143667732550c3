namespace Headend.Ikev2.Exchanges;

/// <summary>
/// Simultaneous rekeys: RFC 7296 2.8.1: "the SA created with the lowest of the four nonces used in the two exchanges SHOULD be closed by the endpoint that
/// created it." Nonces compare octet by octet; a shorter one that is a prefix is lower.
/// </summary>
internal static class Nonces
{
    public static byte[] Lowest(byte[] left, byte[] right) => left.AsSpan().SequenceCompareTo(right) <= 0 ? left : right;

    /// <summary>Whether the exchange with <paramref name="ours"/> as its lower nonce made the redundant SA.</summary>
    public static bool OursIsRedundant(byte[] ours, byte[] theirs) => ours.AsSpan().SequenceCompareTo(theirs) < 0;
}
