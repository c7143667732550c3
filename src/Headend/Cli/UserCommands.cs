using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Headend.Composition;
using Headend.Configuration;
using Headend.Eap;
using Headend.Sessions;

namespace Headend.Cli;

/// <summary><c>headend user ...</c>: the local users of the user file. Works without a running headend, which reads the file at its start and at SIGHUP.</summary>
internal static class UserCommands
{
    private const string Reminder = "A running headend takes it at SIGHUP.";

    private static readonly string[] MethodWords = ["mschapv2", "gtc", "md5"];

    public static Command Create(CommandLineOptions options)
    {
        var state = new Option<string?>("--state") { Description = "State directory.", HelpName = "DIR", Recursive = true };
        var config = new Option<string?>("--config") { Description = "Configuration that names the state directory.", HelpName = "FILE", Recursive = true };
        var user = new Command("user", "Local users of the user file.")
        {
            Add(state, config, options),
            Passwd(state, config, options),
            Remove(state, config, options),
            List(state, config, options),
            Hash(options),
        };
        user.Options.Add(state);
        user.Options.Add(config);
        return user;
    }

    private static Command Add(Option<string?> state, Option<string?> config, CommandLineOptions options)
    {
        var name = new Argument<string>("NAME");
        var policy = new Option<string?>("--policy") { Description = "Authorization policy.", HelpName = "NAME" };
        var list = new Option<string?>("--attribute-list") { Description = "Attribute list; it wins over the policy.", HelpName = "NAME" };
        var none = new Option<bool>("--no-password") { Description = "The user logs in by certificate only." };
        var (methods, file) = (MethodsOption("Default: mschapv2."), PasswordFileOption());
        var command = new Command("add", "Add a user. The password comes from standard input unless a file is named.") { name, policy, list, none, methods, file };
        command.SetAction(parsed =>
        {
            var who = parsed.GetRequiredValue(name);
            if (!LocalUserFile.IsName(who))
                return Refuse($"'{Shown.Text(who)}' is no user name: 1 to {EapLimits.MaxIdentityLength} octets without control characters", options);
            var record = new LocalUserRecord { Name = who, Policy = parsed.GetValue(policy), AttributeList = parsed.GetValue(list) };
            if (!parsed.GetValue(none))
            {
                if (ReadPassword(parsed.GetValue(file), confirm: true, options) is not { } password)
                    return ExitCodes.Failed;
                record = WithPassword(record, password, parsed.GetValue(methods) is { Length: > 0 } chosen ? chosen : ["mschapv2"]);
                CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(password.AsSpan()));
            }

            return Update(parsed.GetValue(state), parsed.GetValue(config), options, $"user {who} added", rows =>
            {
                if (rows.Exists(r => r.Name == who))
                    return $"there is a user {who} already";
                rows.Add(record);
                return null;
            });
        });
        return command;
    }

    private static Command Passwd(Option<string?> state, Option<string?> config, CommandLineOptions options)
    {
        var name = new Argument<string>("NAME");
        var (methods, file) = (MethodsOption("Default: those that the old password served."), PasswordFileOption());
        var command = new Command("passwd", "Change a user's password.") { name, methods, file };
        command.SetAction(parsed =>
        {
            var who = parsed.GetRequiredValue(name);
            if (ReadPassword(parsed.GetValue(file), confirm: true, options) is not { } password)
                return ExitCodes.Failed;
            var result = Update(parsed.GetValue(state), parsed.GetValue(config), options, $"password of {who} changed", rows =>
            {
                var index = rows.FindIndex(r => r.Name == who);
                if (index < 0)
                    return $"there is no user {who} in the user file";
                rows[index] = WithPassword(rows[index], password, parsed.GetValue(methods) is { Length: > 0 } chosen ? chosen : FormsOf(rows[index]));
                return null;
            });
            CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(password.AsSpan()));
            return result;
        });
        return command;
    }

    private static Command Remove(Option<string?> state, Option<string?> config, CommandLineOptions options)
    {
        var name = new Argument<string>("NAME");
        var command = new Command("remove", "Remove a user. Sessions of the user stay until they end or are cleared.") { name };
        command.SetAction(parsed =>
        {
            var who = parsed.GetRequiredValue(name);
            return Update(parsed.GetValue(state), parsed.GetValue(config), options, $"user {who} removed", rows =>
                rows.RemoveAll(r => r.Name == who) == 0 ? $"there is no user {who} in the user file" : null);
        });
        return command;
    }

    private static Command List(Option<string?> state, Option<string?> config, CommandLineOptions options)
    {
        var command = new Command("list", "The users of the user file and the methods that their passwords serve.");
        command.SetAction(parsed =>
        {
            if (!TryFindFile(parsed.GetValue(state), parsed.GetValue(config), options, out var path))
                return ExitCodes.Failed;
            if (!LocalUserFile.TryRead(path, out var users, out var error))
                return Refuse(error, options);
            AdminTables.LocalUsers(users, options);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Hash(CommandLineOptions options)
    {
        var file = PasswordFileOption();
        var command = new Command("hash", "Print the hashes of a password for aaa.local-users of a configuration.") { file };
        command.SetAction(parsed =>
        {
            if (ReadPassword(parsed.GetValue(file), confirm: true, options) is not { } password)
                return ExitCodes.Failed;
            var record = WithPassword(new LocalUserRecord { Name = "" }, password, ["mschapv2", "gtc"]);
            options.Output.WriteLine($"password-hash: {record.PasswordHash}");
            options.Output.WriteLine($"nt-hash: {record.NtHash}");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Option<string[]> MethodsOption(string fallback)
    {
        var option = new Option<string[]>("--for")
        {
            Description = $"EAP methods that the stored form must serve, the least secret form that does: mschapv2 its NT hash, gtc a PBKDF2 hash, md5 the password itself. {fallback}",
            HelpName = "METHOD",
            AllowMultipleArgumentsPerToken = true,
        };
        option.AcceptOnlyFromAmong(MethodWords);
        return option;
    }

    private static Option<string?> PasswordFileOption() => new("--password-file") { Description = "File whose first line is the password.", HelpName = "FILE" };

    private static LocalUserRecord WithPassword(LocalUserRecord record, char[] password, string[] methods)
    {
        var octets = Encoding.UTF8.GetBytes(password);
        // Clear text serves every method, so that hashes beside it would only be more to steal.
        var clear = methods.Contains("md5");
        var changed = record with
        {
            Password = clear ? new string(password) : null,
            NtHash = !clear && methods.Contains("mschapv2") ? Convert.ToHexString(LocalCredential.ComputeNtHash(password)) : null,
            PasswordHash = !clear && methods.Contains("gtc") ? PasswordHash.Create(octets).ToModularCrypt() : null,
        };
        CryptographicOperations.ZeroMemory(octets);
        return changed;
    }

    private static string[] FormsOf(LocalUserRecord record) => record switch
    {
        { Password: not null } => ["md5"],
        { NtHash: not null, PasswordHash: not null } => ["mschapv2", "gtc"],
        { PasswordHash: not null } => ["gtc"],
        _ => ["mschapv2"],
    };

    private static char[]? ReadPassword(string? file, bool confirm, CommandLineOptions options)
    {
        string? text;
        try
        {
            text = file is not null ? File.ReadLines(file).FirstOrDefault() : options.ReadSecret("Password: ");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Refuse(error.Message, options);
            return null;
        }

        if (string.IsNullOrEmpty(text) || text.Length > LocalCredential.MaxPasswordLength)
        {
            Refuse($"a password has 1 to {LocalCredential.MaxPasswordLength} characters", options);
            return null;
        }

        if (confirm && file is null && options.IsInteractive && options.ReadSecret("Again: ") != text)
        {
            Refuse("the two passwords differ", options);
            return null;
        }

        if (text.Length < SecretParser.PasswordLength)
            options.Error.WriteLine($"headend: warning: a password of {text.Length} characters is weak; use at least {SecretParser.PasswordLength}");
        return text.ToCharArray();
    }

    private static int Update(string? state, string? config, CommandLineOptions options, string done, Func<List<LocalUserRecord>, string?> change)
    {
        if (!TryFindFile(state, config, options, out var path))
            return ExitCodes.Failed;
        if (LocalUserFile.Update(path, change) is { } refusal)
            return Refuse(refusal, options);
        options.Output.WriteLine($"{done} in {path}. {Reminder}");
        return ExitCodes.Done;
    }

    private static bool TryFindFile(string? state, string? config, CommandLineOptions options, out string path)
    {
        var directory = state ?? ZeroConfiguration.DefaultStateDirectory;
        path = "";
        if (state is null && config is not null)
        {
            var outcome = ConfigurationParser.Load(config, options.Rules);
            if (outcome.Configuration is not { } configuration)
            {
                foreach (var diagnostic in outcome.Diagnostics)
                    options.Error.WriteLine(diagnostic);
                return false;
            }

            directory = configuration.StateDirectory;
        }

        path = LocalUserFile.PathIn(Path.GetFullPath(directory));
        return true;
    }

    private static int Refuse(string why, CommandLineOptions options)
    {
        options.Error.WriteLine("headend: " + why);
        return ExitCodes.Failed;
    }
}
