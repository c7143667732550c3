using Headend.Aaa.Authentication;
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
    public static string? Explain(IReadOnlyList<string> attributes)
    {
        var rule = new AttributeRule();
        if (!SessionProfileReader.TryRead(attributes, rule, out _, out var error) || !PreSharedKeyAttributes.TryRead(attributes, out var keys, out error))
            return error;
        keys?.Dispose();
        return rule.problem;
    }

    /// <summary>Reported when the list is compiled, once.</summary>
    public void UnknownPair(string name)
    {
    }

    public void IgnoredValue(string name, string value) => problem ??= $"{name} has a bad value '{value}'";
}
