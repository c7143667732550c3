using System.CommandLine;
using System.Globalization;
using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Load;

var target = new Option<string>("--target") { Description = "Gateway: ADDRESS[:PORT]. Port 4500 (default): everything goes there; 500: IKE_SA_INIT goes there first.", Required = true, HelpName = "ADDRESS" };
var count = new Option<int>("--count") { Description = "Logins in all.", DefaultValueFactory = _ => 1 };
var rate = new Option<double>("--rate") { Description = "Logins begun per second; 0 = as fast as the concurrency allows." };
var concurrency = new Option<int>("--concurrency") { Description = "Most logins under way at a time.", DefaultValueFactory = _ => 100 };
var user = new Option<string>("--user") { Description = "EAP user; %d becomes the login's number.", Required = true, HelpName = "USER" };
var password = new Option<string>("--password") { Description = "Its password.", Required = true, HelpName = "PASSWORD" };
var ca = new Option<string?>("--ca") { Description = "PEM file of the authorities that the gateway's certificate must chain to; without it any certificate is taken.", HelpName = "FILE" };
var proposal = new Option<string>("--proposal") { Description = "IKE proposal.", DefaultValueFactory = _ => "aes256-sha256-x25519", HelpName = "PROPOSAL" };
var esp = new Option<string>("--esp-proposal") { Description = "ESP proposal.", DefaultValueFactory = _ => "aes256gcm16", HelpName = "PROPOSAL" };
var hold = new Option<double>("--hold") { Description = "Keep the sessions this long after the last login and answer DPD.", HelpName = "SECONDS" };
var delete = new Option<bool>("--delete") { Description = "Delete each session: after its login, or after --hold. Without it sessions are left behind." };
var churn = new Option<string?>("--churn") { Description = "Let each session live for a random time of LEAST-MOST seconds, then delete it.", HelpName = "LEAST-MOST" };
var sessions = new Option<string?>("--sessions") { Description = "Write the user of each established session there at once, a line each.", HelpName = "FILE" };
var returnsFile = new Option<string?>("--save-returns") { Description = "Ask for session-id and token, and write there what each established session can be come back to with, a line each.", HelpName = "FILE" };
var returnFrom = new Option<string?>("--return-from") { Description = "Come back to the sessions that another run wrote with --save-returns, instead of logging in; --count is their number.", HelpName = "FILE" };
var sourcePorts = new Option<int>("--source-ports") { Description = "UDP sockets to spread the logins over.", DefaultValueFactory = _ => 4 };
var probe = new Option<bool>("--probe") { Description = "Log in once before the load and measure how fast that session's liveness checks are answered." };
var ipv6 = new Option<bool>("--ipv6") { Description = "Ask for an inner IPv6 address too." };
var timeout = new Option<double>("--timeout") { Description = "A login that takes longer has failed.", DefaultValueFactory = _ => 60, HelpName = "SECONDS" };
var traffic = new Option<string?>("--traffic") { Description = "Send numbered UDP packets through the first sessions to this echo server while they are held; each that does not come back is counted.", HelpName = "ADDRESS:PORT" };
var trafficSessions = new Option<int>("--traffic-sessions") { Description = "How many sessions carry traffic.", DefaultValueFactory = _ => 20 };
var trafficRate = new Option<double>("--traffic-rate") { Description = "Their packets per second, all together.", DefaultValueFactory = _ => 500 };
var rounds = new Option<int>("--rounds") { Description = "Log everybody in, hold and delete so often, and look at the gateway each time.", DefaultValueFactory = _ => 0 };
var gatewayProcess = new Option<int>("--gateway-pid") { Description = "The gateway's process, for --rounds and --return.", HelpName = "PID" };
var radiusProcess = new Option<int>("--radius-pid") { Description = "The RADIUS server's process, for --return: its CPU time beside the gateway's.", HelpName = "PID" };
var back = new Option<ReturnWay?>("--return") { Description = "After the logins everybody comes back: by Ticket (RFC 5723), by Reconnect (session-id and token), or by another Login; with the gateway's CPU time of each wave." };
var sleep = new Option<double>("--sleep") { Description = "Behind each return everybody comes back once more, after so long a silence that the gateway has noticed it.", HelpName = "SECONDS" };
var waves = new Option<int>("--waves") { Description = "How often everybody comes back.", DefaultValueFactory = _ => 2 };
var json = new Option<string?>("--json") { Description = "Write the figures there.", HelpName = "FILE" };

