using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Load;

/// <summary>Requests per second through the headend's RADIUS client: PAP Access-Requests, a fixed number under way at a time.</summary>
internal static class RadiusLoad
{
    /// <param name="server">Null: an echo server in this process.</param>
    /// <param name="secret">Shared with it.</param>
    /// <param name="user">User-Name.</param>
    /// <param name="password">User-Password.</param>
    /// <param name="count">Requests in all, after a tenth of them to warm up.</param>
    /// <param name="concurrency">Under way at a time.</param>
    /// <param name="output">Gets one line.</param>
    public static async Task<int> RunAsync(IPEndPoint? server, string secret, string user, string password, int count, int concurrency, TextWriter output)
    {
        using var echo = server is null ? new RadiusEcho(new IPEndPoint(IPAddress.Loopback, 0), secret) : null;
        var target = server ?? echo!.EndPoint;
        using var shared = RadiusSecret.FromText(secret);
        await using var client = new RadiusClient(new RadiusClientOptions(), TimeProvider.System);
        var group = client.CreateGroup(new RadiusGroupOptions("load", [new RadiusServerOptions("load", target.Address, shared) { AuthPort = target.Port }]));
        await SendAsync(client, group, user, password, count / 10, concurrency);
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        var accepted = await SendAsync(client, group, user, password, count, concurrency);
        var seconds = watch.Elapsed.TotalSeconds;
        var used = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalMicroseconds / count;
        var statistics = client.GetStatistics()[0];
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"requests={count} accepted={accepted} per-second={count / seconds:0} cpu-us={used:0.0} retransmissions={statistics.Retransmissions} ports={statistics.SourcePorts} slowest-ms={statistics.SlowestRoundTrip?.TotalMilliseconds:0.0}"));
        return accepted == count ? 0 : 1;
    }

    /// <summary>Answers every request with an Access-Accept or Accounting-Response until cancelled.</summary>
    public static async Task<int> EchoAsync(IPEndPoint listen, string secret, TextWriter output, CancellationToken cancellation)
    {
        using var echo = new RadiusEcho(listen, secret);
        await output.WriteLineAsync($"ready {echo.EndPoint}");
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }

    private static async Task<int> SendAsync(RadiusClient client, RadiusServerGroup group, string user, string password, int count, int concurrency)
    {
        var octets = Encoding.UTF8.GetBytes(password);
        var (begun, accepted) = (0, 0);
        var lanes = new Task[concurrency];
        for (var i = 0; i < lanes.Length; i++)
        {
            lanes[i] = Task.Run(async () =>
            {
                while (Interlocked.Increment(ref begun) <= count)
                {
                    var request = new RadiusRequest(RadiusCode.AccessRequest)
                        .Add(RadiusAttributeType.UserName, user).AddUserPassword(octets).Add(RadiusAttributeType.NasPort, 0).Add(RadiusAttributeType.NasIdentifier, "load");
                    if (await client.SendAsync(group, request, CancellationToken.None) is RadiusOutcome.Accept)
                        Interlocked.Increment(ref accepted);
                }
            });
        }
        await Task.WhenAll(lanes);
        return accepted;
    }
}
