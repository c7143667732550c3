using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Parses one interface command by the table. Keywords are matched without regard to case, in full.</summary>
public static class InterfaceCommandParser
{
    /// <summary>Longest accepted command in characters: what one RADIUS attribute can hold, and then some.</summary>
    public const int MaximumLength = 512;

    /// <summary>The grammar and help of every command.</summary>
    public static IEnumerable<(string Grammar, string Help)> Help =>
        InterfaceCommandTable.Rows.Select(row => ("[no] " + row.Grammar, row.Help));

    /// <summary>Parses <paramref name="command"/>.</summary>
    /// <returns>False with a <paramref name="failure"/> that names command, token and reason.</returns>
    public static bool TryParse(string command, [NotNullWhen(true)] out InterfaceConfigChange? change, [NotNullWhen(false)] out InterfaceCommandFailure? failure) =>
        TryParse(command, out change, out _, out failure);

    /// <summary>The same; <paramref name="shown"/> is the command as a setting keeps it.</summary>
    internal static bool TryParse(
        string command, [NotNullWhen(true)] out InterfaceConfigChange? change, [NotNullWhen(true)] out string? shown, [NotNullWhen(false)] out InterfaceCommandFailure? failure)
    {
        change = null;
        shown = null;
        failure = null;
        if (command.Length > MaximumLength)
        {
            failure = new InterfaceCommandFailure(command[..40] + "...", "", $"longer than {MaximumLength} characters");
            return false;
        }

        var tokens = command.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var negated = tokens.Length > 0 && string.Equals(tokens[0], "no", StringComparison.OrdinalIgnoreCase);
        var words = negated ? tokens.AsSpan(1) : tokens.AsSpan();
        if (words.IsEmpty)
        {
            failure = new InterfaceCommandFailure(command, "", "empty command");
            return false;
        }

        if (Find(words, negated, out var arguments, out var best) is not { } row)
        {
            failure = Explain(command, words, best);
            return false;
        }

        if ((negated ? null : row.Refusal) is { } refusal)
        {
            failure = new InterfaceCommandFailure(command, "", refusal);
            return false;
        }

        if (row.Check?.Invoke(arguments) is { } reason)
        {
            failure = new InterfaceCommandFailure(command, "", reason);
            return false;
        }

        var action = negated ? row.Remove : row.Set;
        var text = row.Syntax.Normalize(words);
        shown = text;
        change = (config, origin, notes) => action(config, new InterfaceCommandCall(arguments, text, origin, notes));
        return true;
    }

    /// <summary>The row that a line fits; else what came furthest.</summary>
    private static InterfaceCommand? Find(ReadOnlySpan<string> words, bool negated, out IReadOnlyList<object?> arguments, out GrammarMatch best)
    {
        arguments = [];
        best = default;
        foreach (var row in InterfaceCommandTable.Rows)
        {
            var match = row.Syntax.Match(words);
            if (match.Arguments is null && negated && row.Syntax.MatchKeywords(words) is { Arguments: not null } bare) match = bare;
            if (match.Arguments is { } found)
            {
                arguments = found;
                return row;
            }

            if (match.Matched > best.Matched || (match.Matched == best.Matched && match.Reason is not null)) best = Join(best, match);
        }

        return null;
    }

    /// <summary>Of rows that came equally far, each one's expectation is named.</summary>
    private static GrammarMatch Join(GrammarMatch best, GrammarMatch match) =>
        match.Matched > best.Matched || best.Reason is null ? match
        : best.Reason == match.Reason && match.Expected is not null ? best with { Expected = $"{best.Expected} or {match.Expected}" }
        : best;

    private static InterfaceCommandFailure Explain(string command, ReadOnlySpan<string> words, GrammarMatch best) =>
        best.Matched < words.Length
            ? new InterfaceCommandFailure(command, words[best.Matched], best.Explain() ?? "unknown command")
            : new InterfaceCommandFailure(command, "", best.Explain() ?? "incomplete command");
}
