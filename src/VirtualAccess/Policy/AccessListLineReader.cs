using System.Globalization;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Policy;

/// <summary>The words of one line of an access list, taken one by one. The first error stands.</summary>
internal sealed class AccessListLineReader(string line)
{
    /// <summary>IOS's bound on the ports behind one eq or neq.</summary>
    private const int MaximumPorts = 10;

    private readonly string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    private int position;

    public string? Error { get; private set; }

    public bool AtEnd => position >= words.Length;

    /// <summary>The next word; empty at the end.</summary>
    public string Peek => AtEnd ? "" : words[position];

    /// <summary>What is left, one blank between words.</summary>
    public string Rest => string.Join(' ', words.Skip(position));

    public bool Fail(string error)
    {
        Error ??= error;
        return false;
    }

    public void Skip() => position++;

    public string Take() => AtEnd ? "" : words[position++];

    public bool TryTake(string keyword)
    {
        if (!Peek.Equals(keyword, StringComparison.OrdinalIgnoreCase)) return false;
        position++;
        return true;
    }

    public bool TryNumber(ushort maximum, out ushort number)
    {
        if (!ushort.TryParse(Peek, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number > maximum) return false;
        position++;
        return true;
    }

    /// <summary>"any" (null), "host A", "A/L", "range A B", "A WILDCARD", or "A" alone.</summary>
    public bool TryAddress(out AddressMatch? match)
    {
        match = null;
        if (AtEnd) return Fail("incomplete: an address is missing");
        if (TryTake("any")) return true;
        if (TryTake("range")) return TryRange(out match);
        var isHost = TryTake("host");
        if (AtEnd) return Fail("incomplete: an address is missing");
        var word = Take();
        if (!isHost && word.Contains('/', StringComparison.Ordinal))
        {
            if (!AddressMatch.TryParsePrefix(word, out match)) return Fail($"'{word}' is no prefix");
            // 0.0.0.0/0 and ::/0 still say their family.
            return true;
        }

        if (!AddressMatch.TryParseHost(word, out var address)) return Fail($"'{word}' is no address");
        match = AddressMatch.Of(address);
        if (isHost || address.AddressFamily != AddressFamily.InterNetwork || !AddressMatch.TryParseHost(Peek, out var wildcard)) return true;
        if (wildcard.AddressFamily != AddressFamily.InterNetwork) return true;
        position++;
        match = AddressMatch.Of(address, wildcard);
        return true;
    }

    /// <summary>Nothing (null), or eq, neq, lt, gt, range and ports.</summary>
    public bool TryPorts(out PortMatch? match)
    {
        match = null;
        var word = Peek.ToLowerInvariant();
        if (word is not ("eq" or "neq" or "lt" or "gt" or "range")) return true;
        position++;
        if (word is "eq" or "neq") return TryPortList(word, out match);
        if (!AccessListKeywordTable.TryPort(Peek, out var first)) return Fail($"'{word} {Peek}': no port");
        position++;
        if (word == "range")
        {
            if (!AccessListKeywordTable.TryPort(Peek, out var last)) return Fail($"'{word} {first} {Peek}': no port");
            position++;
            if (last < first) return Fail($"'range {first} {last}' is no range");
            match = new PortMatch([new PortRange(first, last)]);
            return true;
        }

        if (first == (word == "lt" ? 0 : ushort.MaxValue)) return Fail($"'{word} {first}' is no port");
        match = new PortMatch([word == "lt" ? new PortRange(0, (ushort)(first - 1)) : new PortRange((ushort)(first + 1), ushort.MaxValue)]);
        return true;
    }

    private bool TryPortList(string word, out PortMatch? match)
    {
        match = null;
        var ports = new List<PortRange>();
        while (!AtEnd && AccessListKeywordTable.TryPort(Peek, out var port))
        {
            ports.Add(new PortRange(port, port));
            position++;
        }

        if (ports.Count == 0) return Fail($"'{word} {Peek}': no port");
        if (ports.Count > MaximumPorts) return Fail($"more than {MaximumPorts} ports behind '{word}'");
        match = new PortMatch([.. ports.Distinct()], word == "neq");
        return true;
    }

    private bool TryRange(out AddressMatch? match)
    {
        match = null;
        var (from, to) = (Take(), Take());
        if (!AddressMatch.TryParseHost(from, out var first) || !AddressMatch.TryParseHost(to, out var last)) return Fail($"'range {from} {to}' is no range of addresses");
        return AddressMatch.TryRange(first, last, out match) || Fail($"'range {from} {to}' is no range of addresses");
    }
}
