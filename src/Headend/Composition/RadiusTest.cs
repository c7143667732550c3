using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Cli;
using Headend.Configuration;
using Headend.Runtime;

namespace Headend.Composition;

/// <summary><c>headend radius test</c>: asks servers as the headend would, with the same client, and prints what they say.</summary>
internal sealed class RadiusTest : IRadiusObserver
{
    private readonly ConcurrentQueue<string> remarks = new();
    private readonly TextWriter output;

    private RadiusTest(TextWriter output) => this.output = output;

    public static async Task<int> RunAsync(RadiusTestOptions options, CommandLineOptions command, CancellationToken cancellation)
    {
        var outcome = ConfigurationParser.Load(options.ConfigurationFile, command.Rules);
        foreach (var diagnostic in outcome.Diagnostics)
            await command.Error.WriteLineAsync(diagnostic.ToString());
        if (outcome.Configuration is not { } configuration)
            return ExitCodes.Failed;
        var radius = configuration.Radius;
        var names = radius.Groups.FirstOrDefault(g => g.Name == options.Name)?.Servers ?? [.. radius.Servers.Select(s => s.Name).Where(n => n == options.Name)];
        if (names.Count == 0)
        {
            var all = radius.Servers.Select(s => s.Name).Concat(radius.Groups.Select(g => g.Name));
            await command.Error.WriteLineAsync($"headend: no RADIUS server or group '{options.Name}'; configured: {string.Join(", ", all)}");
            return ExitCodes.Failed;
        }
        // What is not asked is not connected to.
        var narrowed = configuration with
        {
            Radius = radius with { Servers = [.. radius.Servers.Where(s => names.Contains(s.Name))], Groups = [] },
            Aaa = configuration.Aaa with { Accounting = [] },
        };
        var test = new RadiusTest(command.Output);
        try
        {
            await using var composition = new RadiusComposition(narrowed, TimeProvider.System, test);
            var good = true;
            foreach (var server in narrowed.Radius.Servers)
                good &= await test.AskAsync(composition, narrowed, server, options, cancellation);
            return good ? ExitCodes.Done : ExitCodes.Failed;
        }
        catch (HeadendStartException error)
        {
            await command.Error.WriteLineAsync("headend: " + error.Message);
            return ExitCodes.Failed;
        }
    }

    void IRadiusObserver.ReplyIgnored(string server, RadiusError reason) => remarks.Enqueue($"a reply was ignored: {reason}");

    void IRadiusObserver.ConnectionUp(string server, string protocol) => remarks.Enqueue($"connected: {protocol}");

    void IRadiusObserver.ConnectionDown(string server, string reason, TimeSpan retryIn) => remarks.Enqueue($"no connection: {reason}");

    private async Task<bool> AskAsync(
        RadiusComposition radius, HeadendConfiguration configuration, Configuration.RadiusServerOptions server, RadiusTestOptions options, CancellationToken cancellation)
    {
        var group = radius.Alone(server.Name);
        var client = radius.Client!;
        await output.WriteLineAsync($"{server.Name} {server.Address}{(server.Tls is null ? "" : " over TLS")}");
        var alive = await ProbeAsync(client, group, server, accounting: false, server.Tls?.Port ?? server.AuthPort);
        if (server.Tls is null)
            await ProbeAsync(client, group, server, accounting: true, server.AcctPort);
        if (options.User is null)
            return alive;
        var session = new NasSessionRecord
        {
            UserName = options.User,
            AuditSessionId = "radius-test",
            AcctSessionId = "radius-test",
            NasPort = 0,
            RemoteEndpoint = new IPEndPoint(IPAddress.Loopback, 0),
            LocalEndpoint = new IPEndPoint(server.SourceAddress ?? AddressTowards(server.Address), 0),
            NasIdentifier = configuration.Radius.NasIdentifier ?? Environment.MachineName,
            ConnectInfo = "headend radius test",
        };
        var request = AccessRequestCodec.BuildPap(session, Encoding.UTF8.GetBytes(options.Password!));
        var began = TimeProvider.System.GetTimestamp();
        var outcome = await client.SendAsync(group, request, cancellation);
        request.ForgetPassword();
        var took = Milliseconds(TimeProvider.System.GetElapsedTime(began));
        await FlushRemarksAsync();
        if (outcome is not RadiusOutcome.Answer answer)
        {
            await output.WriteLineAsync($"  Access-Request for {options.User}: {(outcome is RadiusOutcome.Unsendable unsendable ? unsendable.Explain() : ((RadiusOutcome.Unavailable)outcome).Explain())}");
            return false;
        }
        var protection = answer.Packet.HasMessageAuthenticator ? "" : ", without Message-Authenticator";
        await output.WriteLineAsync($"  Access-Request for {options.User}: {answer.Packet.Code} in {took}{protection}");
        foreach (var line in RadiusPacketText.Lines(answer.Packet))
            await output.WriteLineAsync("    " + line);
        return outcome is RadiusOutcome.Accept;
    }

    private async Task<bool> ProbeAsync(RadiusClient client, RadiusServerGroup group, Configuration.RadiusServerOptions server, bool accounting, int port)
    {
        var took = await client.ProbeAsync(group, server.Name, accounting);
        await FlushRemarksAsync();
        var answer = took is { } time ? $"answered in {Milliseconds(time)}" : $"no answer in {server.Timeout.TotalSeconds:0} s (servers may be set up not to answer it)";
        await output.WriteLineAsync($"  Status-Server to port {port}: {answer}");
        return took is not null;
    }

    private async Task FlushRemarksAsync()
    {
        while (remarks.TryDequeue(out var remark))
            await output.WriteLineAsync("  " + remark);
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.0 ms", CultureInfo.InvariantCulture);

    /// <summary>What the kernel would send from; nothing is sent.</summary>
    private static IPAddress AddressTowards(IPAddress server)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(server, 9);
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return server.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;
        }
    }
}
