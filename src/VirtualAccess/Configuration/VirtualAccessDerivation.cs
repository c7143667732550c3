using System.Collections.Immutable;

namespace Headend.VirtualAccess.Configuration;

/// <summary>What a derivation came to.</summary>
/// <param name="Config">The configuration; meaningful only without failures.</param>
/// <param name="Failures">Every refused command, each with the origin that carried it.</param>
/// <param name="Notes">What commands took away or did not replace, for an operator.</param>
public sealed record DerivedInterface(
    InterfaceConfig Config, ImmutableArray<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> Failures, ImmutableArray<string> Notes)
{
    /// <summary>The same with what does not fit the session among the failures.</summary>
    public DerivedInterface For(TunnelSession session) => this with { Failures = [.. Failures, .. session.Conflicts(Config)] };

    /// <summary>All failures in one line.</summary>
    public string Explain() => string.Join("; ", Failures.Select(f => $"{f.Origin}: {f.Failure}"));
}

/// <summary>Derives the configuration of one interface: template first, then what AAA returned, each value keeping its origin.</summary>
public static class VirtualAccessDerivation
{
    /// <summary>More commands than this from one source are refused.</summary>
    public const int MaximumCommands = 256;

    /// <summary>Applies the commands in order of their sources.</summary>
    /// <param name="template">The template, or none.</param>
    /// <param name="authorized">Group before user; the caller's order decides.</param>
    /// <param name="names">What commands may refer to.</param>
    public static DerivedInterface Derive(VirtualTemplate? template, IEnumerable<AuthorizedCommands> authorized, InterfaceNames names)
    {
        if (template is not null)
        {
            authorized = authorized.Prepend(new AuthorizedCommands(new ConfigOrigin(ConfigSource.VirtualTemplate, $"{template.Number}"), template.Commands));
        }

        return Apply(InterfaceConfig.Empty with { IsAutoMode = template is { IsAutoMode: true } }, authorized, names);
    }

    /// <summary>Applies further commands to the configuration of an interface that stands.</summary>
    /// <param name="current">What stands.</param>
    /// <param name="authorized">What was asked for.</param>
    /// <param name="names">What commands may refer to.</param>
    public static DerivedInterface Change(InterfaceConfig current, AuthorizedCommands authorized, InterfaceNames names) => Apply(current, [authorized], names);

    private static DerivedInterface Apply(InterfaceConfig config, IEnumerable<AuthorizedCommands> sources, InterfaceNames names)
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
                if (InterfaceCommandParser.TryParse(command, out var change, out var failure)) config = change(config, origin, notes);
                else failures.Add((origin, failure));
            }
        }

        failures.AddRange(names.Unresolved(config));
        return new DerivedInterface(config, failures.ToImmutable(), notes.ToImmutable());
    }
}
