using System.Diagnostics;
using System.Globalization;
using System.Net;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Store;

namespace Headend.Load;

/// <summary>
/// Accounting records per second through the spool as the headend has it: written to SQLite (WAL, synchronous=FULL), sent, acknowledged, removed. Every session has
/// a Start, whose commit it waits for as a login does, and a Stop.
/// </summary>
internal static class AccountingLoad
{
    /// <param name="server">Null: an echo server in this process.</param>
    /// <param name="secret">Shared with it.</param>
    /// <param name="directory">Where the spool is made, and removed at the end.</param>
    /// <param name="count">Sessions in all.</param>
    /// <param name="concurrency">Sessions at a time.</param>
    /// <param name="output">Gets one line.</param>
    public static async Task<int> RunAsync(IPEndPoint? server, string secret, string directory, int count, int concurrency, TextWriter output)
    {
        using var echo = server is null ? new RadiusEcho(new IPEndPoint(IPAddress.Loopback, 0), secret) : null;
        var target = server ?? echo!.EndPoint;
        using var shared = RadiusSecret.FromText(secret);
        var place = Directory.CreateDirectory(Path.Combine(directory, $"headend-load-{Environment.ProcessId}"));
        try
        {
            await using var radius = new RadiusClient(new RadiusClientOptions(), TimeProvider.System);
            var options = new RadiusServerOptions("load", target.Address, shared) { AuthPort = target.Port, AcctPort = target.Port, StatusServer = StatusServerRule.Off };
            var group = radius.CreateGroup(new RadiusGroupOptions("load", [options]));
            using var store = EmbeddedStore.Open(Path.Combine(place.FullName, "load.db"), DateTimeOffset.UtcNow);
            await using var client = new AccountingClient(radius, new EmbeddedAccountingSpool(store), [new AccountingListOptions("load", [group])], TimeProvider.System);
            client.Start();
            await RunSessionsAsync(client, "warm", count / 10, concurrency);
            var before = client.GetStatistics();
            var processor = Process.GetCurrentProcess().TotalProcessorTime;
            var watch = Stopwatch.StartNew();
            var waits = await RunSessionsAsync(client, "load", count, concurrency);
            var seconds = watch.Elapsed.TotalSeconds;
            var used = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalMicroseconds / (2.0 * count);
            var after = client.GetStatistics();
            var (delivered, commits) = (after.Delivered - before.Delivered, after.Commits - before.Commits);
            Array.Sort(waits);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"records={2 * count} delivered={delivered} per-second={delivered / seconds:0} commits={commits} records-per-commit={(after.CommittedRecords - before.CommittedRecords) / (double)commits:0.0} start-p50-ms={waits[count / 2]:0.0} start-p99-ms={waits[count * 99 / 100]:0.0} cpu-us={used:0.0} retransmissions={radius.GetStatistics()[0].Retransmissions}"));
            return delivered == 2 * count && after.SpoolFailure is null ? 0 : 1;
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    /// <summary>Returns once everything is acknowledged; how long each Start waited for the disk, in milliseconds.</summary>
    private static async Task<double[]> RunSessionsAsync(AccountingClient client, string prefix, int count, int concurrency)
    {
        var waits = new double[count];
        var begun = -1;
        var endpoint = new IPEndPoint(IPAddress.Loopback, 4500);
        var lanes = new Task[concurrency];
        for (var i = 0; i < lanes.Length; i++)
        {
            lanes[i] = Task.Run(async () =>
            {
                for (int number; (number = Interlocked.Increment(ref begun)) < count;)
                {
                    var name = $"{prefix}{number}";
                    var nas = new NasSessionRecord
                    {
                        UserName = name,
                        AuditSessionId = name,
                        AcctSessionId = name,
                        NasPort = (uint)number,
                        NasIdentifier = "load",
                        RemoteEndpoint = endpoint,
                        LocalEndpoint = endpoint,
                    };
                    var session = new AccountingSession(nas, SessionProfile.Empty, [IPAddress.Parse("10.99.0.1")], AcctAuthentic.Radius, DateTimeOffset.UtcNow);
                    var at = Stopwatch.GetTimestamp();
                    await client.Enqueue("load", session.Start());
                    waits[number] = Stopwatch.GetElapsedTime(at).TotalMilliseconds;
                    await client.Enqueue("load", session.Stop(DateTimeOffset.UtcNow, TimeSpan.FromSeconds(1), new TrafficCounters(1, 2, 3, 4), AcctTerminateCause.UserRequest));
                }
            });
        }
        await Task.WhenAll(lanes);
        while (client.Waiting > 0)
            await Task.Delay(1);
        return waits;
    }
}
