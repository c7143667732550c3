using System.Collections.Immutable;

namespace Headend.VirtualAccess.Configuration;

/// <summary>What a derivation came to.</summary>
/// <param name="Config">The configuration; meaningful only without failures.</param>
/// <param name="Failures">Every refused command, each with the origin that carried it.</param>
/// <param name="Notes">What commands took away or did not replace, for an operator.</param>
public sealed record DerivedInterface(
    InterfaceConfig Config, ImmutableArray<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> Failures, ImmutableArray<string> Notes)
{
    /// <summary>All failures in one line.</summary>
    public string Explain() => string.Join("; ", Failures.Select(f => $"{f.Origin}: {f.Failure}"));
}

/// <summary>How strict a derivation is.</summary>
/// <param name="Names">What commands may refer to.</param>
/// <param name="Session">What commands must fit; null before it is known.</param>
/// <param name="IgnoresErrors">Commands at fault are left out, with a note, but for those that filter and limit.</param>
public sealed record DerivationRules(InterfaceNames Names, TunnelSession? Session = null, bool IgnoresErrors = false)
{
    /// <summary>Commands, as they are shown, that are left out because this machine cannot have them.</summary>
    public ImmutableHashSet<string> LeftOut { get; init; } = [];
}

/// <summary>Derives the configuration of one interface: template first, then what AAA returned, each value keeping its origin.</summary>
public static class VirtualAccessDerivation
{
    /// <summary>More commands than this from one source are refused.</summary>
    public const int MaximumCommands = 256;

    /// <summary>Applies the commands in order of their sources.</summary>
    /// <param name="template">The template, or none.</param>
    /// <param name="authorized">In order of application; the caller's order decides.</param>
    /// <param name="rules">What makes a failure, and what comes of it.</param>
    public static DerivedInterface Derive(VirtualTemplate? template, IEnumerable<AuthorizedCommands> authorized, DerivationRules rules)
    {
        AuthorizedCommands[] sources = template is null
            ? [.. authorized]
            : [new(new ConfigOrigin(ConfigSource.VirtualTemplate, $"{template.Number}"), template.Commands), .. authorized];
        var bare = InterfaceConfig.Empty with { IsAutoMode = template is { IsAutoMode: true } };
        var derived = Apply(bare, sources, rules);
        var ignored = new List<string>();
        // Leaving a command out may bring back what it replaced, with faults of its own.
        while (rules.IgnoresErrors && derived.Failures.All(f => !IsFilter(f.Failure.Command)) && derived.Failures.Any(f => !rules.LeftOut.Contains(f.Failure.Command)))
        {
            ignored.AddRange(derived.Failures.Select(f => $"{f.Origin}: {f.Failure}: left out"));
            rules = rules with { LeftOut = rules.LeftOut.Union(derived.Failures.Select(f => f.Failure.Command)) };
            derived = Apply(bare, sources, rules);
        }

        return derived with { Notes = [.. ignored, .. derived.Notes] };
    }

    /// <summary>Applies further commands to the configuration of an interface that stands, all or none.</summary>
    /// <param name="current">What stands.</param>
    /// <param name="authorized">What was asked for.</param>
    /// <param name="rules">What makes a failure; errors are not ignored.</param>
    public static DerivedInterface Change(InterfaceConfig current, AuthorizedCommands authorized, DerivationRules rules) => Apply(current, [authorized], rules);

    /// <summary>A command that lets less through: nobody is let in without it.</summary>
    private static bool IsFilter(string command) =>
        command.Contains("access-group", StringComparison.OrdinalIgnoreCase) || command.Contains("traffic-filter", StringComparison.OrdinalIgnoreCase)
        || command.Contains("service-policy", StringComparison.OrdinalIgnoreCase) || command.Contains("verify", StringComparison.OrdinalIgnoreCase)
        || command.Contains("shutdown", StringComparison.OrdinalIgnoreCase);

    private static DerivedInterface Apply(InterfaceConfig config, IEnumerable<AuthorizedCommands> sources, DerivationRules rules)
    {
        var failures = ImmutableArray.CreateBuilder<(ConfigOrigin, InterfaceCommandFailure)>();
        var notes = ImmutableArray.CreateBuilder<string>();
        foreach (var (origin, commands) in sources)
        {
            if (commands.Length > MaximumCommands)
            {
                failures.Add((origin, new InterfaceCommandFailure(commands[MaximumCommands], "", $"more than {MaximumCommands} commands")));
                continue;
            }

            foreach (var command in commands)
            {
                if (rules.LeftOut.Contains(command)) continue;
                if (!InterfaceCommandParser.TryParse(command, out var change, out var shown, out var failure)) failures.Add((origin, failure));
                else if (!rules.LeftOut.Contains(shown)) config = change(config, origin, notes);
            }
        }

        failures.AddRange(rules.Names.Unresolved(config));
        failures.AddRange(InterfaceCommandTable.NatConflicts(config));
        if (rules.Session is { } session) failures.AddRange(session.Conflicts(config));
        return new DerivedInterface(config, failures.ToImmutable(), notes.ToImmutable());
    }
}
