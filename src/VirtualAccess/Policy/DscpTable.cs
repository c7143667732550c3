using System.Globalization;

namespace Headend.VirtualAccess.Policy;

/// <summary>Names of DSCP values (RFC 2474, 2597, 3246, 5865).</summary>
public static class DscpTable
{
    /// <summary>The field has six bits.</summary>
    public const byte Maximum = 63;

    private static readonly (string Name, byte Value)[] Names =
    [
        ("default", 0), ("cs1", 8), ("af11", 10), ("af12", 12), ("af13", 14), ("cs2", 16), ("af21", 18), ("af22", 20), ("af23", 22), ("cs3", 24), ("af31", 26),
        ("af32", 28), ("af33", 30), ("cs4", 32), ("af41", 34), ("af42", 36), ("af43", 38), ("cs5", 40), ("voice-admit", 44), ("ef", 46), ("cs6", 48), ("cs7", 56),
    ];

    /// <summary>Reads a name, in letters of either case, or a number from 0 to 63.</summary>
    public static bool TryParse(string word, out byte value)
    {
        foreach (var (name, number) in Names)
        {
            value = number;
            if (string.Equals(name, word, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return byte.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= Maximum;
    }

    /// <summary>The name of a value, or its number.</summary>
    public static string NameOf(byte value)
    {
        foreach (var (name, number) in Names)
        {
            if (number == value) return name;
        }

        return value.ToString(CultureInfo.InvariantCulture);
    }
}
