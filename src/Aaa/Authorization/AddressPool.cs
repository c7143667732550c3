using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Headend.Aaa.Authorization;

/// <summary>Use of a pool.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Size">Addresses that can be leased; saturates at <see cref="long.MaxValue"/>.</param>
/// <param name="Leased">Addresses in use.</param>
/// <param name="HighWater">The most ever in use at once.</param>
/// <param name="Exhausted">Leases refused because none was free.</param>
public sealed record AddressPoolStatistics(string Name, long Size, long Leased, long HighWater, long Exhausted);

/// <summary>
/// Leases addresses of a range or CIDR, IPv4 or IPv6. Lease and release take constant time and memory grows with the leases, not with the range: fresh
/// addresses come from a counter, returned ones from a queue, so that an address rests for <see cref="MaximumResting"/> others or until the range is used up.
/// An identity gets its last address again while nobody else has it. Thread-safe. Lease only after Access-Accept.
/// </summary>
public sealed class AddressPool
{
    /// <summary>Identities remembered for their last address; beyond this the oldest are forgotten.</summary>
    public const int MaximumRemembered = 65_536;

    /// <summary>Returned addresses that rest while fresh ones are left. Without this bound an IPv6 pool would remember every address it ever gave.</summary>
    public const int MaximumResting = 16_384;

    private readonly Lock gate = new();
    private readonly UInt128 first;
    private readonly UInt128 size;
    private readonly int addressLength;
    private readonly Dictionary<UInt128, string> leased = [];
    private readonly LinkedList<UInt128> returned = new();
    private readonly Dictionary<UInt128, LinkedListNode<UInt128>> returnedNodes = [];
    private readonly HashSet<UInt128> takenEarly = [];
    private readonly Dictionary<string, UInt128> remembered = new(StringComparer.Ordinal);
    private readonly Queue<string> rememberedOrder = new();
    private UInt128 fresh;
    private long highWater;
    private long exhausted;

    private AddressPool(string name, UInt128 first, UInt128 last, int addressLength)
    {
        Name = name;
        this.first = first;
        this.addressLength = addressLength;
        size = last - first + 1;
    }

    public string Name { get; }

    /// <summary>
    /// Parses "10.99.0.0/16", "10.0.0.10-10.0.0.99", "2001:db8::/112". Of an IPv4 CIDR up to /30 the network and broadcast addresses are left out; of an IPv6 CIDR
    /// up to /126 the Subnet-Router anycast address (RFC 4291 2.6.1). IPv4 CIDRs are /8 or longer, IPv6 ones /1 or longer.
    /// </summary>
    public static bool TryParse(string name, string range, [NotNullWhen(true)] out AddressPool? pool, out string error)
    {
        pool = null;
        error = $"pool {name}: '{range}' is neither ADDRESS/LENGTH nor FIRST-LAST";
        var dash = range.IndexOf('-');
        var slash = range.IndexOf('/');
        if (dash > 0)
        {
            if (!IPAddress.TryParse(range.AsSpan(0, dash).Trim(), out var from) || !IPAddress.TryParse(range.AsSpan(dash + 1).Trim(), out var to)) return false;
            if (from.AddressFamily != to.AddressFamily) return false;
            error = $"pool {name}: the range '{range}' runs backwards";
            if (ToNumber(from) > ToNumber(to)) return false;
            error = $"pool {name}: the range '{range}' is larger than half of all addresses";
            if (ToNumber(to) - ToNumber(from) >= UInt128.One << (from.GetAddressBytes().Length * 8 - 1)) return false;
            pool = new AddressPool(name, ToNumber(from), ToNumber(to), from.GetAddressBytes().Length);
        }
        else
        {
            if (slash <= 0 || !IPAddress.TryParse(range.AsSpan(0, slash), out var address)) return false;
            if (!int.TryParse(range.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out var length)) return false;
            var octets = address.GetAddressBytes().Length;
            var bits = octets * 8;
            error = $"pool {name}: the prefix length of '{range}' is not {(bits == 32 ? 8 : 1)}..{bits}";
            if (length < (bits == 32 ? 8 : 1) || length > bits) return false;
            var hosts = (UInt128.One << (bits - length)) - 1;
            var network = ToNumber(address) & ~hosts;
            var last = network + hosts;
            if (bits == 32 && length <= 30) (network, last) = (network + 1, last - 1);
            else if (bits == 128 && length <= 126) network++;
            pool = new AddressPool(name, network, last, octets);
        }
        error = "";
        return true;
    }