var root = new RootCommand("Does complete EAP-MSCHAPv2 logins against an IKEv2 responder and reports rate, latency and failures. Exit code 1 if a login failed.")
{
    target, count, rate, concurrency, user, password, ca, proposal, esp, hold, delete, churn, sessions, returnsFile, returnFrom, sourcePorts, probe, ipv6, timeout, traffic, trafficSessions, trafficRate, rounds, gatewayProcess, radiusProcess, back, sleep, waves, json,
};
root.SetAction((parsed, cancellation) =>
{
    if (!TryReadTarget(parsed.GetRequiredValue(target), out var endPoint))
        return Task.FromResult(Refuse("--target wants ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"));
    if (!ProposalParser.TryParseIke(parsed.GetRequiredValue(proposal), out var ike, out var error)
        || !ProposalParser.TryParseEsp(parsed.GetRequiredValue(esp), out var espProposal, out error))
        return Task.FromResult(Refuse(error));
    if (parsed.GetValue(count) < 1 || parsed.GetValue(concurrency) < 1 || parsed.GetValue(sourcePorts) is < 1 or > 1000 || parsed.GetValue(rate) < 0)
        return Task.FromResult(Refuse("--count, --concurrency and --source-ports want positive numbers"));
    if (!TryReadChurn(parsed.GetValue(churn), out var lifetime))
        return Task.FromResult(Refuse("--churn wants LEAST-MOST in seconds"));
    IPEndPoint? echo = null;
    if (parsed.GetValue(traffic) is { } echoText && (!IPEndPoint.TryParse(echoText, out echo) || echo.Port == 0))
        return Task.FromResult(Refuse("--traffic wants ADDRESS:PORT"));
    if (echo is not null && (parsed.GetValue(hold) < 5 || parsed.GetValue(trafficSessions) < 1 || parsed.GetValue(trafficRate) <= 0))
        return Task.FromResult(Refuse("--traffic wants --hold of 5 s at least, and positive numbers"));
    if (parsed.GetValue(rounds) > 0 && (parsed.GetValue(gatewayProcess) < 1 || parsed.GetValue(hold) <= 0 || !parsed.GetValue(delete)))
        return Task.FromResult(Refuse("--rounds wants --gateway-pid, --hold and --delete"));
    if (parsed.GetValue(back) is not null && (parsed.GetValue(gatewayProcess) < 1 || parsed.GetValue(waves) < 1 || parsed.GetValue(rounds) > 0 || lifetime.Most > TimeSpan.Zero))
        return Task.FromResult(Refuse("--return wants --gateway-pid and --waves, and neither --rounds nor --churn"));
    IReadOnlyList<SavedReturn> returns = parsed.GetValue(returnFrom) is { } from ? SavedReturn.Read(from) : [];
    if (parsed.GetValue(returnFrom) is not null && returns.Count == 0)
        return Task.FromResult(Refuse("--return-from wants a file that --save-returns wrote"));
    var (trust, authorities) = LoadOptions.ReadAuthorities(parsed.GetValue(ca));
    var options = new LoadOptions
    {
        Target = endPoint,
        Count = returns.Count > 0 ? returns.Count : parsed.GetValue(count),
        Rate = parsed.GetValue(rate),
        Concurrency = parsed.GetValue(concurrency),
        User = parsed.GetRequiredValue(user),
        Password = parsed.GetRequiredValue(password),
        Trust = trust,
        Authorities = authorities,
        IkeProposals = [ike],
        EspProposals = [espProposal],
        Hold = TimeSpan.FromSeconds(parsed.GetValue(hold)),
        Delete = parsed.GetValue(delete),
        Churn = lifetime,
        SessionsFile = parsed.GetValue(sessions),
        ReturnsFile = parsed.GetValue(returnsFile),
        Returns = returns,
        SourcePorts = parsed.GetValue(sourcePorts),
        Probe = parsed.GetValue(probe),
        IPv6 = parsed.GetValue(ipv6),
        LoginTimeout = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
        JsonFile = parsed.GetValue(json),
        Traffic = echo,
        TrafficSessions = parsed.GetValue(trafficSessions),
        TrafficRate = parsed.GetValue(trafficRate),
        Return = parsed.GetValue(back),
        Sleep = TimeSpan.FromSeconds(parsed.GetValue(sleep)),
    };
    var report = options.Return is not null ? LoadReturns.Run(options, parsed.GetValue(waves), parsed.GetValue(gatewayProcess), parsed.GetValue(radiusProcess), Console.Out, cancellation)
        : parsed.GetValue(rounds) > 0 ? LoadRounds.Run(options, parsed.GetValue(rounds), parsed.GetValue(gatewayProcess), Console.Out, cancellation)
        : RunOnce(options, cancellation);
    report.Print(Console.Out);
    if (options.JsonFile is { } file)
        report.Write(file);
    return Task.FromResult(report.Failed == 0 && report.Succeeded > 0 ? 0 : 1);
});
root.Subcommands.Add(Radius());
root.Subcommands.Add(RadiusEcho());
root.Subcommands.Add(Accounting());
root.Subcommands.Add(AnyConnectLogin.Command());
return await root.Parse(args).InvokeAsync();

