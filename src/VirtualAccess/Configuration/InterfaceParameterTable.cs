using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace Headend.VirtualAccess.Configuration;

/// <summary>A kind of argument.</summary>
/// <param name="Name">As grammars write it.</param>
/// <param name="Help">What it is.</param>
/// <param name="Read">The value, or why there is none.</param>
/// <param name="TakesRest">It is the rest of the line, spaces included.</param>
internal sealed record InterfaceParameter(string Name, string Help, Func<string, (object? Value, string? Reason)> Read, bool TakesRest = false);

/// <summary>An address with the length of its network.</summary>
public readonly record struct AddressWithLength(IPAddress Address, int PrefixLength)
{
    public override string ToString() => $"{Address}/{PrefixLength}";
}

/// <summary>The kinds of arguments of interface commands. Values are safe to become names of devices, rules and files: they hold no blank, slash or control character.</summary>
internal static class InterfaceParameterTable
{
    /// <summary>IFNAMSIZ - 1 of linux/if.h.</summary>
    private const int MaximumInterfaceName = 15;

    /// <summary>IFALIASZ of linux/if.h is 256; the alias also carries our mark.</summary>
    private const int MaximumDescription = 160;

    private const int MaximumName = 64;

    public static IReadOnlyList<InterfaceParameter> Kinds { get; } =
    [
        new("IFNAME", "name of a network interface of this machine, at most 15 characters", ReadInterfaceName),
        new("VRF", "name of a VRF, which is the name of its device, at most 15 characters", ReadInterfaceName),
        new("NAME", "name or number from the configuration, at most 64 characters", ReadName),
        new("A.B.C.D", "IPv4 address", text => ReadAddress(text, AddressFamily.InterNetwork, "an IPv4 address")),
        new("ADDRESS", "IPv4 or IPv6 address", text => ReadAddress(text, text.Contains(':') ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, "an address")),
        new("LOCAL", "`self`, which is the client's own address, or the IPv4 address of a host behind it", text => ReadLocal(text, AddressFamily.InterNetwork, "an IPv4 address or self")),
        new("LOCAL6", "`self`, or the IPv6 address of a host behind the client", text => ReadLocal(text, AddressFamily.InterNetworkV6, "an IPv6 address or self")),
        new("X:X::X", "IPv6 address", text => ReadAddress(text, AddressFamily.InterNetworkV6, "an IPv6 address")),
        new("MASK", "IPv4 mask such as 255.255.255.0", ReadMask),
        new("X:X::X/L", "IPv6 address and prefix length", ReadAddress6),
        new("TEXT", "the rest of the line, at most 160 characters", ReadText, TakesRest: true),
    ];

    /// <summary>The kind that a word of a grammar stands for; null for a keyword.</summary>
    public static InterfaceParameter? Find(string word)
    {
        if (word[0] != '<') return Kinds.FirstOrDefault(k => k.Name == word);
        var bounds = word.Trim('<', '>').Split('-').Select(b => uint.Parse(b, CultureInfo.InvariantCulture)).ToArray();
        return new InterfaceParameter(word, $"number from {bounds[0]} to {bounds[1]}", text => ReadNumber(text, bounds[0], bounds[1]));
    }

    private static (object?, string?) ReadNumber(string text, uint minimum, uint maximum)
    {
        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return (null, $"expected a number from {minimum} to {maximum}");
        return value < minimum || value > maximum ? (null, $"out of range, {minimum} to {maximum}") : ((uint)value, null);
    }

    private static (object?, string?) ReadInterfaceName(string name)
    {
        if (name.Length > MaximumInterfaceName) return (null, $"an interface name has at most {MaximumInterfaceName} characters");
        foreach (var c in name)
        {
            if (c is '/' or ':' || char.IsControl(c) || char.IsWhiteSpace(c)) return (null, "not an interface name");
        }

        return name is "." or ".." ? (null, "not an interface name") : (name, null);
    }

    private static (object?, string?) ReadName(string name)
    {
        if (name.Length > MaximumName) return (null, $"a name has at most {MaximumName} characters");
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-' or '#')) return (null, "a name has letters, digits, '.', '_', '-' and '#'");
        }

        return (name, null);
    }

    private static (object?, string?) ReadAddress(string text, AddressFamily family, string what)
    {
        // IPAddress takes "1" for 0.0.0.1 and "::1%eth0" for a scoped address.
        var written = family == AddressFamily.InterNetwork ? text.Count(c => c == '.') == 3 : !text.Contains('%');
        return written && IPAddress.TryParse(text, out var address) && address.AddressFamily == family ? (address, null) : (null, $"not {what}");
    }

    private static (object?, string?) ReadLocal(string text, AddressFamily family, string what)
    {
        if (string.Equals(text, "self", StringComparison.OrdinalIgnoreCase)) return (default(NatLocal), null);
        var (address, reason) = ReadAddress(text, family, what);
        return address is IPAddress known ? (new NatLocal(known), null) : (null, reason);
    }

    private static (object?, string?) ReadMask(string text)
    {
        if (ReadAddress(text, AddressFamily.InterNetwork, "a mask").Item1 is not IPAddress address) return (null, "not a mask such as 255.255.255.0");
        var bits = BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
        var length = BitOperations.LeadingZeroCount(~bits);
        return length < 32 && bits << length != 0 ? (null, "a mask has no holes") : (length, null);
    }

    private static (object?, string?) ReadAddress6(string text)
    {
        var slash = text.IndexOf('/');
        if (slash < 0 || ReadAddress(text[..slash], AddressFamily.InterNetworkV6, "").Item1 is not IPAddress address) return (null, "not an IPv6 address with a prefix length");
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > 128) return (null, "a prefix length is 0 to 128");
        return (new AddressWithLength(address, length), null);
    }

    private static (object?, string?) ReadText(string text)
    {
        if (text.Length > MaximumDescription) return (null, $"a description has at most {MaximumDescription} characters");
        return text.Any(char.IsControl) ? (null, "a description has no control characters") : (text, null);
    }
}