    /// <summary>
    /// Leases an address to a session. The identity's last one if it is free, else one never leased (unless many rest), else the one that has been free for longest.
    /// </summary>
    /// <param name="identity">Who it is for: user and device, as the caller likes stickiness.</param>
    /// <param name="address">The lease; give it back with <see cref="Release"/>.</param>
    /// <returns>False when every address is leased.</returns>
    public bool TryLease(string identity, [NotNullWhen(true)] out IPAddress? address)
    {
        lock (gate)
        {
            address = null;
            if (!TryChoose(identity, out var offset))
            {
                exhausted++;
                return false;
            }
            Record(identity, offset);
            address = ToAddress(first + offset);
            return true;
        }
    }

    /// <summary>Leases one particular address: a client's wish, or a session that comes back. False when it is outside of the pool or leased.</summary>
    public bool TryLease(string identity, IPAddress wanted)
    {
        lock (gate)
        {
            if (!TryOffset(wanted, out var offset) || leased.ContainsKey(offset)) return false;
            Claim(offset);
            Record(identity, offset);
            return true;
        }
    }

    /// <summary>Gives a lease back. False when the address is not leased from this pool.</summary>
    public bool Release(IPAddress address)
    {
        lock (gate)
        {
            if (!TryOffset(address, out var offset) || !leased.Remove(offset)) return false;
            returnedNodes[offset] = returned.AddLast(offset);
            return true;
        }
    }

    public bool Contains(IPAddress address) => TryOffset(address, out _);

    public AddressPoolStatistics GetStatistics()
    {
        lock (gate) return new AddressPoolStatistics(Name, size > long.MaxValue ? long.MaxValue : (long)size, leased.Count, highWater, exhausted);
    }

    private bool TryChoose(string identity, out UInt128 offset)
    {
        if (remembered.TryGetValue(identity, out offset) && !leased.ContainsKey(offset))
        {
            Claim(offset);
            return true;
        }
        // Addresses that were wished for ahead of the counter are skipped once, so this loop is paid for by their leases.
        while (fresh < size && returned.Count < MaximumResting)
        {
            offset = fresh++;
            if (!takenEarly.Remove(offset)) return true;
        }
        if (returned.First is null) return false;
        offset = returned.First.Value;
        Claim(offset);
        return true;
    }

    /// <summary>Takes a free address out of wherever it waits.</summary>
    private void Claim(UInt128 offset)
    {
        if (returnedNodes.Remove(offset, out var node)) returned.Remove(node);
        else if (offset >= fresh) takenEarly.Add(offset);
    }

    private void Record(string identity, UInt128 offset)
    {
        leased[offset] = identity;
        highWater = Math.Max(highWater, leased.Count);
        if (!remembered.ContainsKey(identity))
        {
            rememberedOrder.Enqueue(identity);
            if (rememberedOrder.Count > MaximumRemembered) remembered.Remove(rememberedOrder.Dequeue());
        }
        remembered[identity] = offset;
    }

    private bool TryOffset(IPAddress address, out UInt128 offset)
    {
        offset = default;
        if (address.GetAddressBytes().Length != addressLength) return false;
        var number = ToNumber(address);
        if (number < first || number - first >= size) return false;
        offset = number - first;
        return true;
    }

    private static UInt128 ToNumber(IPAddress address)
    {
        UInt128 number = 0;
        foreach (var octet in address.GetAddressBytes()) number = (number << 8) | octet;
        return number;
    }

    private IPAddress ToAddress(UInt128 number)
    {
        var octets = new byte[addressLength];
        for (var i = addressLength - 1; i >= 0; i--)
        {
            octets[i] = (byte)number;
            number >>= 8;
        }
        return new IPAddress(octets);
    }
}
