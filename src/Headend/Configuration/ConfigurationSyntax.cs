using System.Runtime.InteropServices;

namespace Headend.Configuration;

/// <summary>What may stand behind a key.</summary>
internal abstract record ConfigurationSyntax
{
    /// <summary>One or two words for messages and the reference.</summary>
    public abstract string Name { get; }
}

/// <summary>One scalar. <see cref="Read"/> gives the typed value or, with a null value, what is wrong.</summary>
internal sealed record ScalarSyntax(string ShortName, Func<string, ScalarOutcome> Read) : ConfigurationSyntax
{
    public override string Name => ShortName;

    /// <summary>Type in the JSON Schema.</summary>
    public string JsonType { get; init; } = "string";

    /// <summary>Regular expression in the JSON Schema, where the syntax has one.</summary>
    public string? Pattern { get; init; }

    public long? Minimum { get; init; }

    public long? Maximum { get; init; }

    /// <summary>The words allowed, where they are a closed set.</summary>
    public IReadOnlyList<string>? Words { get; init; }
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct ScalarOutcome(object? Value, string? Problem)
{
    public static ScalarOutcome Good(object value) => new(value, null);

    public static ScalarOutcome Bad(string problem) => new(null, problem);
}

/// <summary>A list of the same thing.</summary>
internal sealed record ListSyntax(ConfigurationSyntax Item, int Minimum = 0, int Maximum = 1000) : ConfigurationSyntax
{
    public override string Name => "list of " + Item.Name;
}

/// <summary>Keys and values.</summary>
internal sealed record SectionSyntax(params ConfigurationKey[] Keys) : ConfigurationSyntax
{
    public override string Name => "section";

    /// <summary>A check over several keys; runs whatever else was wrong, so it looks only at what is there.</summary>
    public Action<SectionValue, DiagnosticStore>? Check { get; init; }
}

/// <summary>One key of the configuration: the only place that says its name, syntax, default and meaning.</summary>
internal sealed record ConfigurationKey(string Name, ConfigurationSyntax Syntax, string Doc)
{
    /// <summary>YAML text that stands for an absent key; null leaves the value absent.</summary>
    public string? Default { get; init; }

    public bool Required { get; init; }

    /// <summary>The value is a new name of this kind; each may be declared once.</summary>
    public string? Declares { get; init; }

    /// <summary>What is declared may be declared again: entries of one name belong together.</summary>
    public bool MayRepeat { get; init; }

    /// <summary>Each value must have been declared as a name of this kind.</summary>
    public string? RefersTo { get; init; }

    /// <summary>The value goes to a parser of the leaf that owns its grammar.</summary>
    public Func<ConfigurationRules, Func<string, string?>>? Rule { get; init; }
}

/// <summary>A value that passed its syntax, with its place.</summary>
/// <param name="Value">A scalar's typed value, a list of <see cref="ConfigurationValue"/>, or a <see cref="SectionValue"/>.</param>
/// <param name="At">Place in the file.</param>
internal sealed record ConfigurationValue(object Value, SourcePosition At);

/// <summary>The keys of one section that passed their syntax.</summary>
internal sealed class SectionValue(SourcePosition at, bool written)
{
    private readonly Dictionary<string, ConfigurationValue> values = [];
    private readonly HashSet<string> rejected = [];

    public SourcePosition At { get; } = at;

    /// <summary>False for a section that holds defaults only.</summary>
    public bool Written { get; } = written;

    public ConfigurationValue? Find(string key) => values.GetValueOrDefault(key);

    public void Set(string key, ConfigurationValue value) => values[key] = value;

    public bool Has(string key) => values.ContainsKey(key);

    /// <summary>The key was written, with a value that did not pass.</summary>
    public void Reject(string key) => rejected.Add(key);

    public bool IsRejected(string key) => rejected.Contains(key);

    public SourcePosition PlaceOf(string key) => Find(key)?.At ?? At;

    /// <summary>The typed value; only for keys that are required or have a default.</summary>
    public T Get<T>(string key) => (T)values[key].Value;

    public T? GetOptional<T>(string key)
        where T : class => Find(key)?.Value as T;

    public T? GetOptionalValue<T>(string key)
        where T : struct => Find(key)?.Value is T value ? value : null;

    public SectionValue Section(string key) => Get<SectionValue>(key);

    public IReadOnlyList<T> List<T>(string key) => [.. Items(key).Select(i => (T)i.Value)];

    public IReadOnlyList<ConfigurationValue> Items(string key) => Find(key)?.Value as IReadOnlyList<ConfigurationValue> ?? [];

    public IEnumerable<SectionValue> Sections(string key) => Items(key).Select(i => i.Value).OfType<SectionValue>();
}
