using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Headend.Aaa.Addresses;

/// <summary>
/// Disjoint ranges as one row of offsets from 0 to <see cref="Size"/> - 1, in the order in which they were written. In a pool of prefixes an offset counts
/// prefixes. Immutable; a look-up takes the logarithm of the number of ranges.
/// </summary>
internal sealed class AddressRangeTable
{
    /// <summary>Pieces after exclusions are cut out; far above what anybody writes, far below what hurts.</summary>
    private const int MaximumPieces = 100_000;

    private readonly Piece[] byOffset;
    private readonly Piece[] byNumber;
    private readonly int bits;
    private readonly int shift;

    private AddressRangeTable(List<Piece> pieces, int bits, int shift)
    {
        byOffset = [.. pieces];
        byNumber = [.. pieces.OrderBy(static p => p.First)];
        this.bits = bits;
        this.shift = shift;
        Size = pieces[^1].Offset + pieces[^1].Count;
    }

    public UInt128 Size { get; }

    public bool IsIPv4 => bits == 32;

    /// <summary>32 or 128, or less in a pool of prefixes.</summary>
    public int PrefixLength => bits - shift;

    public IReadOnlyList<AddressPoolRange> Ranges =>
        [.. byOffset.Select(p => new AddressPoolRange(
            AddressNumber.ToAddress(p.First << shift, bits), AddressNumber.ToAddress((p.Last << shift) | ((UInt128.One << shift) - 1), bits)))];

    public static bool TryCompile(AddressPoolOptions options, [NotNullWhen(true)] out AddressRangeTable? table, out string error)
    {
        table = null;
        var ranges = new List<(UInt128 First, UInt128 Last)>();
        var bits = 0;
        var shift = 0;
        foreach (var text in options.Ranges)
        {
            if (!TryParse(text, out var range, out error)) return Fail(options, ref error);
            if (bits != 0 && bits != range.Bits)
            {
                error = "has ranges of both families";
                return Fail(options, ref error);
            }
            bits = range.Bits;
            if (!TryShift(options, bits, out shift, out error)) return Fail(options, ref error);
            if (!TryHosts(range, text, shift, out var hosts, out error)) return Fail(options, ref error);
            foreach (var other in ranges)
            {
                if (hosts.First > other.Last || hosts.Last < other.First) continue;
                error = $"the range '{text}' overlaps another of its ranges";
                return Fail(options, ref error);
            }
            ranges.Add(hosts);
        }
        if (!TryExclude(options, ranges, bits, shift, out var pieces, out error)) return Fail(options, ref error);
        table = new AddressRangeTable(pieces, bits, shift);
        return true;
    }

    public IPAddress AddressOf(UInt128 offset)
    {
        var (low, high) = (0, byOffset.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (byOffset[middle].Offset <= offset) low = middle;
            else high = middle - 1;
        }
        return AddressNumber.ToAddress((byOffset[low].First + (offset - byOffset[low].Offset)) << shift, bits);
    }

    /// <summary>False for an address of the other family, outside of every range, or excluded.</summary>
    public bool TryOffset(IPAddress address, out UInt128 offset)
    {
        offset = default;
        if (AddressNumber.BitsOf(address) != bits) return false;
        var number = AddressNumber.Of(address) >> shift;
        var (low, high) = (0, byNumber.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (byNumber[middle].First <= number) low = middle;
            else high = middle - 1;
        }
        var piece = byNumber[low];
        if (number < piece.First || number > piece.Last) return false;
        offset = piece.Offset + (number - piece.First);
        return true;
    }

    private static bool Fail(AddressPoolOptions options, ref string error)
    {
        error = $"pool {options.Name}: {error}";
        return false;
    }

    private static bool TryShift(AddressPoolOptions options, int bits, out int shift, out string error)
    {
        shift = options.PrefixLength is { } length ? bits - length : 0;
        error = "prefix-length needs IPv6 ranges and is 1..127";
        return options.PrefixLength is null || (bits == 128 && shift is > 0 and < 128);
    }

