using System.CommandLine;

namespace Headend.Cli;

/// <summary>What <c>headend radius test</c> was told.</summary>
/// <param name="ConfigurationFile">Where servers and groups are defined.</param>
/// <param name="Name">Of a server or a group.</param>
/// <param name="User">Asks for a login of this user; null: Status-Server alone.</param>
/// <param name="Password">The user's; null without one.</param>
internal sealed record RadiusTestOptions(string ConfigurationFile, string Name, string? User, string? Password);

/// <summary><c>headend radius ...</c>: works from the configuration file, whether the headend runs or not.</summary>
internal static class RadiusCommands
{
    public static Command Create(CommandLineOptions options, Func<RadiusTestOptions, CommandLineOptions, CancellationToken, Task<int>> test)
    {
        var name = new Argument<string>("NAME") { Description = "Name of a server or a group of the configuration; of a group every server is asked." };
        var file = new Option<string>("--config") { Description = "Configuration file.", HelpName = "FILE", Required = true };
        var user = new Option<string?>("--user") { Description = "Log in as this user by PAP (RFC 2865); the password is asked for, or the first line of the standard input.", HelpName = "USER" };
        var command = new Command("test", "Ask servers by Status-Server (RFC 5997) and, with --user, by an Access-Request; exit 1 unless all accept.") { name, file, user };
        command.SetAction(async (parsed, cancellation) =>
        {
            var login = parsed.GetValue(user);
            var password = login is null ? null : options.ReadSecret($"Password of {login}: ");
            if (login is not null && string.IsNullOrEmpty(password))
            {
                await options.Error.WriteLineAsync("headend: no password given");
                return ExitCodes.Usage;
            }
            return await test(new RadiusTestOptions(parsed.GetRequiredValue(file), parsed.GetRequiredValue(name), login, password), options, cancellation);
        });
        return new Command("radius", "RADIUS servers.") { command };
    }
}
