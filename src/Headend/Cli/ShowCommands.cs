using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Headend.Admin;

namespace Headend.Cli;

/// <summary><c>headend show ...</c>: asks the running headend and prints a table, or JSON with <c>--json</c>.</summary>
internal static class ShowCommands
{
    public static Command Create(CommandLineOptions options)
    {
        var socket = CommandLine.SocketOption();
        var json = new Option<bool>("--json") { Description = "Print JSON.", Recursive = true };
        var show = new Command("show", "Show what runs.")
        {
            new Command("crypto", "IKEv2 and IPsec.")
            {
                Session(socket, json, options),
                new Command("ikev2", "IKEv2.")
                {
                    IkeSa(socket, json, options),
                    Statistics(socket, json, options),
                },
            },
            new Command("aaa", "Authentication, authorization, accounting.")
            {
                Simple("servers", "RADIUS servers.", socket, json, options, (c, t) => c.GetAaaServersAsync(t), AdminJsonContext.Default.IReadOnlyListAaaServerRecord, AdminTables.AaaServers),
                AaaUser(socket, json, options),
                Simple("accounting", "Accounting records that wait, and where they go.", socket, json, options, (c, t) => c.GetAccountingAsync(t), AdminJsonContext.Default.AccountingSpoolRecord, AccountingTable.Print),
                Simple("lockout", "Local users with wrong passwords, locked out or not yet.", socket, json, options, (c, t) => c.GetLockoutsAsync(t), AdminJsonContext.Default.IReadOnlyListLockoutRecord, AdminTables.Lockouts),
            },
            Interface("interface", "State, addresses, tunnel and counters.", socket, json, options, InterfaceTables.Interface),
            Interface("derived-config", "The configuration in force and, with --json, where each line is from.", socket, json, options, InterfaceTables.DerivedConfig),
            Simple("vtemplate", "Virtual-templates, their active interfaces and changes that wait.", socket, json, options, (c, t) => c.GetTemplatesAsync(t),
                AdminJsonContext.Default.IReadOnlyListVirtualTemplateRecord, InterfaceTables.Templates),
            AccessLists("access-lists", socket, json, options),
            new Command("ip", "Addresses and access lists.")
            {
                AccessLists("access-lists", socket, json, options),
                new Command("local", "Addresses that the headend gives.")
                {
                    Simple("pool", "Address pools.", socket, json, options, (c, t) => c.GetPoolsAsync(t), AdminJsonContext.Default.IReadOnlyListAddressPoolRecord, AdminTables.Pools),
                },
            },
            new Command("policy-map", "Traffic policies.")
            {
                new Command("interface", "Of an interface.") { PolicyMap(socket, json, options) },
            },
        };
        show.Options.Add(socket);
        show.Options.Add(json);
        return show;
    }

