using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Policy;

/// <summary>The addresses of one side of an entry: a prefix, an address with a wildcard that has holes, or a range. All of one family.</summary>
public sealed record AddressMatch
{
    private AddressMatch(IPAddress first) => First = first;

    /// <summary>First address of the range, or the address to compare with: bits that do not count are zero.</summary>
    public IPAddress First { get; }

    /// <summary>Last address of a range; null for others.</summary>
    public IPAddress? Last { get; private init; }

    /// <summary>Ones where bits count, with holes; IPv4 only; null for others.</summary>
    public IPAddress? Mask { get; private init; }

    /// <summary>Set for a prefix.</summary>
    public IPNetwork? Network { get; private init; }

    /// <summary>All addresses of the family but these.</summary>
    public bool IsExcluded { get; init; }

    public AddressFamily Family => First.AddressFamily;

    public static AddressMatch Of(IPNetwork network) => new(network.BaseAddress) { Network = network };

    public static AddressMatch Of(IPAddress host) => Of(new IPNetwork(host, LengthOf(host)));

    /// <summary>Bits behind <paramref name="length"/> are cleared.</summary>
    public static AddressMatch Of(IPAddress address, int length)
    {
        var octets = address.GetAddressBytes();
        for (var bit = length; bit < octets.Length * 8; bit++) octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return Of(new IPNetwork(new IPAddress(octets), length));
    }

    /// <summary>IOS's address with a wildcard: ones where bits do not count. Both IPv4.</summary>
    public static AddressMatch Of(IPAddress address, IPAddress wildcard)
    {
        var (octets, holes) = (address.GetAddressBytes(), wildcard.GetAddressBytes());
        var mask = new byte[octets.Length];
        for (var i = 0; i < octets.Length; i++)
        {
            mask[i] = (byte)~holes[i];
            octets[i] &= mask[i];
        }

        var length = 0;
        while (length < octets.Length * 8 && (mask[length / 8] & (0x80 >> (length % 8))) != 0) length++;
        var contiguous = true;
        for (var bit = length; bit < octets.Length * 8; bit++) contiguous &= (mask[bit / 8] & (0x80 >> (bit % 8))) == 0;
        return contiguous ? Of(new IPNetwork(new IPAddress(octets), length)) : new AddressMatch(new IPAddress(octets)) { Mask = new IPAddress(mask) };
    }

    /// <summary>From one address to another of the same family, both included; false when they are not in order.</summary>
    public static bool TryRange(IPAddress first, IPAddress last, [NotNullWhen(true)] out AddressMatch? range)
    {
        range = null;
        if (first.AddressFamily != last.AddressFamily || first.GetAddressBytes().AsSpan().SequenceCompareTo(last.GetAddressBytes()) > 0) return false;
        range = new AddressMatch(first) { Last = last };
        return true;
    }

    /// <summary>Reads "A/L".</summary>
    public static bool TryParsePrefix(string word, [NotNullWhen(true)] out AddressMatch? match)
    {
        match = null;
        var slash = word.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryParseHost(word[..slash], out var address)) return false;
        if (!int.TryParse(word.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > LengthOf(address)) return false;
        match = Of(address, length);
        return true;
    }

    /// <summary>Reads one address; neither "1" nor a scoped one.</summary>
    public static bool TryParseHost(string word, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        // IPAddress takes "1" for 0.0.0.1 and "::1%eth0" for a scoped address.
        return (word.Contains(':', StringComparison.Ordinal) ? !word.Contains('%', StringComparison.Ordinal) : word.Count(static c => c == '.') == 3)
            && IPAddress.TryParse(word, out address);
    }

    public override string ToString()
    {
        var text = this switch
        {
            { Network: { } network } => network.ToString(),
            { Last: { } last } => $"{First}-{last}",
            _ => $"{First}&{Mask}",
        };
        return IsExcluded ? "!" + text : text;
    }

    private static int LengthOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
