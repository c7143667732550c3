using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Headend.Aaa.Addresses;

/// <summary>
/// Who holds which IPv6 prefix or address, so that no two holders overlap, also where one's prefix would hold the other's address. Every operation takes the logarithm
/// of the number held. Not thread-safe.
/// </summary>
/// <typeparam name="T">Holders, compared by reference.</typeparam>
public sealed class PrefixTable<T>
    where T : class
{
    // Disjoint at all times, so the neighbours in order of their first addresses are the only ones that can overlap.
    private readonly SortedSet<Held> held = new(Comparer<Held>.Create(static (a, b) => a.First.CompareTo(b.First)));

    /// <summary>What is held, in order; prefixes and addresses inside of a holder's own prefix are not listed beside it.</summary>
    public IEnumerable<(IPNetwork Network, T Holder)> All => held.Select(static h => (h.Network, h.Holder!));

    /// <summary>
    /// Adds a prefix. What lies inside of a prefix of the same holder is its already. False, with the other holder, where the two overlap.
    /// </summary>
    public bool TryAdd(IPNetwork network, T holder, [NotNullWhen(false)] out T? other)
    {
        var (first, last) = BoundsOf(network);
        other = null;
        var before = held.GetViewBetween(Bound(0), Bound(first)).Max;
        var overlapping = before is not null && before.Last >= first ? before : held.GetViewBetween(Bound(first), Bound(last)).Min;
        if (overlapping is null)
        {
            held.Add(new Held(first, last, network, holder));
            return true;
        }
        other = overlapping.Holder!;
        return ReferenceEquals(other, holder) && overlapping.First <= first && overlapping.Last >= last;
    }

    /// <summary>Takes back exactly what <see cref="TryAdd"/> added; nothing else happens for a prefix that lies inside of another one of its holder.</summary>
    public void Remove(IPNetwork network, T holder)
    {
        var (first, last) = BoundsOf(network);
        if (held.TryGetValue(Bound(first), out var found) && found.Last == last && ReferenceEquals(found.Holder, holder)) held.Remove(found);
    }

    private static (UInt128 First, UInt128 Last) BoundsOf(IPNetwork network)
    {
        var first = AddressNumber.Of(network.BaseAddress);
        var hosts = network.PrefixLength == 0 ? UInt128.MaxValue : (UInt128.One << (128 - network.PrefixLength)) - 1;
        return (first, first | hosts);
    }

    private static Held Bound(UInt128 number) => new(number, number, default, null);

    private sealed record Held(UInt128 First, UInt128 Last, IPNetwork Network, T? Holder);
}
