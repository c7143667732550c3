using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Headend.Configuration;

/// <summary>The scalars of the configuration: how each is written and what it gives.</summary>
internal static partial class ScalarTable
{
    private const string NamePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

    /// <summary>Longest text anywhere; names, paths and passwords stay far below.</summary>
    private const int MaximumText = 1024;

    /// <summary>Bits per second: what the kernel's htb takes without rounding to nothing, and more than any line.</summary>
    private const long MinimumRate = 8_000, MaximumRate = 100_000_000_000;

    /// <summary>Gives a string that other keys may refer to.</summary>
    public static ScalarSyntax Name { get; } = new("name", text => NameRegex().IsMatch(text)
        ? ScalarOutcome.Good(text)
        : Bad(text, "a name of letters, digits, '.', '_' and '-', at most 64"))
    { Pattern = NamePattern };

    public static ScalarSyntax Text { get; } = new("text", ReadText);

    public static ScalarSyntax Boolean { get; } = new("boolean", text => text switch
    {
        "true" => ScalarOutcome.Good(true),
        "false" => ScalarOutcome.Good(false),
        _ => Bad(text, "true or false"),
    })
    { JsonType = "boolean" };

    /// <summary>Gives an absolute path; a relative one is resolved later against the file in which it stands.</summary>
    public static ScalarSyntax Path { get; } = new("path", ReadText);

    public static ScalarSyntax Address { get; } = new("address", text => IPAddress.TryParse(text, out var address) && IsWritten(text)
        ? ScalarOutcome.Good(address)
        : Bad(text, "an IPv4 or IPv6 address"));

    public static ScalarSyntax EndPoint { get; } = new("address and port", text =>
        IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port > 0 && text.Contains(':')
            ? ScalarOutcome.Good(endPoint)
            : Bad(text, "an address and a port such as 127.0.0.1:9464"));

    public static ScalarSyntax HttpUrl { get; } = new("URL", text =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? ScalarOutcome.Good(uri)
            : Bad(text, "a URL that begins with http:// or https://"));

    public static ScalarSyntax Prefix { get; } = new("prefix", text => TryReadPrefix(text, out var network, out var problem)
        ? ScalarOutcome.Good(network)
        : ScalarOutcome.Bad(problem));

    /// <summary>Gives an <see cref="AddressRange"/>.</summary>
    public static ScalarSyntax Range { get; } = new("prefix or range", ReadRange);

    /// <summary>Gives an <see cref="AddressRange"/>, of one address too.</summary>
    public static ScalarSyntax AddressOrRange { get; } = new("address, prefix or range", text =>
        IPAddress.TryParse(text, out var address) && IsWritten(text) ? ScalarOutcome.Good(new AddressRange(address, address, Prefix: null)) : ReadRange(text));

    /// <summary>Gives an <see cref="AaaMethodOptions"/>.</summary>
    public static ScalarSyntax Method { get; } = new("method", text => text switch
    {
        "local" => ScalarOutcome.Good(new AaaMethodOptions(Group: null)),
        _ when text.StartsWith("group ", StringComparison.Ordinal) && NameRegex().IsMatch(text[6..].Trim()) =>
            ScalarOutcome.Good(new AaaMethodOptions(text[6..].Trim())),
        _ => Bad(text, "'local' or 'group NAME'"),
    })
    { Pattern = "^(local|group +[A-Za-z0-9][A-Za-z0-9._-]{0,63})$" };

    /// <summary>A method that takes records; the local method has nowhere to put them.</summary>
    public static ScalarSyntax AccountingMethod { get; } = new("method", text =>
        text == "local" ? Bad(text, "'group NAME': the local method keeps no accounting") : Method.Read(text))
    { Pattern = "^group +[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" };

    /// <summary>Gives a string. A prefix with host bits is taken for a slip here, other than in attributes of a server.</summary>
    public static ScalarSyntax RouteSet { get; } = new("route", text =>
        text.StartsWith("prefix ", StringComparison.Ordinal) && Prefix.Read(text[7..].Trim()) is { Problem: { } problem }
            ? ScalarOutcome.Bad(problem)
            : ReadText(text))
    { Pattern = "^(prefix|remote|interface|access-list|local)( .*)?$" };

    /// <summary>Gives an <see cref="Ikev2.IdentityMatch"/>.</summary>
    public static ScalarSyntax IdentityPattern { get; } = new("identity pattern", IdentityTable.ReadPattern)
    { Pattern = "^(any|(fqdn|fqdn-domain|email|email-domain|key-id|address|dn) +[^ ].*)$" };

