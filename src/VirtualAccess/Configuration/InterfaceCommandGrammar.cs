namespace Headend.VirtualAccess.Configuration;

/// <summary>How far a line fits a grammar.</summary>
/// <param name="Arguments">One for each parameter; null when the line does not fit.</param>
/// <param name="Matched">Words that fitted.</param>
/// <param name="Reason">Why the next word, or the end, does not fit; null for an unknown or missing keyword.</param>
/// <param name="Expected">What would fit there, where that is short to say.</param>
internal readonly record struct GrammarMatch(IReadOnlyList<object?>? Arguments, int Matched, string? Reason = null, string? Expected = null)
{
    public string? Explain() => Expected is null ? Reason : $"{Reason}, expected {Expected}";
}

/// <summary>
/// The grammar of one command, compiled from its text: <c>ip route A.B.C.D MASK [metric &lt;1-4294967295&gt;]</c>. Words in lower case are keywords, brackets hold what
/// may be left out and begin with a keyword, TEXT takes the rest of the line.
/// </summary>
internal sealed class InterfaceCommandGrammar
{
    private readonly List<Part> parts = [];
    private readonly int parameters;

    public InterfaceCommandGrammar(string text)
    {
        Text = text;
        var (group, isOpen) = (0, false);
        foreach (var word in text.Split(' '))
        {
            if (word[0] == '[') (group, isOpen) = (group + 1, true);
            var bare = word.Trim('[', ']');
            var parameter = InterfaceParameterTable.Find(bare);
            parts.Add(new Part(bare, parameter, isOpen ? group : 0));
            if (word[^1] == ']') isOpen = false;
        }

        parameters = parts.Count(IsArgument);

        Keywords = [.. parts.TakeWhile(p => p.Parameter is null && p.Group == 0).Select(p => p.Word)];
    }

    public string Text { get; }

    /// <summary>The keywords that it begins with.</summary>
    public IReadOnlyList<string> Keywords { get; }

    /// <summary>Fits a whole line.</summary>
    public GrammarMatch Match(ReadOnlySpan<string> words)
    {
        var arguments = new List<object?>(parameters);
        var at = 0;
        for (var i = 0; i < parts.Count; i++)
        {
            var part = parts[i];
            if (part.Group > 0 && part.Parameter is null && (at == words.Length || !Is(words[at], part.Word)))
            {
                // The whole bracket is left out.
                for (var group = part.Group; i < parts.Count && parts[i].Group == group; i++)
                {
                    if (IsArgument(parts[i])) arguments.Add(null);
                }

                i--;
                continue;
            }

            if (part.Parameter is null)
            {
                if (at == words.Length || !Is(words[at], part.Word)) return Stopped(at, words.Length, part.Word);
                at++;
                if (IsArgument(part)) arguments.Add(true);
                continue;
            }

            if (at == words.Length) return Stopped(at, at, Text);
            var last = part.Parameter.TakesRest ? words.Length : at + 1;
            var (value, reason) = part.Parameter.Read(string.Join(' ', words[at..last]!));
            if (value is null) return new GrammarMatch(null, at, reason);
            arguments.Add(value);
            at = last;
        }

        return at == words.Length ? new GrammarMatch(arguments, at) : new GrammarMatch(null, at, "unexpected", Text);
    }

    /// <summary>Fits the keywords alone, as the <c>no</c> form may be written.</summary>
    public GrammarMatch MatchKeywords(ReadOnlySpan<string> words)
    {
        var at = 0;
        foreach (var part in parts)
        {
            if (part.Parameter is not null || part.Group > 0) continue;
            if (at == words.Length || !Is(words[at], part.Word)) return new GrammarMatch(null, at);
            at++;
        }

        return new GrammarMatch(at == words.Length ? new object?[parameters] : null, at);
    }

    /// <summary>The line as it is shown: keywords in lower case.</summary>
    public string Normalize(ReadOnlySpan<string> words)
    {
        var shown = new List<string>(words.Length);
        foreach (var word in words) shown.Add(word);
        var at = 0;
        foreach (var part in parts)
        {
            if (at == shown.Count || part.Parameter is { TakesRest: true }) break;
            if (part.Parameter is null && !Is(shown[at], part.Word)) continue;
            if (part.Parameter is null) shown[at] = part.Word;
            at++;
        }

        return string.Join(' ', shown);
    }

    /// <summary>A parameter, or a keyword that stands alone in its bracket and says true by being there.</summary>
    private bool IsArgument(Part part) => part.Parameter is not null || (part.Group > 0 && parts.Count(p => p.Group == part.Group) == 1);

    private GrammarMatch Stopped(int at, int length, string keyword) =>
        at < Keywords.Count ? new GrammarMatch(null, at)
        : at == length ? new GrammarMatch(null, at, "incomplete", Text)
        : new GrammarMatch(null, at, "not understood", keyword);

    private static bool Is(string word, string keyword) => string.Equals(word, keyword, StringComparison.OrdinalIgnoreCase);

    /// <param name="Word">The keyword, or the parameter as written.</param>
    /// <param name="Parameter">Null for a keyword.</param>
    /// <param name="Group">0, or the number of its bracket.</param>
    private sealed record Part(string Word, InterfaceParameter? Parameter, int Group);
}
