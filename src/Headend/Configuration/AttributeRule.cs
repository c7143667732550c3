using Headend.Aaa.Authorization;

namespace Headend.Configuration;

/// <summary>Checks attributes of the configuration: stricter than those of a server, whose bad convenience costs no login; the administrator's own is a slip.</summary>
internal sealed class AttributeRule : IProfileObserver
{
    private string? problem;

    private AttributeRule()
    {
    }

    /// <summary>What is wrong with a list of NAME=VALUE, or null.</summary>
    public static string? Explain(IEnumerable<string> attributes)
    {
        var rule = new AttributeRule();
        return SessionProfileReader.TryRead(attributes, rule, out _, out var error) ? rule.problem : error;
    }

    /// <summary>Reported when the list is compiled, once.</summary>
    public void UnknownPair(string name)
    {
    }

    public void IgnoredValue(string name, string value) => problem ??= $"{name} has a bad value '{value}'";
}
