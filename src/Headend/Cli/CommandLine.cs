using System.CommandLine;
using Headend.Admin;
using Headend.Configuration;

namespace Headend.Cli;

/// <summary>The commands of the program.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs; gives an exit code of <see cref="ExitCodes"/>.</summary>
    public static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CommandLineOptions options, CancellationToken cancellation = default)
    {
        var parsed = Root(options).Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await options.Error.WriteLineAsync("headend: " + error.Message);
            await options.Error.WriteLineAsync("Try 'headend --help'.");
            return ExitCodes.Usage;
        }
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = options.Output, Error = options.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
                cancellation);
        }
        catch (HeadendUnreachableException error)
        {
            await options.Error.WriteLineAsync("headend: " + error.Message);
            return ExitCodes.Unreachable;
        }
        catch (AdminRefusedException error)
        {
            await options.Error.WriteLineAsync("headend: " + error.Message);
            return ExitCodes.Failed;
        }
    }

    private static RootCommand Root(CommandLineOptions options)
    {
        var root = new RootCommand("An IKEv2 remote-access VPN headend. Without a command: run, with a configuration that it makes itself.");
        var run = new Command("run", "Run the headend until SIGTERM.");
        SetRun(root, options);
        SetRun(run, options);
        root.Subcommands.Add(run);
        root.Subcommands.Add(CheckConfiguration(options));
        root.Subcommands.Add(ShowCommands.Create(options));
        root.Subcommands.Add(ClearCommands.Create(options));
        root.Subcommands.Add(UserCommands.Create(options));
        root.Subcommands.Add(PkiCommands.Create(options));
        root.Subcommands.Add(ClientProfileCommands.Create(options));
        if (options.TestRadius is { } test)
            root.Subcommands.Add(RadiusCommands.Create(options, test));
        return root;
    }

    private static void SetRun(Command command, CommandLineOptions options)
    {
        var file = new Option<string?>("--config") { Description = "Configuration file; without it the headend makes one.", HelpName = "FILE" };
        var state = new Option<string?>("--state") { Description = "State directory, instead of the configured one.", HelpName = "DIR" };
        var socket = new Option<string?>("--socket") { Description = "Admin socket, instead of the configured one.", HelpName = "PATH" };
        command.Options.Add(file);
        command.Options.Add(state);
        command.Options.Add(socket);
        command.SetAction((parsed, cancellation) =>
            options.Run(new RunOptions(parsed.GetValue(file), parsed.GetValue(state), parsed.GetValue(socket)), cancellation));
    }

    private static Command CheckConfiguration(CommandLineOptions options)
    {
        var file = new Argument<string>("FILE") { Description = "Configuration file." };
        var command = new Command("check-config", "Print every error of a configuration; exit 1 if there is one.") { file };
        command.SetAction(parsed =>
        {
            var outcome = ConfigurationParser.Load(parsed.GetRequiredValue(file), options.Rules);
            foreach (var diagnostic in outcome.Diagnostics)
                options.Output.WriteLine(diagnostic);
            return outcome.Configuration is null ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    internal static Option<string> SocketOption() => new("--socket")
    {
        Description = "Admin socket of the running headend.",
        HelpName = "PATH",
        Recursive = true,
        DefaultValueFactory = _ => AdminSocket.DefaultPath,
    };
}
