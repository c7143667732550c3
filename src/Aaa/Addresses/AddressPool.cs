using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Headend.Aaa.Addresses;

/// <summary>
/// Leases addresses, or prefixes, of one or more ranges. An identity gets back what it held last while nobody else has it. Everybody else gets what was never leased,
/// then what has been free for longest, at the earliest when its hold-down is over. Lease and release take constant time (the logarithm of the number of ranges) and
/// memory grows with what was ever leased, never with the ranges. Thread-safe. Lease only after Access-Accept.
/// </summary>
public sealed class AddressPool
{
    /// <summary>Given back and remembered while there are fresh ones: without this bound an IPv6 pool would remember every address that it ever gave.</summary>
    public const int MaximumResting = 262_144;

    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly AddressRangeTable ranges;
    private readonly TimeSpan holdDown;
    // Whatever was leased once is here, leased or resting; the rest is fresh.
    private readonly Dictionary<UInt128, Entry> touched = [];
    private readonly LinkedList<Entry> resting = new();
    private readonly Dictionary<string, Entry> lastOf = new(StringComparer.Ordinal);
    private UInt128 fresh;
    private long highWater;
    private long exhausted;

    private AddressPool(AddressPoolOptions options, AddressRangeTable ranges, TimeProvider time)
    {
        Name = options.Name;
        this.ranges = ranges;
        this.time = time;
        holdDown = options.HoldDown;
    }

    public string Name { get; }

    public bool IsIPv4 => ranges.IsIPv4;

    /// <summary>Length of the prefixes that a pool for delegation leases; null in a pool of addresses.</summary>
    public int? PrefixLength => ranges.PrefixLength is 32 or 128 ? null : ranges.PrefixLength;

    /// <summary>What can be leased, exclusions cut out, in order.</summary>
    public IReadOnlyList<AddressPoolRange> Ranges => ranges.Ranges;

    /// <summary>False with an error that names the pool and what is wrong with it.</summary>
    public static bool TryCreate(AddressPoolOptions options, TimeProvider time, [NotNullWhen(true)] out AddressPool? pool, out string error)
    {
        pool = AddressRangeTable.TryCompile(options, out var ranges, out error) ? new AddressPool(options, ranges, time) : null;
        return pool is not null;
    }

    public bool Contains(IPAddress address) => ranges.TryOffset(address, out _);

    /// <summary>Leases an address to a session.</summary>
    /// <param name="identity">Who it is for: the authenticated identity.</param>
    /// <param name="address">The lease; give it back with <see cref="Release"/>.</param>
    /// <param name="wish">What the client would like. One that it held last is its, whatever else rests for it.</param>
    /// <param name="mayChoose">The wish is granted where nobody has it and its hold-down is over (Framed-IP-Address = 255.255.255.255).</param>
    /// <returns>False when nothing is free.</returns>
    public bool TryLease(string identity, [NotNullWhen(true)] out IPAddress? address, IPAddress? wish = null, bool mayChoose = false)
    {
        lock (gate)
        {
            address = null;
            if (!TryWish(identity, wish, mayChoose, out var offset) && !TryChoose(identity, out offset))
            {
                exhausted++;
                return false;
            }
            Take(identity, offset);
            address = ranges.AddressOf(offset);
            return true;
        }
    }

    /// <summary>
    /// Leases one particular address whatever its hold-down: AAA named it, or a session comes back. False when it is not of the pool or leased.
    /// </summary>
    public bool TryLease(string identity, IPAddress wanted)
    {
        lock (gate)
        {
            if (!ranges.TryOffset(wanted, out var offset) || (touched.TryGetValue(offset, out var entry) && entry.IsLeased)) return false;
            Take(identity, offset);
            return true;
        }
    }

    /// <summary>Gives a lease back. False when the address is not leased from this pool.</summary>
    public bool Release(IPAddress address)
    {
        lock (gate)
        {
            if (!ranges.TryOffset(address, out var offset) || !touched.TryGetValue(offset, out var entry) || !entry.IsLeased) return false;
            Rest(entry, time.GetTimestamp());
            return true;
        }
    }

