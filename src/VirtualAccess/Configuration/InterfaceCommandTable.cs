using System.Globalization;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Every command an interface takes. A new command is a new row; parser, help and <c>no</c> form follow from it.</summary>
internal static class InterfaceCommandTable
{
    /// <summary>IFNAMSIZ - 1 of linux/if.h.</summary>
    private const int MaximumInterfaceName = 15;

    /// <summary>IFALIASZ of linux/if.h is 256; the alias also carries our mark.</summary>
    private const int MaximumDescription = 160;

    public static IReadOnlyList<InterfaceCommand> Rows { get; } =
    [
        new(["ip", "unnumbered"], "IFNAME", "Use the primary IPv4 address of that interface", false,
            (argument, command) => InterfaceName(argument, (c, o) => c with { IpUnnumbered = new(argument, o, command) }),
            (c, _) => c with { IpUnnumbered = null }),

        new(["ipv6", "unnumbered"], "IFNAME", "Use the first global IPv6 address of that interface", false,
            (argument, command) => InterfaceName(argument, (c, o) => c with { Ipv6Unnumbered = new(argument, o, command) }),
            (c, _) => c with { Ipv6Unnumbered = null }),

        new(["ip", "mtu"], "<68-9216>", "Largest IPv4 packet in the tunnel, octets", false,
            (argument, command) => Number(argument, 68, 9216, n => (c, o) => c with { IpMtu = new(n, o, command) }),
            (c, _) => c with { IpMtu = null }),

        new(["ipv6", "mtu"], "<1280-9216>", "Largest IPv6 packet in the tunnel, octets", false,
            (argument, command) => Number(argument, 1280, 9216, n => (c, o) => c with { Ipv6Mtu = new(n, o, command) }),
            (c, _) => c with { Ipv6Mtu = null }),

        new(["ip", "tcp", "adjust-mss"], "<500-9176>", "Lower the MSS option of TCP SYNs to this, octets", false,
            (argument, command) => Number(argument, 500, 9176, n => (c, o) => c with { TcpAdjustMss = new(n, o, command) }),
            (c, _) => c with { TcpAdjustMss = null }),

        new(["description"], "TEXT", "Text for people, kept in the interface's alias", true,
            (argument, command) => Description(argument, (c, o) => c with { Description = new(argument, o, command) }),
            (c, _) => c with { Description = null }),
    ];

    private static (InterfaceConfigChange?, string?) InterfaceName(string name, InterfaceConfigChange change)
    {
        if (name.Length > MaximumInterfaceName) return (null, $"an interface name has at most {MaximumInterfaceName} characters");
        foreach (var c in name)
        {
            if (c is '/' or ':' || char.IsControl(c) || char.IsWhiteSpace(c)) return (null, "not an interface name");
        }

        return name is "." or ".." ? (null, "not an interface name") : (change, null);
    }

    private static (InterfaceConfigChange?, string?) Number(string text, int minimum, int maximum, Func<int, InterfaceConfigChange> change)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return (null, $"expected a number from {minimum} to {maximum}");
        return value < minimum || value > maximum ? (null, $"out of range, {minimum} to {maximum}") : (change(value), null);
    }

    private static (InterfaceConfigChange?, string?) Description(string text, InterfaceConfigChange change)
    {
        if (text.Length > MaximumDescription) return (null, $"a description has at most {MaximumDescription} characters");
        foreach (var c in text)
        {
            if (char.IsControl(c)) return (null, "a description has no control characters");
        }

        return (change, null);
    }
}
