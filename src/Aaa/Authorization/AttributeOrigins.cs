using System.Collections.Immutable;

namespace Headend.Aaa.Authorization;

/// <summary>One attribute that a session has, and where it comes from.</summary>
/// <param name="Attribute">Name and value.</param>
/// <param name="Origin">Null where no source says it.</param>
public readonly record struct AttributeOrigin(ShownAttribute Attribute, AuthorizationOrigin? Origin);

/// <summary>Tells of each attribute of a merged profile which of its sources it comes from, for `show aaa user`.</summary>
public static class AttributeOrigins
{
    /// <param name="merged">What the session has.</param>
    /// <param name="ordered">What it was merged from, the strongest last.</param>
    public static IReadOnlyList<AttributeOrigin> Explain(SessionProfile merged, ImmutableArray<AuthorizationSource> ordered)
    {
        var left = ordered.Reverse().Select(static s => (s.Origin, Attributes: AttributeTable.Describe(s.Profile).ToList())).ToList();
        // The authentication's own: see ProfileMerge.
        var byAuthority = left.OrderBy(static s => s.Origin.Kind switch { AuthorizationKind.ImplicitUser => 0, AuthorizationKind.ExplicitUser => 1, _ => 2 }).ToList();
        var result = new List<AttributeOrigin>();
        // Backwards: of two equal lines of a list the later one is the stronger's.
        foreach (var attribute in AttributeTable.Describe(merged).Reverse())
        {
            var sources = attribute.Name is "User-Name" or "Class" or "Chargeable-User-Identity" ? byAuthority : left;
            // Lines that were fetched for an attribute stand in no answer: they are its own.
            var at = sources.FindIndex(s => s.Attributes.Contains(attribute));
            if (at >= 0)
                sources[at].Attributes.Remove(attribute);
            else
                at = sources.FindIndex(s => AttributeTable.Describe(ordered.First(o => o.Origin == s.Origin).Profile).Any(a => a.Name == attribute.Name));
            result.Add(new AttributeOrigin(attribute, at < 0 ? null : sources[at].Origin));
        }

        result.Reverse();
        return result;
    }
}