    /// <summary>What of a range can be leased, in units of <paramref name="shift"/> bits.</summary>
    private static bool TryHosts(ParsedRange range, string text, int shift, out (UInt128 First, UInt128 Last) hosts, out string error)
    {
        var (first, last) = (range.First, range.Last);
        error = $"the prefix length of '{text}' is not {(range.Bits == 32 ? 8 : 1)}..{range.Bits}";
        hosts = default;
        if (range.Length is { } length && length < (range.Bits == 32 ? 8 : 1)) return false;
        error = $"the range '{text}' is larger than half of all addresses";
        if (last - first >= UInt128.One << (range.Bits - 1)) return false;
        if (shift == 0)
        {
            if (range.Bits == 32 && range.Length <= 30) (first, last) = (first + 1, last - 1);
            else if (range.Bits == 128 && range.Length <= 126) first++;
            hosts = (first, last);
            return true;
        }
        // Only prefixes that lie in the range with all of their addresses.
        var unit = (UInt128.One << shift) - 1;
        error = $"the range '{text}' holds no whole prefix of /{range.Bits - shift}";
        if (first > UInt128.MaxValue - unit || last < unit) return false;
        hosts = ((first + unit) >> shift, (last == UInt128.MaxValue ? last >> shift : ((last + 1) >> shift) - 1));
        return hosts.First <= hosts.Last;
    }

    private static bool TryExclude(
        AddressPoolOptions options, List<(UInt128 First, UInt128 Last)> ranges, int bits, int shift, out List<Piece> pieces, out string error)
    {
        pieces = [];
        var excluded = new List<(UInt128 First, UInt128 Last)>();
        foreach (var text in options.Exclusions)
        {
            if (!TryParse(text, out var range, out error)) return false;
            error = $"the exclusion '{text}' is of the other family";
            if (range.Bits != bits) return false;
            excluded.Add((range.First >> shift, range.Last >> shift));
        }
        excluded.Sort();
        UInt128 offset = 0;
        foreach (var (first, last) in ranges)
        {
            var next = first;
            var over = false;
            foreach (var hole in excluded)
            {
                if (hole.Last < next || hole.First > last) continue;
                if (hole.First > next) Add(pieces, next, hole.First - 1, ref offset);
                over = hole.Last >= last;
                if (over) break;
                next = hole.Last + 1;
            }
            if (!over) Add(pieces, next, last, ref offset);
        }
        error = pieces.Count == 0 ? "its exclusions leave nothing" : $"its exclusions cut it into more than {MaximumPieces} pieces";
        return pieces.Count is > 0 and <= MaximumPieces;
    }

    private static void Add(List<Piece> pieces, UInt128 first, UInt128 last, ref UInt128 offset)
    {
        pieces.Add(new Piece(first, last, offset));
        offset += last - first + 1;
    }

    private static bool TryParse(string text, out ParsedRange range, out string error)
    {
        range = default;
        error = $"'{text}' is neither ADDRESS, ADDRESS/LENGTH nor FIRST-LAST";
        var dash = text.IndexOf('-');
        var slash = text.IndexOf('/');
        if (dash > 0)
        {
            if (!IPAddress.TryParse(text.AsSpan(0, dash).Trim(), out var from) || !IPAddress.TryParse(text.AsSpan(dash + 1).Trim(), out var to)) return false;
            if (from.AddressFamily != to.AddressFamily) return false;
            error = $"the range '{text}' runs backwards";
            range = new ParsedRange(AddressNumber.Of(from), AddressNumber.Of(to), AddressNumber.BitsOf(from), Length: null);
            return range.First <= range.Last;
        }
        if (!IPAddress.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out var address)) return false;
        var bits = AddressNumber.BitsOf(address);
        var length = bits;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, null, out length) || length > bits)) return false;
        var hosts = length == 0 ? UInt128.MaxValue >> (128 - bits) : (UInt128.One << (bits - length)) - 1;
        var network = AddressNumber.Of(address) & ~hosts;
        range = new ParsedRange(network, network + hosts, bits, length);
        return true;
    }

    private readonly record struct ParsedRange(UInt128 First, UInt128 Last, int Bits, int? Length);

    private readonly record struct Piece(UInt128 First, UInt128 Last, UInt128 Offset)
    {
        public UInt128 Count => Last - First + 1;
    }
}