    /// <summary>Gives an <see cref="Ikev2.IkeIdentity"/>.</summary>
    public static ScalarSyntax LocalIdentity { get; } = new("identity", IdentityTable.ReadLocal)
    { Pattern = "^(fqdn|email|key-id|address|dn) +[^ ].*$" };

    /// <summary>Gives an int.</summary>
    public static ScalarSyntax Integer(int minimum, int maximum) => new("integer", text =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
            ? ScalarOutcome.Good(number)
            : Bad(text, $"an integer from {minimum} to {maximum}"))
    { JsonType = "integer", Minimum = minimum, Maximum = maximum };

    public static ScalarSyntax Port { get; } = Integer(1, 65535);

    /// <summary>Gives a TimeSpan.</summary>
    public static ScalarSyntax Duration(string minimum, string maximum)
    {
        var (least, most) = (ReadDuration(minimum)!.Value, ReadDuration(maximum)!.Value);
        return new($"duration {minimum}..{maximum}", text => ReadDuration(text) switch
        {
            null => Bad(text, "a duration such as 90s, 30m, 8h or 1d"),
            { } duration when duration < least || duration > most => Bad(text, $"a duration from {minimum} to {maximum}"),
            { } duration => ScalarOutcome.Good(duration),
        })
        { Pattern = "^[0-9]+(s|m|h|d)$" };
    }

    /// <summary>Gives a long in octets.</summary>
    public static ScalarSyntax Size(string minimum)
    {
        var least = ReadSize(minimum)!.Value;
        return new("size", text => ReadSize(text) switch
        {
            null => Bad(text, "a size such as 10MB (B, kB, MB, GB, TB in powers of 1000)"),
            { } size when size < least => Bad(text, $"a size of at least {minimum}"),
            { } size => ScalarOutcome.Good(size),
        })
        { Pattern = "^[0-9]+(B|kB|MB|GB|TB)$" };
    }

    /// <summary>A rate's syntax, for patterns of scalars that hold one.</summary>
    internal const string RatePattern = "[0-9]+(bit|kbit|Mbit|Gbit)";

    internal const string RateText = "a rate such as 2Mbit (bit, kbit, Mbit, Gbit in powers of 1000) from 8kbit to 100Gbit";

    /// <summary>Gives a long in bits per second.</summary>
    public static ScalarSyntax Rate { get; } = new("rate", text => ReadRate(text) is { } rate ? ScalarOutcome.Good(rate) : Bad(text, RateText))
    { Pattern = $"^{RatePattern}$" };

    /// <summary>Gives a long in octets; <c>none</c> gives 0.</summary>
    public static ScalarSyntax SizeOrNone(string minimum)
    {
        var least = ReadSize(minimum)!.Value;
        return new("size", text => text == "none" ? ScalarOutcome.Good(0L) : ReadSize(text) switch
        {
            null => Bad(text, "a size such as 10MB (B, kB, MB, GB, TB in powers of 1000) or 'none'"),
            { } size when size < least => Bad(text, $"a size of at least {minimum}, or 'none'"),
            { } size => ScalarOutcome.Good(size),
        })
        { Pattern = "^(none|[0-9]+(B|kB|MB|GB|TB))$" };
    }

    /// <summary>Gives the value beside the word.</summary>
    public static ScalarSyntax Word<T>(params (string Word, T Value)[] words)
        where T : struct, Enum
    {
        var all = words.Select(w => w.Word).ToList();
        return new("word", text =>
        {
            foreach (var (word, value) in words)
                if (word == text)
                    return ScalarOutcome.Good(value);
            return Bad(text, "one of " + string.Join(", ", all));
        })
        { Words = all };
    }

    internal static ScalarOutcome Bad(string text, string expected) => ScalarOutcome.Bad($"'{Shown.Text(text)}' is not {expected}");

    internal static TimeSpan? ReadDuration(string text)
    {
        if (text.Length < 2 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        // A century bounds the product long before TimeSpan overflows.
        if (count > 3_155_760_000)
            return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' when count <= 52_596_000 => TimeSpan.FromMinutes(count),
            'h' when count <= 876_600 => TimeSpan.FromHours(count),
            'd' when count <= 36_525 => TimeSpan.FromDays((int)count),
            _ => null,
        };
    }

