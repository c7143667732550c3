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
    public static bool TryParse(string command, [NotNullWhen(true)] out InterfaceConfigChange? change, [NotNullWhen(false)] out InterfaceCommandFailure? failure)
    {
        change = null;
        if (command.Length > MaximumLength)
        {
            failure = new InterfaceCommandFailure(command[..40] + "...", "", $"longer than {MaximumLength} characters");
            return false;
        }

        var tokens = command.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var negated = tokens.Length > 0 && Is(tokens[0], "no");
        var words = negated ? tokens.AsSpan(1) : tokens.AsSpan();
        if (words.IsEmpty)
        {
            failure = new InterfaceCommandFailure(command, "", "empty command");
            return false;
        }

        var (row, matched) = Find(words);
        if (row is null)
        {
            failure = Unknown(command, words, matched);
            return false;
        }

        return negated ? TryNegate(command, row, words, out change, out failure) : TryArgument(command, row, words, out change, out failure);
    }

    private static bool TryArgument(
        string command, InterfaceCommand row, ReadOnlySpan<string> words, [NotNullWhen(true)] out InterfaceConfigChange? change, [NotNullWhen(false)] out InterfaceCommandFailure? failure)
    {
        change = null;
        var arguments = words[row.Keywords.Length..];
        if (arguments.IsEmpty)
        {
            failure = new InterfaceCommandFailure(command, "", $"incomplete, expected {row.Grammar}");
            return false;
        }

        if (arguments.Length > 1 && !row.TakesRest)
        {
            failure = new InterfaceCommandFailure(command, arguments[1], $"unexpected, expected {row.Grammar}");
            return false;
        }

        var argument = string.Join(' ', arguments);
        var (parsed, reason) = row.Parse(argument, $"{string.Join(' ', row.Keywords)} {argument}");
        change = parsed;
        failure = parsed is null ? new InterfaceCommandFailure(command, argument, reason ?? "refused") : null;
        return parsed is not null;
    }

    /// <summary>The <c>no</c> form takes the keywords alone, or a valid argument that it disregards.</summary>
    private static bool TryNegate(
        string command, InterfaceCommand row, ReadOnlySpan<string> words, [NotNullWhen(true)] out InterfaceConfigChange? change, [NotNullWhen(false)] out InterfaceCommandFailure? failure)
    {
        change = null;
        if (words.Length > row.Keywords.Length && !TryArgument(command, row, words, out _, out failure)) return false;
        change = row.Remove;
        failure = null;
        return true;
    }

    private static (InterfaceCommand? Row, int Matched) Find(ReadOnlySpan<string> words)
    {
        var best = 0;
        foreach (var row in InterfaceCommandTable.Rows)
        {
            var matched = 0;
            while (matched < row.Keywords.Length && matched < words.Length && Is(words[matched], row.Keywords[matched])) matched++;
            if (matched == row.Keywords.Length) return (row, matched);
            best = Math.Max(best, matched);
        }

        return (null, best);
    }

    private static InterfaceCommandFailure Unknown(string command, ReadOnlySpan<string> words, int matched) =>
        matched < words.Length
            ? new InterfaceCommandFailure(command, words[matched], "unknown command")
            : new InterfaceCommandFailure(command, "", "incomplete command");

    private static bool Is(string token, string keyword) => string.Equals(token, keyword, StringComparison.OrdinalIgnoreCase);
}
