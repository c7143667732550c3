using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Headend.Aaa.Dhcp;

/// <summary>The option codes that are written or read here (RFC 2132).</summary>
internal static class DhcpOption
{
    public const byte Pad = 0;
    public const byte SubnetMask = 1;
    public const byte DnsServers = 6;
    public const byte DomainName = 15;
    public const byte RequestedAddress = 50;
    public const byte LeaseTime = 51;
    public const byte Overload = 52;
    public const byte MessageType = 53;
    public const byte ServerIdentifier = 54;
    public const byte ParameterRequestList = 55;
    public const byte Message = 56;
    public const byte MaximumMessageSize = 57;
    public const byte RenewalTime = 58;
    public const byte RebindingTime = 59;
    public const byte ClientIdentifier = 61;
    public const byte End = 255;
}

/// <summary>
/// The options of one message. Those of one code are one value in several pieces (RFC 3396 5), so that a single value that comes twice has a wrong length. Members answer
/// false for a value that is there and cannot be; an absent one is null or empty.
/// </summary>
internal sealed class DhcpOptionTable
{
    // Bounded by the length of a datagram.
    private readonly Dictionary<byte, byte[]> values = [];

    private DhcpOptionTable()
    {
    }

    /// <summary>RFC 2131 4.1: the options field first, then, where option 52 says so, the file field and the sname field.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, [NotNullWhen(true)] out DhcpOptionTable? table, out DhcpError error)
    {
        table = null;
        var read = new DhcpOptionTable();
        error = DhcpError.Truncated;
        if (!read.TryReadField(packet[DhcpCodec.OptionsOffset..])) return false;
        var overload = read.Find(DhcpOption.Overload);
        error = DhcpError.Option;
        if (overload.Length > 1 || (overload.Length == 1 && overload[0] is < 1 or > 3)) return false;
        var fields = overload.IsEmpty ? 0 : overload[0];
        error = DhcpError.Truncated;
        if ((fields & 1) != 0 && !read.TryReadField(packet[DhcpCodec.FileOffset..DhcpCodec.CookieOffset])) return false;
        if ((fields & 2) != 0 && !read.TryReadField(packet[DhcpCodec.NameOffset..DhcpCodec.FileOffset])) return false;
        error = DhcpError.None;
        table = read;
        return true;
    }

    /// <summary>Empty for an absent option.</summary>
    public ReadOnlySpan<byte> Find(byte code) => values.GetValueOrDefault(code);

    public bool TryGetNumber(byte code, int length, out uint? number)
    {
        number = null;
        var value = Find(code);
        if (value.IsEmpty) return !values.ContainsKey(code);
        if (value.Length != length) return false;
        number = length == 1 ? value[0] : BinaryPrimitives.ReadUInt32BigEndian(value);
        return true;
    }

    /// <summary>Seconds; 0xffffffff is infinity (RFC 2131 3.3).</summary>
    public bool TryGetTime(byte code, out TimeSpan? time)
    {
        var good = TryGetNumber(code, 4, out var seconds);
        time = seconds is null ? null : seconds == uint.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds.Value);
        return good;
    }

    public bool TryGetAddress(byte code, out IPAddress? address)
    {
        var good = TryGetAddresses(code, out var all) && all.Count <= 1;
        address = good && all.Count == 1 ? all[0] : null;
        return good;
    }

    public bool TryGetAddresses(byte code, out IReadOnlyList<IPAddress> addresses)
    {
        var value = Find(code);
        var found = new List<IPAddress>();
        addresses = found;
        if (value.Length % 4 != 0 || (value.IsEmpty && values.ContainsKey(code))) return false;
        for (var at = 0; at < value.Length; at += 4) found.Add(new IPAddress(value.Slice(at, 4)));
        return true;
    }

    private bool TryReadField(ReadOnlySpan<byte> field)
    {
        while (!field.IsEmpty)
        {
            var code = field[0];
            if (code == DhcpOption.End) return true;
            field = field[1..];
            if (code == DhcpOption.Pad) continue;
            if (field.IsEmpty || field.Length < 1 + field[0]) return false;
            var value = field.Slice(1, field[0]);
            values[code] = values.TryGetValue(code, out var before) ? [.. before, .. value] : value.ToArray();
            field = field[(1 + value.Length)..];
        }
        return false;
    }
}