    internal static long? ReadSize(string text)
    {
        var match = SizeRegex().Match(text);
        if (!match.Success || !long.TryParse(match.Groups["count"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        var unit = match.Groups["unit"].Value switch { "B" => 1L, "kB" => 1_000, "MB" => 1_000_000, "GB" => 1_000_000_000, _ => 1_000_000_000_000 };
        return count <= long.MaxValue / unit ? count * unit : null;
    }

    internal static long? ReadRate(string text)
    {
        var match = RateRegex().Match(text);
        if (!match.Success || !long.TryParse(match.Groups["count"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        var unit = match.Groups["unit"].Value switch { "bit" => 1L, "kbit" => 1_000, "Mbit" => 1_000_000, _ => 1_000_000_000 };
        return count <= MaximumRate / unit && count * unit >= MinimumRate ? count * unit : null;
    }

    internal static bool TryReadPrefix(string text, out IPNetwork network, out string problem)
    {
        problem = "";
        var slash = text.IndexOf('/');
        var hasAddress = IPAddress.TryParse(text.AsSpan(0, Math.Max(slash, 0)), out var address);
        // IPNetwork clears host bits in silence; here they are taken for a slip.
        if (IPNetwork.TryParse(text, out network) && network.BaseAddress.Equals(address) && IsWritten(text))
            return true;
        if (hasAddress && address is not null && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, null, out var length)
            && length <= address.GetAddressBytes().Length * 8)
        {
            problem = $"'{Shown.Text(text)}' has bits set after its prefix length; meant is perhaps {Masked(address, length)}/{length}";
            return false;
        }
        problem = $"'{Shown.Text(text)}' is not a prefix such as 10.10.0.0/24";
        return false;
    }

    private static IPAddress Masked(IPAddress address, int length)
    {
        var octets = address.GetAddressBytes();
        for (var bit = length; bit < octets.Length * 8; bit++)
            octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPAddress(octets);
    }

    private static ScalarOutcome ReadText(string text)
    {
        if (text.Length is 0 or > MaximumText)
            return Bad(text, $"a text of 1 to {MaximumText} characters");
        return text.Any(char.IsControl) ? Bad(text, "free of control characters") : ScalarOutcome.Good(text);
    }

    private static ScalarOutcome ReadRange(string text)
    {
        if (text.Contains('/'))
        {
            return TryReadPrefix(text, out var network, out var problem)
                ? ScalarOutcome.Good(AddressRange.Of(network))
                : ScalarOutcome.Bad(problem);
        }
        var parts = text.Split('-', 2, StringSplitOptions.TrimEntries);
        if (parts.Length != 2 || !IPAddress.TryParse(parts[0], out var first) || !IPAddress.TryParse(parts[1], out var last)
            || first.AddressFamily != last.AddressFamily || !IsWritten(parts[0]) || !IsWritten(parts[1]))
        {
            return Bad(text, "a prefix such as 10.99.0.0/16 or a range such as 10.99.0.10-10.99.0.99");
        }
        return first.GetAddressBytes().AsSpan().SequenceCompareTo(last.GetAddressBytes()) > 0
            ? ScalarOutcome.Bad($"the range '{Shown.Text(text)}' ends before it begins")
            : ScalarOutcome.Good(new AddressRange(first, last, Prefix: null));
    }

    // IPAddress takes "1" for 0.0.0.1 and "::1%eth0" for a scoped address.
    internal static bool IsWritten(string text) => !text.Contains('%') && (text.Contains(':') || text.Count(c => c == '.') == 3);

    [GeneratedRegex(NamePattern, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NameRegex();

    [GeneratedRegex("^(?<count>[0-9]{1,12})(?<unit>bit|kbit|Mbit|Gbit)$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RateRegex();

    [GeneratedRegex("^(?<count>[0-9]{1,18})(?<unit>B|kB|MB|GB|TB)$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SizeRegex();
}

/// <summary>Addresses from first to last, both included.</summary>
internal sealed record AddressRange(IPAddress First, IPAddress Last, IPNetwork? Prefix)
{
    public AddressFamily Family => First.AddressFamily;

    public static AddressRange Of(IPNetwork network)
    {
        var last = network.BaseAddress.GetAddressBytes();
        for (var bit = network.PrefixLength; bit < last.Length * 8; bit++)
            last[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return new AddressRange(network.BaseAddress, new IPAddress(last), network);
    }

    public bool Overlaps(AddressRange other) =>
        Family == other.Family && Compare(First, other.Last) <= 0 && Compare(other.First, Last) <= 0;

    public override string ToString() => Prefix?.ToString() ?? (First.Equals(Last) ? First.ToString() : $"{First}-{Last}");

    private static int Compare(IPAddress a, IPAddress b) => a.GetAddressBytes().AsSpan().SequenceCompareTo(b.GetAddressBytes());
}
