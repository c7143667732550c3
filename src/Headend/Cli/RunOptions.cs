namespace Headend.Cli;

/// <summary>What <c>headend run</c> was told. Without a configuration file the headend starts with one it makes itself.</summary>
/// <param name="ConfigurationFile">Path of the configuration, or null.</param>
/// <param name="StateDirectory">Wins over the configuration's state-directory; null leaves it.</param>
/// <param name="AdminSocket">Wins over the configuration's admin.socket; null leaves it.</param>
internal sealed record RunOptions(string? ConfigurationFile, string? StateDirectory, string? AdminSocket);

/// <summary>What the command line needs from the composition.</summary>
internal sealed record CommandLineOptions
{
    /// <summary>Runs the headend until it is told to stop; gives the exit code.</summary>
    public required Func<RunOptions, CancellationToken, Task<int>> Run { get; init; }

    /// <summary>The leaves' parsers, for <c>check-config</c>.</summary>
    public required Configuration.ConfigurationRules Rules { get; init; }

    /// <summary>Performs <c>radius test</c>.</summary>
    public Func<RadiusTestOptions, CommandLineOptions, CancellationToken, Task<int>>? TestRadius { get; init; }

    public TextWriter Output { get; init; } = Console.Out;

    public TextWriter Error { get; init; } = Console.Error;

    /// <summary>Whether a person types.</summary>
    public bool IsInteractive { get; init; } = !Console.IsInputRedirected;

    /// <summary>Reads one line that must not be seen; null at the end of the input.</summary>
    public Func<string, string?> ReadSecret { get; init; } = SecretInput.Read;

    /// <summary>Columns of the terminal; a pipe gets wide lines that do not wrap.</summary>
    public int Width { get; init; } = Console.IsOutputRedirected ? 400 : Math.Max(80, Console.WindowWidth);
}

/// <summary>The exit codes of every command.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>Refused or failed.</summary>
    public const int Failed = 1;

    public const int Usage = 2;

    /// <summary>The running headend cannot be reached.</summary>
    public const int Unreachable = 3;
}
