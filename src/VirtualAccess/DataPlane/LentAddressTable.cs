using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The addresses that "ip unnumbered" and "ipv6 unnumbered" lend. The kernel walks all its interfaces to list the addresses of one, so that an answer is used for a
/// second: hundreds of logins ask in that time, and an operator who renumbers an interface waits no longer. Thread-safe.
/// </summary>
internal sealed class LentAddressTable(NetlinkSocket netlink, VrfTable vrfs, TimeProvider time)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Dictionary<(string Lender, byte Family), (IPAddress Address, long ReadAt)> known = [];
    private readonly Dictionary<(string Interface, byte Family), (HashSet<IPAddress> Addresses, long ReadAt)> sources = [];

    /// <summary>Everything that a request's commands borrow; false with a failure that names the command.</summary>
    public bool TryLend(InterfaceRequest request, out LentAddresses lent, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        lent = default;
        var config = request.Config;
        if (config.TunnelSourceInterface is { } source && !TryCheckSource(source, request.Path.Local.ToIPAddress(), out failure)) return false;
        if (!vrfs.TryFind(config.Vrf?.Value, out var vrf, out failure)) return false;
        if (!TryLend(config.IpUnnumbered?.Value, "ip unnumbered", Rtnetlink.AF_INET, out var v4, out failure)) return false;
        if (!TryLend(config.Ipv6Unnumbered?.Value, "ipv6 unnumbered", Rtnetlink.AF_INET6, out var v6, out failure)) return false;
        lent = new LentAddresses(v4, v6, vrf);
        return true;
    }

    /// <summary>True where the interface has the address that the client came to.</summary>
    private bool TryCheckSource(Setting<string> source, IPAddress local, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = null;
        var family = local.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6;
        lock (gate)
        {
            if (!sources.TryGetValue((source.Value, family), out var entry) || time.GetElapsedTime(entry.ReadAt) >= Freshness)
            {
                var index = NativeMethods.InterfaceIndex(source.Value);
                if (index == 0)
                {
                    failure = new InterfaceFailure(source.Command, "no such interface") { BadValue = true, IsCommand = true };
                    return false;
                }

                var found = new HashSet<IPAddress>();
                var errno = netlink.Dump(NetlinkCodec.DumpAddresses((int)index, family), (type, body) =>
                {
                    if (type == Rtnetlink.RTM_NEWADDR && NetlinkCodec.TryReadAddress(body, out var record) && record.InterfaceIndex == index) found.Add(record.Address);
                });
                if (errno != 0)
                {
                    failure = new InterfaceFailure(source.Command, Errno.Describe(errno));
                    return false;
                }

                sources[(source.Value, family)] = entry = (found, time.GetTimestamp());
            }

            // A link-local address comes with the interface that it is of.
            if (entry.Addresses.Contains(local.IsIPv6LinkLocal ? new IPAddress(local.GetAddressBytes()) : local)) return true;
        }

        failure = new InterfaceFailure(source.Command, $"the client came to {local}, which is no address of {source.Value}") { BadValue = true, IsCommand = true };
        return false;
    }

    /// <summary>Null address without a lender; false with a failure that names the command.</summary>
    private bool TryLend(string? lender, string command, byte family, out IPAddress? address, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        address = null;
        failure = null;
        if (lender is null) return true;
        lock (gate)
        {
            if (known.TryGetValue((lender, family), out var entry) && time.GetElapsedTime(entry.ReadAt) < Freshness)
            {
                address = entry.Address;
                return true;
            }

            if (!TryRead(lender, command, family, out address, out failure)) return false;
            known[(lender, family)] = (address, time.GetTimestamp());
            return true;
        }
    }

    private bool TryRead(
        string lender, string command, byte family, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        address = null;
        failure = null;
        var index = NativeMethods.InterfaceIndex(lender);
        if (index == 0)
        {
            failure = new InterfaceFailure($"{command} {lender}", "no such interface") { BadValue = true, IsCommand = true };
            return false;
        }

        IPAddress? found = null;
        var errno = netlink.Dump(NetlinkCodec.DumpAddresses((int)index, family), (type, body) =>
        {
            if (found is null && type == Rtnetlink.RTM_NEWADDR && NetlinkCodec.TryReadAddress(body, out var record)
                && record.InterfaceIndex == index && record.Scope == Rtnetlink.RT_SCOPE_UNIVERSE && !record.Secondary) found = record.Address;
        });
        address = found;
        if (found is null) failure = new InterfaceFailure($"{command} {lender}", errno != 0 ? Errno.Describe(errno) : "the interface has no address") { BadValue = errno == 0, IsCommand = errno == 0 };
        return found is not null;
    }
}

/// <summary>What others lend to one interface; null = nothing of that family, no VRF.</summary>
internal readonly record struct LentAddresses(IPAddress? V4, IPAddress? V6, VrfBinding? Vrf = null);