    /// <summary>Takes over what a pool of the same name knew before a reload: who held what last. What is in use is leased anew by whoever knows its holders.</summary>
    public void Inherit(AddressPool previous)
    {
        List<(IPAddress Address, string Identity, long ReleasedAt)> memory;
        lock (previous.gate)
            memory = [.. previous.resting.Select(e => (previous.ranges.AddressOf(e.Offset), e.Identity, e.ReleasedAt))];
        lock (gate)
        {
            foreach (var (address, identity, releasedAt) in memory)
            {
                if (!ranges.TryOffset(address, out var offset) || touched.ContainsKey(offset)) continue;
                var entry = new Entry(offset, identity);
                touched.Add(offset, entry);
                Rest(entry, releasedAt);
            }
        }
    }

    public AddressPoolStatistics GetStatistics()
    {
        lock (gate)
        {
            var leased = touched.Count - resting.Count;
            var held = 0;
            // Given back in this order, so the youngest are those that still rest.
            for (var node = resting.Last; node is not null && !HasRested(node.Value); node = node.Previous) held++;
            return new AddressPoolStatistics(Name, Saturate(ranges.Size), Saturate(ranges.Size - (UInt128)(leased + held)), leased, held, highWater, exhausted);
        }
    }

    private static long Saturate(UInt128 number) => number > long.MaxValue ? long.MaxValue : (long)number;

    private bool TryWish(string identity, IPAddress? wish, bool mayChoose, out UInt128 offset)
    {
        offset = default;
        if (wish is null || !ranges.TryOffset(wish, out offset)) return false;
        if (!touched.TryGetValue(offset, out var entry)) return mayChoose;
        return !entry.IsLeased && (entry.Identity == identity || (mayChoose && HasRested(entry)));
    }

    private bool TryChoose(string identity, out UInt128 offset)
    {
        if (lastOf.TryGetValue(identity, out var own))
        {
            offset = own.Offset;
            return true;
        }
        var oldest = resting.First?.Value is { } first && HasRested(first) ? first : null;
        if (oldest is null || resting.Count < MaximumResting)
        {
            // What was leased by name ahead of the counter is skipped once, so this loop is paid for by those leases.
            while (fresh < ranges.Size)
            {
                offset = fresh++;
                if (!touched.ContainsKey(offset)) return true;
            }
        }
        offset = oldest?.Offset ?? default;
        return oldest is not null;
    }

    private bool HasRested(Entry entry) => holdDown == TimeSpan.Zero || time.GetElapsedTime(entry.ReleasedAt) >= holdDown;

    private void Take(string identity, UInt128 offset)
    {
        if (touched.TryGetValue(offset, out var entry))
        {
            resting.Remove(entry.Node!);
            entry.Node = null;
            Forget(entry);
            entry.Identity = identity;
        }
        else
        {
            touched.Add(offset, new Entry(offset, identity));
        }
        highWater = Math.Max(highWater, touched.Count - resting.Count);
    }

    private void Rest(Entry entry, long releasedAt)
    {
        entry.ReleasedAt = releasedAt;
        entry.Node = resting.AddLast(entry);
        // Of several that one identity held, the last one given back is the first one it gets.
        if (lastOf.TryGetValue(entry.Identity, out var older))
        {
            entry.Older = older;
            older.Younger = entry;
        }
        lastOf[entry.Identity] = entry;
    }

    /// <summary>Takes a resting entry out of its identity's chain.</summary>
    private void Forget(Entry entry)
    {
        if (entry.Younger is { } younger) younger.Older = entry.Older;
        else if (entry.Older is { } next) lastOf[entry.Identity] = next;
        else lastOf.Remove(entry.Identity);
        if (entry.Older is { } older) older.Younger = entry.Younger;
        entry.Older = entry.Younger = null;
    }

    private sealed class Entry(UInt128 offset, string identity)
    {
        public UInt128 Offset => offset;

        /// <summary>Who has it, or had it last.</summary>
        public string Identity { get; set; } = identity;

        public long ReleasedAt { get; set; }

        /// <summary>Its place among those that rest; null while it is leased.</summary>
        public LinkedListNode<Entry>? Node { get; set; }

        public bool IsLeased => Node is null;

        /// <summary>The chain of what rests for one identity.</summary>
        public Entry? Older { get; set; }

        public Entry? Younger { get; set; }
    }
}
