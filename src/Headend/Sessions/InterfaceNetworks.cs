using System.Net;
using System.Net.NetworkInformation;

namespace Headend.Sessions;

/// <summary>One address of one of this machine's interfaces.</summary>
internal readonly record struct InterfaceAddress(string Interface, IPAddress Address, int PrefixLength)
{
    /// <summary>The subnet that the interface is connected to.</summary>
    public IPNetwork Network
    {
        get
        {
            var octets = Address.GetAddressBytes();
            for (var bit = PrefixLength; bit < octets.Length * 8; bit++)
                octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            return new IPNetwork(new IPAddress(octets), PrefixLength);
        }
    }
}

/// <summary>
/// The addresses of this machine's own interfaces, those of sessions left out. Asking the system walks every interface, so that it happens on the thread pool and the
/// answer is kept for some seconds: logins may come by the thousand. Thread-safe.
/// </summary>
internal sealed class InterfaceNetworks(TimeProvider time, Func<IReadOnlyList<InterfaceAddress>> detect)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private Task<IReadOnlyList<InterfaceAddress>>? asked;
    private long askedAt;

    public Task<IReadOnlyList<InterfaceAddress>> GetAsync()
    {
        lock (gate)
        {
            if (asked is null || asked.IsFaulted || time.GetElapsedTime(askedAt) >= Freshness)
            {
                asked = Task.Run(detect);
                askedAt = time.GetTimestamp();
            }

            return asked;
        }
    }

    /// <summary>Asks the system. Loopback and link-local addresses are nobody's network.</summary>
    public static IReadOnlyList<InterfaceAddress> Detect()
    {
        var found = new List<InterfaceAddress>();
        foreach (var link in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (IsOfSession(link.Name))
                continue;
            foreach (var unicast in link.GetIPProperties().UnicastAddresses)
            {
                if (!unicast.Address.IsIPv6LinkLocal && !IPAddress.IsLoopback(unicast.Address))
                    found.Add(new InterfaceAddress(link.Name, unicast.Address, unicast.PrefixLength));
            }
        }

        return found;
    }

    private static bool IsOfSession(string name) => name.StartsWith("vi", StringComparison.Ordinal) && name.Length > 2 && name.AsSpan(2).IndexOfAnyExceptInRange('0', '9') < 0;
}
