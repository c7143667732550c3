using System.CommandLine;
using Headend.Admin;

namespace Headend.Cli;

/// <summary><c>headend clear ...</c>: ends sessions, each with a Delete to its client.</summary>
internal static class ClearCommands
{
    public static Command Create(CommandLineOptions options)
    {
        var socket = CommandLine.SocketOption();
        var session = new Command("session", "End sessions.")
        {
            One("id", "ID", "The session of this id.", id => new ClearSessionsRecord { Id = id }, socket, options),
            One("user", "USER", "Every session of this user; upper and lower case are one, but for local users.", user => new ClearSessionsRecord { User = user }, socket, options),
            One("remote", "ADDR", "Every session from this address.", address => new ClearSessionsRecord { Remote = address }, socket, options),
            All(socket, options),
        };
        var clear = new Command("clear", "End what runs.")
        {
            new Command("crypto", "IKEv2 and IPsec.") { session },
            new Command("aaa", "Authentication, authorization, accounting.") { User(socket, options) },
        };
        clear.Options.Add(socket);
        return clear;
    }

    private static Command One(
        string name, string what, string description, Func<string, ClearSessionsRecord> which, Option<string> socket, CommandLineOptions options)
    {
        var argument = new Argument<string>(what);
        var command = new Command(name, description) { argument };
        command.SetAction((parsed, cancellation) =>
            ClearAsync(which(parsed.GetRequiredValue(argument)), parsed.GetRequiredValue(socket), options, cancellation));
        return command;
    }

    private static Command All(Option<string> socket, CommandLineOptions options)
    {
        var command = new Command("all", "Every session.");
        command.SetAction((parsed, cancellation) =>
            ClearAsync(new ClearSessionsRecord { All = true }, parsed.GetRequiredValue(socket), options, cancellation));
        return command;
    }

    private static Command User(Option<string> socket, CommandLineOptions options)
    {
        var name = new Argument<string>("NAME");
        var what = new Argument<string>("lockout") { Description = "The word lockout." };
        what.AcceptOnlyFromAmong("lockout");
        var command = new Command("user", "End the lockout of a local user and forget the wrong passwords.") { name, what };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var cleared = await client.ClearLockoutAsync(parsed.GetRequiredValue(name), cancellation);
            await options.Output.WriteLineAsync(cleared ? "lockout cleared" : "the user was not locked out");
            return cleared ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    // Nothing that fits is a failure for the one who named it, and none for "all".
    private static async Task<int> ClearAsync(ClearSessionsRecord which, string socket, CommandLineOptions options, CancellationToken cancellation)
    {
        using var client = new AdminClient(socket);
        var (cleared, notRevoked) = await client.ClearSessionsAsync(which, cancellation);
        await options.Output.WriteLineAsync(cleared == 1 ? "1 session cleared" : $"{cleared} sessions cleared");
        if (notRevoked > 0)
        {
            await options.Error.WriteLineAsync($"headend: {notRevoked} more ended, but neither the store nor its key file could be written in time: a restart could bring back what was cleared");
            return ExitCodes.Failed;
        }

        return cleared > 0 || which.All ? ExitCodes.Done : ExitCodes.Failed;
    }
}