    private static Command Session(Option<string> socket, Option<bool> json, CommandLineOptions options)
    {
        var detail = DetailArgument();
        var user = new Option<string?>("--user") { Description = "Only this user's sessions.", HelpName = "USER" };
        var command = new Command("session", "Sessions.") { detail, user };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var sessions = await client.GetSessionsAsync(cancellation);
            if (parsed.GetValue(user) is { } name)
                sessions = [.. sessions.Where(s => s.User == name)];
            if (parsed.GetValue(json))
                PrintJson(sessions, AdminJsonContext.Default.IReadOnlyListSessionRecord, options.Output);
            else
                AdminTables.Sessions(sessions, parsed.GetValue(detail) is not null, options);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command AccessLists(string name, Option<string> socket, Option<bool> json, CommandLineOptions options)
    {
        var list = new Argument<string?>("name") { Description = "Only this list.", Arity = ArgumentArity.ZeroOrOne };
        var detail = new Option<bool>("--detail") { Description = "The end of each list, and the interfaces that use it." };
        var command = new Command(name, "Access lists and what they have met.") { list, detail };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var lists = await client.GetAccessListsAsync(cancellation);
            if (parsed.GetValue(list) is { } only)
                lists = [.. lists.Where(l => l.Name == only)];
            if (parsed.GetValue(json))
                PrintJson(lists, AdminJsonContext.Default.IReadOnlyListAccessListRecord, options.Output);
            else
                AccessListTable.Print(lists, parsed.GetValue(detail), options);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command IkeSa(Option<string> socket, Option<bool> json, CommandLineOptions options)
    {
        var detail = DetailArgument();
        var command = new Command("sa", "IKE SAs, those being negotiated too.") { detail };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var sas = await client.GetIkeSasAsync(cancellation);
            if (parsed.GetValue(json))
                PrintJson(sas, AdminJsonContext.Default.IReadOnlyListIkeSaDetailRecord, options.Output);
            else
                AdminTables.IkeSas(sas, parsed.GetValue(detail) is not null, options);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Statistics(Option<string> socket, Option<bool> json, CommandLineOptions options)
    {
        var command = Simple("stats", "IKE SAs, logins, exchanges and what was refused, counted since the start.", socket, json, options, (c, t) => c.GetIkeStatisticsAsync(t),
            AdminJsonContext.Default.IkeStatisticsRecord, IkeStatisticsTable.Print);
        command.Subcommands.Add(Simple("reconnect", "Clients that come back by session-id and token.", socket, json, options, (c, t) => c.GetReconnectsAsync(t),
            AdminJsonContext.Default.ReconnectStatisticsRecord, ReconnectTables.Print));
        return command;
    }

    private static Command AaaUser(Option<string> socket, Option<bool> json, CommandLineOptions options)
    {
        var who = new Argument<string>("user") { Description = "A user, or all." };
        var command = new Command("user", "Users: their sessions, each attribute with its origin, and local users.") { who };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var name = parsed.GetRequiredValue(who);
            var users = await client.GetAaaUsersAsync(name == "all" ? null : name, cancellation);
            if (users.Count == 0 && name != "all")
                throw new AdminRefusedException($"no session and no local user '{name}'");
            if (parsed.GetValue(json))
                PrintJson(users, AdminJsonContext.Default.IReadOnlyListAaaUserRecord, options.Output);
            else
                AaaUserTables.Print(users, options);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command PolicyMap(Option<string> socket, Option<bool> json, CommandLineOptions options)
    {
        var number = new Argument<int>("N") { Description = "Number of the interface, as in Virtual-Access7." };
        var command = new Command("virtual-access", "Of a session's interface, with counters.") { number };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var policies = await client.GetPolicyMapsAsync(parsed.GetRequiredValue(number), cancellation);
            if (parsed.GetValue(json))
                PrintJson(policies, AdminJsonContext.Default.IReadOnlyListPolicyMapRecord, options.Output);
            else
                PolicyMapTable.Print(policies, options);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Simple<T>(
        string name, string description, Option<string> socket, Option<bool> json, CommandLineOptions options,
        Func<AdminClient, CancellationToken, Task<T>> ask, JsonTypeInfo<T> type, Action<T, CommandLineOptions> print)
    {
        var command = new Command(name, description);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var answer = await ask(client, cancellation);
            if (parsed.GetValue(json))
                PrintJson(answer, type, options.Output);
            else
                print(answer, options);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary><c>show interface virtual-access N</c>, <c>show derived-config interface virtual-access N</c>.</summary>
    private static Command Interface(
        string name, string description, Option<string> socket, Option<bool> json, CommandLineOptions options, Action<InterfaceRecord, CommandLineOptions> print)
    {
        var number = new Argument<int>("N") { Description = "Number of the interface." };
        var access = new Command("virtual-access", "The interface of a session.") { number };
        access.SetAction(async (parsed, cancellation) =>
        {
            using var client = new AdminClient(parsed.GetRequiredValue(socket));
            var shown = await client.GetInterfaceAsync(parsed.GetRequiredValue(number), cancellation);
            if (parsed.GetValue(json))
                PrintJson(shown, AdminJsonContext.Default.InterfaceRecord, options.Output);
            else
                print(shown, options);
            return ExitCodes.Done;
        });
        return name == "interface" ? new Command(name, description) { access } : new Command(name, description) { new Command("interface", "Of an interface.") { access } };
    }

    private static Argument<string?> DetailArgument()
    {
        var detail = new Argument<string?>("detail") { Description = "Everything that is known.", Arity = ArgumentArity.ZeroOrOne };
        detail.AcceptOnlyFromAmong("detail");
        return detail;
    }

    internal static void PrintJson<T>(T value, JsonTypeInfo<T> type, TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
            JsonSerializer.Serialize(writer, value, type);
        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
    }
}
