using System.Collections.Immutable;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Derives the configuration of one interface: template first, then what AAA returned, each value keeping its origin.</summary>
public static class VirtualAccessDerivation
{
    /// <summary>More commands than this from one source are refused.</summary>
    public const int MaximumCommands = 256;

    /// <summary>Applies the commands in order of their sources.</summary>
    /// <param name="template">The template, or none.</param>
    /// <param name="authorized">Group before user; the caller's order decides.</param>
    /// <param name="config">The result; meaningful only when the return value is empty.</param>
    /// <returns>Every refused command, each with the origin that carried it.</returns>
    public static ImmutableArray<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> Derive(
        VirtualTemplate? template, IEnumerable<AuthorizedCommands> authorized, out InterfaceConfig config)
    {
        config = InterfaceConfig.Empty;
        var failures = ImmutableArray.CreateBuilder<(ConfigOrigin, InterfaceCommandFailure)>();
        if (template is not null)
        {
            Apply(new ConfigOrigin(ConfigSource.VirtualTemplate, $"{template.Number}"), template.Commands, ref config, failures);
        }

        foreach (var source in authorized) Apply(source.Origin, source.Commands, ref config, failures);
        return failures.ToImmutable();
    }

    /// <summary>Applies further commands to the configuration of an interface that stands.</summary>
    /// <param name="current">What stands.</param>
    /// <param name="authorized">What was asked for.</param>
    /// <param name="config">The result; meaningful only when the return value is empty.</param>
    /// <returns>Every refused command.</returns>
    public static ImmutableArray<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> Change(
        InterfaceConfig current, AuthorizedCommands authorized, out InterfaceConfig config)
    {
        config = current;
        var failures = ImmutableArray.CreateBuilder<(ConfigOrigin, InterfaceCommandFailure)>();
        Apply(authorized.Origin, authorized.Commands, ref config, failures);
        return failures.ToImmutable();
    }

    private static void Apply(
        ConfigOrigin origin, ImmutableArray<string> commands, ref InterfaceConfig config, ImmutableArray<(ConfigOrigin, InterfaceCommandFailure)>.Builder failures)
    {
        if (commands.Length > MaximumCommands)
        {
            failures.Add((origin, new InterfaceCommandFailure(commands[MaximumCommands], "", $"more than {MaximumCommands} commands")));
            return;
        }

        foreach (var command in commands)
        {
            if (InterfaceCommandParser.TryParse(command, out var change, out var failure)) config = change(config, origin);
            else failures.Add((origin, failure));
        }
    }
}
