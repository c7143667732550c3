using Headend.Configuration;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Composition;

/// <summary>What the configuration says about packets of sessions, compiled.</summary>
internal static class PolicyComposition
{
    /// <summary>The access lists by name; every line has been checked.</summary>
    public static IReadOnlyDictionary<string, AccessList> AccessLists(IReadOnlyList<AccessListOptions> options) =>
        options.ToDictionary(list => list.Name, list => new AccessList(list.Name, [.. list.Entries.SelectMany(Parse)]), StringComparer.Ordinal);

    /// <summary>What interface commands may name.</summary>
    public static InterfaceNames NamesOf(HeadendConfiguration configuration) =>
        new(configuration.AccessLists.Select(list => list.Name).ToHashSet(StringComparer.Ordinal), new HashSet<string>());

    private static AccessListEntry[] Parse(string line)
    {
        if (!AccessListParser.TryParse(line, out var entry, out var error))
            throw new InvalidOperationException($"checked before: {line}: {error}");
        return entry is null ? [] : [entry];
    }
}
