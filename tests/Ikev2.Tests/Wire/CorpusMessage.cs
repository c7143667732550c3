using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>
/// A recorded message: a whole datagram, or, when <paramref name="First"/> is set, the payloads that were inside a protected one.
/// Files hold a comment line, "first N" where it applies, and hex.
/// </summary>
public sealed record CorpusMessage(string Name, PayloadType? First, byte[] Octets)
{
    public static IReadOnlyList<CorpusMessage> All { get; } = Load();

    public bool IsResponse => Name.EndsWith("-response", StringComparison.Ordinal);

    public ExchangeType Exchange =>
        Name.Contains("ike-sa-init", StringComparison.Ordinal) ? ExchangeType.IkeSaInit
        : Name.Contains("ike-auth", StringComparison.Ordinal) ? ExchangeType.IkeAuth
        : Name.Contains("create-child-sa", StringComparison.Ordinal) ? ExchangeType.CreateChildSa
        : ExchangeType.Informational;

    public static CorpusMessage Get(string name) => All.Single(message => string.Equals(message.Name, name, StringComparison.Ordinal));

    public bool TryParse(ReadOnlyMemory<byte> octets, out IReadOnlyList<IkePayload> payloads, out WireError error)
    {
        payloads = [];
        if (First is { } first)
        {
            if (!PayloadChain.TryParse(first, octets, out IkePayload[]? inner, out error)) return false;
            payloads = inner;
            return true;
        }
        if (!IkeHeader.TryRead(octets.Span, out IkeHeader header, out error)
            || !UnprotectedMessage.TryParse(octets, header, out IkeMessage? message, out error))
            return false;
        payloads = message.Payloads;
        return true;
    }

    public IReadOnlyList<IkePayload> Parse()
    {
        Assert.True(TryParse(Octets, out IReadOnlyList<IkePayload> payloads, out WireError error), $"{Name}: {error}");
        return payloads;
    }

    public override string ToString() => Name;

    private static List<CorpusMessage> Load()
    {
        var messages = new List<CorpusMessage>();
        foreach (string file in Directory.GetFiles(RepositoryFolders.Corpus, "*.hex").Order(StringComparer.Ordinal))
        {
            string[] lines = File.ReadAllLines(file);
            string? first = lines.FirstOrDefault(line => line.StartsWith("first ", StringComparison.Ordinal));
            string hex = string.Concat(lines.Where(line => line.Length > 0 && Uri.IsHexDigit(line[0]) && !line.StartsWith("first", StringComparison.Ordinal)));
            PayloadType? type = first is null ? null : new PayloadType(byte.Parse(first.AsSpan(6)));
            messages.Add(new CorpusMessage(Path.GetFileNameWithoutExtension(file), type, Convert.FromHexString(hex)));
        }
        return messages;
    }
}
