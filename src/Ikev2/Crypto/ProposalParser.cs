using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Crypto;

/// <summary>Reads proposals in the notation of swanctl.conf: keywords joined by hyphens, such as aes256gcm16-prfsha384-ecp384.</summary>
public static class ProposalParser
{
    /// <summary>Reads a proposal for IKE SAs. Without a PRF keyword the integrity keywords name the PRFs.</summary>
    /// <param name="text">Configured text.</param>
    /// <param name="proposal">Result.</param>
    /// <param name="error">What is wrong, naming the keyword.</param>
    public static bool TryParseIke(string text, [NotNullWhen(true)] out IkeProposal? proposal, [NotNullWhen(false)] out string? error)
    {
        proposal = null;
        if (!TryRead(text, out var words, out error))
            return false;

        if (words.Prf.Count == 0)
            words.Prf.AddRange(words.Integrity.SelectMany(i => AlgorithmTable.Prf.Where(p => p.Function == i.Function)));

        if (words.Prf.Count == 0)
            error = $"'{text}': no PRF named (prfsha256, prfsha384, prfsha512)";
        else if (words.NoGroup)
            error = $"'{text}': 'none' is no key exchange group for an IKE SA";
        else if (words.KeyExchange.Count == 0)
            error = $"'{text}': no key exchange group named (such as x25519, ecp256, modp2048)";
        else if (words.Esn.Count > 0)
            error = $"'{text}': 'esn' and 'noesn' are for CHILD_SAs, whose packets have sequence numbers";
        else if (words.Encryption.Find(e => e.IsEspOnly) is { } espOnly)
            error = $"'{text}': '{espOnly}' is for CHILD_SAs only, as it does not encrypt";
        if (error is not null)
            return false;

        // An integrity keyword beside an AEAD only names the PRF.
        proposal = new IkeProposal(text, words.Encryption, words.Encryption[0].IsAead ? [] : words.Integrity, words.Prf, words.KeyExchange);
        return true;
    }

    /// <summary>Reads a proposal for CHILD_SAs. Groups are optional; so are "esn" and "noesn", of which the first named is preferred, and "esn" where neither is; "none" beside groups is accepted and changes nothing.</summary>
    /// <param name="text">Configured text.</param>
    /// <param name="proposal">Result.</param>
    /// <param name="error">What is wrong, naming the keyword.</param>
    public static bool TryParseEsp(string text, [NotNullWhen(true)] out EspProposal? proposal, [NotNullWhen(false)] out string? error)
    {
        proposal = null;
        if (!TryRead(text, out var words, out error))
            return false;

        if (words.Prf.Count > 0)
            error = $"'{text}': '{words.Prf[0]}' is a PRF, which a CHILD_SA does not negotiate";
        else if (words.Encryption[0].IsAead && words.Integrity.Count > 0)
            error = $"'{text}': '{words.Integrity[0]}' does not go with the AEAD '{words.Encryption[0]}'";
        if (error is not null)
            return false;

        proposal = new EspProposal(text, words.Encryption, words.Integrity, words.KeyExchange);
        if (words.Esn.Count > 0)
            proposal = proposal with { Esn = words.Esn };
        return true;
    }

    /// <exception cref="FormatException">The text is not a proposal.</exception>
    public static IkeProposal ParseIke(string text) => TryParseIke(text, out var proposal, out var error) ? proposal : throw new FormatException(error);

    /// <exception cref="FormatException">The text is not a proposal.</exception>
    public static EspProposal ParseEsp(string text) => TryParseEsp(text, out var proposal, out var error) ? proposal : throw new FormatException(error);

    private static bool TryRead(string text, out Words words, [NotNullWhen(false)] out string? error)
    {
        words = new Words();
        error = null;
        foreach (var word in text.Split('-', StringSplitOptions.TrimEntries))
        {
            if (!words.TryAdd(word))
            {
                error = $"'{text}': unknown algorithm '{word}'";
                return false;
            }
        }

        var first = words.Encryption.FirstOrDefault();
        if (first is null)
            error = $"'{text}': no encryption algorithm named";
        else if (words.Encryption.Find(e => e.IsAead != first.IsAead) is { } odd)
            error = $"'{text}': '{odd}' and '{first}' cannot stand in one proposal, as only one of them is an AEAD";
        else if (!first.IsAead && words.Integrity.Count == 0)
            error = $"'{text}': '{first}' needs an integrity algorithm (sha256, sha384, sha512)";
        return error is null;
    }

    private sealed class Words
    {
        public List<EncryptionAlgorithm> Encryption { get; } = [];

        public List<IntegrityAlgorithm> Integrity { get; } = [];

        public List<PrfAlgorithm> Prf { get; } = [];

        public List<KeyExchangeMethod> KeyExchange { get; } = [];

        public List<bool> Esn { get; } = [];

        public bool NoGroup { get; private set; }

        public bool TryAdd(string word)
        {
            if (AlgorithmTable.TryFindEncryption(word, out var encryption))
                AddOnce(Encryption, encryption);
            else if (AlgorithmTable.TryFindIntegrity(word, out var integrity))
                AddOnce(Integrity, integrity);
            else if (AlgorithmTable.TryFindPrf(word, out var prf))
                AddOnce(Prf, prf);
            else if (AlgorithmTable.TryFindKeyExchange(word, out var group))
                AddOnce(KeyExchange, group);
            else if (string.Equals(word, "esn", StringComparison.OrdinalIgnoreCase) || string.Equals(word, "noesn", StringComparison.OrdinalIgnoreCase))
                AddOnce(Esn, word.Length == "esn".Length);
            else if (string.Equals(word, "none", StringComparison.OrdinalIgnoreCase))
                NoGroup = true;
            else
                return false;
            return true;
        }

        private static void AddOnce<T>(List<T> list, T item)
        {
            if (!list.Contains(item))
                list.Add(item);
        }
    }
}
