using System.Text;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Proposals as one line, received and configured side by side, for the operator.</summary>
internal static class ProposalText
{
    private const int MostProposals = 6;

    /// <summary>Of what a stranger offers: one proposal may have a hundred transforms, and the line is kept until the login is through.</summary>
    private const int MostCharacters = 1000;

    public static string Describe(IReadOnlyList<Proposal> proposals)
    {
        var text = new StringBuilder();
        for (var i = 0; i < proposals.Count && i < MostProposals; i++)
        {
            if (i > 0)
                text.Append(", ");
            for (var j = 0; j < proposals[i].Transforms.Count; j++)
            {
                var transform = proposals[i].Transforms[j];
                text.Append(j > 0 ? "/" : "").Append(Name(transform));
                if (text.Length > MostCharacters)
                    return text.Append(" ...").ToString();
            }
        }

        if (proposals.Count > MostProposals)
            text.Append(", and ").Append(proposals.Count - MostProposals).Append(" more");
        return text.ToString();
    }

    public static string Describe(IReadOnlyList<IkeProposal> proposals) => string.Join(", ", proposals);

    public static string Describe(IReadOnlyList<EspProposal> proposals) => string.Join(", ", proposals);

    private static string Name(in Transform transform)
    {
        var id = transform.Id;
        var bits = transform.KeyLengthBits;
        string? keyword = null;
        if (transform.Type == TransformType.Encryption)
            keyword = AlgorithmTable.TryFindEncryption(id, bits, out var encryption) ? encryption.Keyword : null;
        else if (transform.Type == TransformType.Prf)
            keyword = AlgorithmTable.TryFindPrf(id, out var prf) ? prf.Keyword : null;
        else if (transform.Type == TransformType.Integrity)
            keyword = AlgorithmTable.TryFindIntegrity(id, out var integrity) ? integrity.Keyword : null;
        else if (transform.Type == TransformType.KeyExchange)
            keyword = AlgorithmTable.TryFindKeyExchange(id, out var method) ? method.Keyword : null;
        return keyword ?? (bits == 0 ? $"{transform.Type}:{id}" : $"{transform.Type}:{id}-{bits}");
    }
}
