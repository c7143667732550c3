using System.Globalization;
using System.Net;
using System.Text;
using Headend.Admin;
using Headend.Configuration;
using Headend.Eap;
using Spectre.Console;

namespace Headend.Cli;

/// <summary>The tables that <c>show</c> prints. Texts of peers are shown without control characters, so that a name cannot drive a terminal.</summary>
internal static class AdminTables
{
    /// <summary>FlexVPN's, where it prints it, of the letters that there are here.</summary>
    private const string CapabilityLegend =
        "Crypto session current status\n\nCode: D - Dead Peer Detection, N - NAT-traversal\nX - IKE Extended Authentication, F - IKE Fragmentation\nR - IKE Auto Reconnect\n";

    public static void Sessions(IReadOnlyList<SessionRecord> sessions, bool detail, CommandLineOptions options)
    {
        var console = Open(options);
        if (detail)
        {
            console.WriteLine(CapabilityLegend);
            foreach (var session in sessions)
                SessionDetail(console, session);
            return;
        }
        var table = Columns("Id", "User", "Interface", "Status", "Address", "Remote", "Uptime", "In", "Out");
        foreach (var s in sessions)
        {
            Row(table, s.Id, s.User, s.Interface, s.Status, string.Join(" ", s.AssignedAddresses), EndPoint(s.RemoteAddress, s.RemotePort),
                Uptime(s.UptimeSeconds), Octets(s.InOctets), Octets(s.OutOctets));
        }
        console.Write(table);
    }

    public static void IkeSas(IReadOnlyList<IkeSaDetailRecord> sas, bool detail, CommandLineOptions options)
    {
        var console = Open(options);
        if (detail)
        {
            foreach (var sa in sas)
                IkeSaDetail(console, sa);
            return;
        }
        var table = Columns("Local SPI", "Remote SPI", "Remote", "Identity", "User", "State", "Age", "Transforms");
        foreach (var sa in sas)
        {
            Row(table, sa.IkeSa.LocalSpi, sa.IkeSa.RemoteSpi, EndPoint(sa.RemoteAddress, sa.RemotePort), sa.RemoteIdentity, sa.User, sa.State,
                Uptime(sa.AgeSeconds), Transforms(sa.IkeSa));
        }
        console.Write(table);
    }

    public static void AaaServers(IReadOnlyList<AaaServerRecord> servers, CommandLineOptions options)
    {
        var table = Columns("Name", "Address", "Ports", "State", "Accounting", "Requests", "Accepts", "Rejects", "Timeouts", "Bad replies", "Probes", "Pending", "Latency", "Slowest");
        foreach (var s in servers)
        {
            var dead = s.DeadForSeconds is { } left ? $" for {Uptime(left)}" : s.ConnectionFailure is { } why ? $": {why}" : "";
            Row(table, s.Name, s.Address, $"{s.Transport} {s.AuthPort}{(s.AcctPort == s.AuthPort ? "" : $" {s.AcctPort}")}", s.State == "dead" ? s.State + dead : s.State,
                s.AccountingState, Number(s.Requests), Number(s.Accepts), Number(s.Rejects), Number(s.Timeouts), Number(s.BadReplies), $"{s.ProbesAnswered}/{s.Probes}",
                Number(s.Pending), Latency(s.LatencyMilliseconds), Latency(s.SlowestMilliseconds));
        }
        Open(options).Write(table);
    }

    // One line for each range, as `show ip local pool` has it; the numbers are the whole pool's and stand in its first line.
    public static void Pools(IReadOnlyList<AddressPoolRecord> pools, CommandLineOptions options)
    {
        var table = Columns("Pool", "Begin", "End", "Free", "In use", "Held down", "High water", "Exhausted");
        foreach (var pool in pools)
        {
            var name = pool.PrefixLength is { } length ? $"{pool.Name} (/{length})" : pool.Name;
            Row(table, name, pool.Ranges[0].First, pool.Ranges[0].Last, pool.Free, Number(pool.InUse), Number(pool.HeldDown), Number(pool.HighWater), Number(pool.Exhausted));
            foreach (var range in pool.Ranges.Skip(1))
                Row(table, " ", range.First, range.Last, " ", " ", " ", " ", " ");
        }
        Open(options).Write(table);
    }

    public static void Lockouts(IReadOnlyList<LockoutRecord> lockouts, CommandLineOptions options)
    {
        var table = Columns("User", "Wrong passwords", "Locked out");
        foreach (var lockout in lockouts)
            Row(table, lockout.User, Number(lockout.Failures), lockout.LockedForSeconds is { } left ? $"for {Uptime(left)}" : "no");
        Open(options).Write(table);
    }

    /// <summary>Users of the user file; no secret in any form.</summary>
    public static void LocalUsers(IReadOnlyList<LocalUserOptions> users, CommandLineOptions options)
    {
        var table = Columns("Name", "Policy", "Attribute list", "Methods");
        foreach (var user in users)
        {
            EapType[] methods = [EapType.MsChapV2, EapType.Gtc, EapType.Md5];
            Row(table, user.Name, user.Policy, user.AttributeList, user.HasSecret ? string.Join(' ', methods.Where(user.Serves)) : "certificate only");
        }

        Open(options).Write(table);
    }

