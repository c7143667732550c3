using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Keeps the lent IPv4 addresses local, each on one TUN device of ours for as long as an interface borrows it: the routes to clients name it as their source, and the
/// kernel drops such routes with the last holder of the address, for example while the lender is taken down for a moment. A copy on each session's interface would do
/// the same, but the kernel walks all copies of an address to add one more. Thread-safe.
/// </summary>
internal sealed class LentAddressHolder(NetlinkSocket netlink, LinkCloser closer, string stateId)
{
    /// <summary>The kernel puts a number for %d.</summary>
    private const string DeviceName = "vilent%d";

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, Holding> held = [];

    /// <summary>Nothing to do for null. Each success needs one <see cref="Release"/>.</summary>
    public bool TryAcquire(IPAddress? address, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = null;
        if (address is null) return true;
        lock (gate)
        {
            if (held.TryGetValue(address, out var holding))
            {
                holding.Borrowers++;
                return true;
            }

            var device = TunDevice.Create(DeviceName, out var errno);
            if (device is null)
            {
                failure = new InterfaceFailure($"create {DeviceName}", Errno.Describe(errno));
                return false;
            }

            failure = Configure(device, address);
            if (failure is not null)
            {
                device.Dispose();
                return false;
            }

            held.Add(address, new Holding(device) { Borrowers = 1 });
            return true;
        }
    }

    public void Release(IPAddress? address)
    {
        if (address is null) return;
        lock (gate)
        {
            var holding = held[address];
            if (--holding.Borrowers > 0) return;
            held.Remove(address);
            closer.Close(holding.Device);
        }
    }

    private InterfaceFailure? Configure(TunDevice device, IPAddress address)
    {
        Ipv6Switch.TrySet(device.Name, on: false);
        NetlinkStep[] steps =
        [
            new($"{device.Name} up", NetlinkCodec.SetLinkUp(device.Index, InterfaceConfig.DefaultMtu, InterfaceMark.Alias(stateId, $"{address} is lent to clients' interfaces", null))),
            new($"address {address}/32", NetlinkCodec.AddAddress(device.Index, address)),
        ];
        var results = netlink.Execute(steps);
        var failed = Array.FindIndex(results, errno => errno != 0);
        return failed < 0 ? null : new InterfaceFailure(steps[failed].Name, Errno.Describe(results[failed]));
    }

    private sealed class Holding(TunDevice device)
    {
        public TunDevice Device { get; } = device;

        public int Borrowers { get; set; }
    }
}
