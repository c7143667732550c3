using System.Collections.Immutable;
using Headend.Aaa.Authorization;

namespace Headend.Sessions;

/// <summary>The interface commands that attributes stand for: the ones that name a service policy put it in the place of whatever is attached.</summary>
internal static class PolicyCommands
{
    /// <summary>All commands of a profile in order of application.</summary>
    public static ImmutableArray<string> Of(SessionProfile profile) =>
        [.. profile.InterfaceCommands, .. ServicePolicy("input", profile.ServicePolicyIn), .. ServicePolicy("output", profile.ServicePolicyOut)];

    private static IEnumerable<string> ServicePolicy(string direction, string? name)
    {
        if (name is null)
            yield break;
        // At a login the command alone would not replace one that a template has attached.
        yield return $"no service-policy {direction}";
        yield return $"service-policy {direction} {name}";
    }
}