    private static void SessionDetail(IAnsiConsole console, SessionRecord s)
    {
        Lines(console, $"Session {s.Id}", [
            ("status", s.Status), ("profile", s.Profile), ("matched by", s.ProfileMatch), ("user", s.User), ("ike identity", s.IkeIdentity),
            ("eap identity", s.EapIdentity), ("authentication", s.Authentication), ("local identity", s.LocalIdentity), ("local auth", s.LocalAuthentication),
            ("pre-shared key", s.KeyringEntry), ("groups", string.Join(" ", s.Groups)), ("remote", EndPoint(s.RemoteAddress, s.RemotePort)),
            ("local", EndPoint(s.LocalAddress, s.LocalPort)), ("interface", $"{s.Interface} ({s.Device})"),
            ("assigned", string.Join(" ", s.AssignedAddresses)), ("dhcp lease", s.DhcpLease is { } lease
                ? $"{lease.State}, of {lease.Server} through {lease.Relay}, {(lease.ExpiresInSeconds is { } left ? $"expires in {Uptime(left)}" : "without end")}, client {lease.ClientIdentifier}"
                : null),
            ("framed prefix", s.FramedPrefix), ("delegated prefix", s.DelegatedPrefix),
            ("audit-session-id", s.AuditSessionId), ("acct-session-id", s.AcctSessionId),
            ("uptime", Uptime(s.UptimeSeconds)), ("reconnected", s.Reconnected ? "yes" : "no"),
            ("in", $"{s.InOctets} octets, {s.InPackets} packets"), ("out", $"{s.OutOctets} octets, {s.OutPackets} packets"),
            .. s.IkeSa is { } sa ? IkeSaLines(sa) : [], .. s.ChildSas.SelectMany(ChildSaLines)]);
    }

    private static void IkeSaDetail(IAnsiConsole console, IkeSaDetailRecord sa)
    {
        Lines(console, $"IKE SA {sa.IkeSa.LocalSpi}", [
            ("state", sa.State), ("waits for", sa.Story), ("session", sa.SessionId), ("profile", sa.Profile), ("matched by", sa.ProfileMatch), ("auth sign", sa.AuthSign), ("auth verify", sa.AuthVerify),
            ("remote identity", sa.RemoteIdentity), ("remote eap id", sa.EapIdentity), ("user", sa.User),
            ("remote", EndPoint(sa.RemoteAddress, sa.RemotePort)), ("local", EndPoint(sa.LocalAddress, sa.LocalPort)), ("age", Uptime(sa.AgeSeconds)),
            ("rekey in", sa.RekeyInSeconds is { } rekey ? Uptime(rekey) : null), .. IkeSaLines(sa.IkeSa), .. sa.ChildSas.SelectMany(ChildSaLines)]);
    }

    private static (string, string?)[] IkeSaLines(IkeSaRecord sa) =>
    [
        ("ike spis", $"local {sa.LocalSpi} remote {sa.RemoteSpi}"), ("ike transforms", Transforms(sa)), ("nat", sa.Nat),
        ("capabilities", Capabilities(sa.Capabilities)),
    ];

    // "DNX ticket": letters as IOS joins them, then words.
    private static string Capabilities(IReadOnlyList<string> shown) =>
        string.Join(' ', shown.Where(c => c.Length > 1).Prepend(string.Concat(shown.Where(c => c.Length == 1)))).TrimStart();

    private static (string, string?)[] ChildSaLines(ChildSaRecord child) =>
    [
        ("child sa", $"in {child.InSpi} out {child.OutSpi} {child.Transform} {child.Mode} mode"),
        ("  local", string.Join(" ", child.LocalSelectors)), ("  remote", string.Join(" ", child.RemoteSelectors)),
    ];

    internal static void Lines(IAnsiConsole console, string title, (string Name, string? Value)[] lines)
    {
        console.WriteLine(Clean(title));
        foreach (var (name, value) in lines)
            if (!string.IsNullOrEmpty(value))
                console.WriteLine($"  {name,-18}{Clean(value)}");
    }

    internal static IAnsiConsole Open(CommandLineOptions options)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(options.Output),
        });
        console.Profile.Width = options.Width;
        return console;
    }

    internal static Table Columns(params string[] names)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var name in names)
            table.AddColumn(new TableColumn(new Text(name)).NoWrap());
        return table;
    }

    internal static void Row(Table table, params string?[] cells) =>
        table.AddRow(cells.Select(c => new Text(string.IsNullOrEmpty(c) ? "-" : Clean(c))));

    internal static string Clean(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        var clean = new StringBuilder();
        foreach (var c in text)
            clean.Append(char.IsControl(c) ? '\uFFFD' : c);
        return clean.ToString();
    }

    private static string EndPoint(string address, int port) =>
        IPAddress.TryParse(address, out var parsed) ? new IPEndPoint(parsed, port).ToString() : $"{address} {port}";

    private static string Transforms(IkeSaRecord sa) =>
        string.Join(" ", ((string?[])[sa.Encryption, sa.Integrity, sa.Prf, sa.DhGroup]).Where(t => !string.IsNullOrEmpty(t)));

    private static string Latency(double? milliseconds) => milliseconds is { } known ? known.ToString("0.0 ms", CultureInfo.InvariantCulture) : "-";

    internal static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    internal static string Octets(ulong octets) => octets switch
    {
        < 10_000 => $"{octets} B",
        < 10_000_000 => $"{octets / 1_000} kB",
        < 10_000_000_000 => $"{octets / 1_000_000} MB",
        _ => $"{octets / 1_000_000_000} GB",
    };

    internal static string Uptime(long seconds)
    {
        var time = TimeSpan.FromSeconds(seconds);
        return time.Days > 0 ? $"{time.Days}d {time:hh\\:mm\\:ss}" : time.ToString("hh\\:mm\\:ss", CultureInfo.InvariantCulture);
    }
}