static LoadReport RunOnce(LoadOptions options, CancellationToken cancellation)
{
    using var run = new LoadRun(options);
    return run.Run(cancellation);
}

static Command Radius()
{
    var server = new Option<string?>("--server") { Description = "ADDRESS:PORT of a RADIUS server; without it one in this process that accepts everything.", HelpName = "ADDRESS" };
    var (secret, count, concurrency) = (Secret(), new Option<int>("--count") { DefaultValueFactory = _ => 200_000 }, new Option<int>("--concurrency") { DefaultValueFactory = _ => 256 });
    var (user, password) = (new Option<string>("--user") { DefaultValueFactory = _ => "load" }, new Option<string>("--password") { DefaultValueFactory = _ => "load-word" });
    var command = new Command("radius", "Measures the headend's RADIUS client: PAP requests per second.") { server, secret, user, password, count, concurrency };
    command.SetAction((parsed, _) =>
    {
        IPEndPoint? endPoint = null;
        if (parsed.GetValue(server) is { } text && !IPEndPoint.TryParse(text, out endPoint))
            return Task.FromResult(Refuse("--server wants ADDRESS:PORT"));
        return RadiusLoad.RunAsync(
            endPoint, parsed.GetRequiredValue(secret), parsed.GetRequiredValue(user), parsed.GetRequiredValue(password), parsed.GetValue(count), parsed.GetValue(concurrency), Console.Out);
    });
    return command;
}

static Command Accounting()
{
    var server = new Option<string?>("--server") { Description = "ADDRESS:PORT of a RADIUS accounting server; without it one in this process that accepts everything.", HelpName = "ADDRESS" };
    var (secret, count, concurrency) = (Secret(), new Option<int>("--count") { DefaultValueFactory = _ => 50_000 }, new Option<int>("--concurrency") { DefaultValueFactory = _ => 256 });
    var directory = new Option<string>("--directory") { Description = "Where the spool is made and removed.", DefaultValueFactory = _ => Path.GetTempPath() };
    var command = new Command("accounting", "Measures the accounting spool: a Start and a Stop of each of --count sessions, on the disk, sent, acknowledged.") { server, secret, directory, count, concurrency };
    command.SetAction((parsed, _) =>
    {
        IPEndPoint? endPoint = null;
        if (parsed.GetValue(server) is { } text && !IPEndPoint.TryParse(text, out endPoint))
            return Task.FromResult(Refuse("--server wants ADDRESS:PORT"));
        return AccountingLoad.RunAsync(
            endPoint, parsed.GetRequiredValue(secret), parsed.GetRequiredValue(directory), parsed.GetValue(count), parsed.GetValue(concurrency), Console.Out);
    });
    return command;
}

static Command RadiusEcho()
{
    var (port, secret) = (new Option<int>("--port") { Required = true }, Secret());
    var command = new Command("radius-echo", "A RADIUS server on loopback that accepts everything, for other clients to be measured against.") { port, secret };
    command.SetAction((parsed, cancellation) => RadiusLoad.EchoAsync(new IPEndPoint(IPAddress.Loopback, parsed.GetValue(port)), parsed.GetRequiredValue(secret), Console.Out, cancellation));
    return command;
}

static Option<string> Secret() => new("--secret") { Description = "Shared secret.", DefaultValueFactory = _ => "a-secret-of-24-octets-xy" };

static bool TryReadTarget(string text, out IPEndPoint endPoint)
{
    endPoint = new IPEndPoint(IPAddress.Any, 0);
    if (IPAddress.TryParse(text, out var address))
        endPoint = new IPEndPoint(address, 4500);
    else if (IPEndPoint.TryParse(text, out var parsed) && parsed.Port > 0)
        endPoint = parsed;
    return endPoint.Port > 0;
}

static bool TryReadChurn(string? text, out (TimeSpan Least, TimeSpan Most) churn)
{
    churn = default;
    if (text is null)
        return true;
    var parts = text.Split('-');
    if (parts.Length != 2 || !double.TryParse(parts[0], CultureInfo.InvariantCulture, out var least) || !double.TryParse(parts[1], CultureInfo.InvariantCulture, out var most) || least < 0 || most <= least)
        return false;
    churn = (TimeSpan.FromSeconds(least), TimeSpan.FromSeconds(most));
    return true;
}

static int Refuse(string reason)
{
    Console.Error.WriteLine("headend-load: " + reason);
    return 2;
}
