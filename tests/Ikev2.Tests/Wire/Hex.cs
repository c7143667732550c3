namespace Headend.Ikev2.Tests.Wire;

internal static class Hex
{
    /// <summary>Octets of hex text; blanks may group it.</summary>
    public static byte[] Of(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
