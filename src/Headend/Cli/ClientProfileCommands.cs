using System.CommandLine;
using Headend.Clients;
using Headend.Configuration;
using Headend.Ikev2.Wire;
using Headend.Pki;

namespace Headend.Cli;

/// <summary><c>headend client-profile ...</c>: files that clients are set up with. Works without a running headend.</summary>
internal static class ClientProfileCommands
{
    public static Command Create(CommandLineOptions options) => new("client-profile", "Print or write a file that clients are set up with.") { AnyConnect(options) };

    private static Command AnyConnect(CommandLineOptions options)
    {
        var file = new Option<string>("--config") { Description = "Configuration file.", Required = true, HelpName = "FILE" };
        var profile = new Option<string>("--profile") { Description = "Profile in ikev2.profiles, with anyconnect-eap.", Required = true, HelpName = "NAME" };
        var server = new Option<string?>("--server") { Description = "Host name or address of the headend; default: the profile's local-identity.", HelpName = "HOST" };
        var group = new Option<string?>("--group") { Description = "Group that is selected, one of the profile's.", HelpName = "NAME" };
        var output = new Option<string?>("--output", "-o") { Description = "File to write; default: standard output.", HelpName = "FILE" };
        var command = new Command("anyconnect", "The XML profile of Cisco Secure Client.") { file, profile, server, group, output };
        command.SetAction(parsed =>
        {
            var outcome = ConfigurationParser.Load(parsed.GetRequiredValue(file), options.Rules);
            foreach (var diagnostic in outcome.Errors)
                options.Error.WriteLine(diagnostic);
            if (outcome.Configuration is not { } configuration)
                return ExitCodes.Failed;
            if (WhyNot(configuration, parsed.GetRequiredValue(profile), parsed.GetValue(server), parsed.GetValue(group), out var text) is { } refusal)
            {
                options.Error.WriteLine("headend: " + refusal);
                return ExitCodes.Failed;
            }

            return Write(text, parsed.GetValue(output), options);
        });
        return command;
    }

    private static string? WhyNot(HeadendConfiguration configuration, string name, string? server, string? group, out string text)
    {
        text = "";
        if (configuration.Ikev2.Profiles.FirstOrDefault(p => p.Name == name) is not { } profile)
            return $"no '{Shown.Text(name)}' in ikev2.profiles";
        if (profile.AnyConnect is not { } client)
            return $"profile '{name}' has no anyconnect-eap";
        var identity = profile.LocalIdentity;
        var host = server ?? (identity.Type == IdType.Fqdn || identity.Type == IdType.IPv4Address || identity.Type == IdType.IPv6Address ? identity.Text : null);
        if (host is null)
            return $"the local-identity of profile '{name}' is no name or address that a client could connect to; say --server HOST";
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
            return $"'{Shown.Text(host)}' is no host name and no address";
        if (group is not null && !client.Login.Groups.Contains(group))
            return $"profile '{name}' has no group '{Shown.Text(group)}'";
        text = new AnyConnectProfile
        {
            Name = name,
            Host = host,
            Group = group,
            AuthenticationTimeout = client.Timeout,
            ReconnectsAfterResume = profile.Reconnect is not null,
        }.Render();
        return null;
    }

    private static int Write(string text, string? path, CommandLineOptions options)
    {
        if (path is null)
        {
            options.Output.Write(text);
            return ExitCodes.Done;
        }

        try
        {
            AtomicFile.Write(path, text, AtomicFile.Public);
            return ExitCodes.Done;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            options.Error.WriteLine("headend: " + error.Message);
            return ExitCodes.Failed;
        }
    }
}
