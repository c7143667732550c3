using System.Globalization;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>How a client comes back to its session.</summary>
internal enum ReturnWay
{
    /// <summary>By session-id and token (FlexVPN's auto-reconnect), by the headend's default attributes.</summary>
    Reconnect,

    /// <summary>By ticket (RFC 5723).</summary>
    Ticket,

    /// <summary>By another login, for comparison.</summary>
    Login,
}

/// <summary>The figures of one wave of logins or returns.</summary>
/// <param name="Name">What they did.</param>
/// <param name="Succeeded">So many are in.</param>
/// <param name="Failed">So many are not.</param>
/// <param name="RatePerSecond">Reached.</param>
/// <param name="GatewayMilliseconds">The gateway's CPU time for each.</param>
/// <param name="LatencyMilliseconds">Of those that are in.</param>
internal sealed record WaveRecord(string Name, int Succeeded, int Failed, double RatePerSecond, double GatewayMilliseconds, LatencyRecord LatencyMilliseconds)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name} {Succeeded} {Failed} {RatePerSecond:F1} {GatewayMilliseconds:F3} {LatencyMilliseconds.P50} {LatencyMilliseconds.P99}");
}

/// <summary>
/// Everybody logs in; then each client loses its IKE SA without a word, as with another network, and comes back, wave after wave at the same rate. The gateway's CPU time is taken
/// around each wave.
/// </summary>
internal static class LoadReturns
{
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(2);

    public static ConfigurationAttributeType SessionId { get; } = new(28717);

    public static ConfigurationAttributeType Token { get; } = new(28718);

    /// <param name="options">Of the logins; <see cref="LoadOptions.Return"/> says how they come back.</param>
    /// <param name="waves">Returns of everybody.</param>
    /// <param name="gateway">The gateway's process.</param>
    /// <param name="output">Gets a line after each wave.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The last wave's report with the figures of all.</returns>
    public static LoadReport Run(LoadOptions options, int waves, int gateway, TextWriter output, CancellationToken cancellation)
    {
        var watch = new GatewayWatch(gateway);
        using var run = new LoadRun(options);
        var records = new List<WaveRecord>();
        var failed = 0;
        LoadReport report = null!;
        for (var wave = 0; wave <= waves && !cancellation.IsCancellationRequested; wave++)
        {
            var before = watch.CpuMilliseconds();
            if (wave == 0)
                run.LogIn(cancellation);
            else
                run.Return((client, plain) => Back(client, plain, options.Return!.Value), cancellation);
            report = run.Report();
            failed += report.Failed;
            var name = wave == 0 ? "first-login" : options.Return!.Value.ToString().ToLowerInvariant();
            var each = (watch.CpuMilliseconds() - before) / Math.Max(report.Succeeded, 1);
            records.Add(new WaveRecord(name, report.Succeeded, report.Failed, report.RatePerSecond, Math.Round(each, 3), report.LatencyMilliseconds));
            output.WriteLine(records[^1]);
            run.Idle(s_settle, cancellation);
        }

        run.Finish();
        return report with { Failed = failed, Waves = records };
    }

    private static TestInitiatorOptions Back(TestInitiator client, TestInitiatorOptions plain, ReturnWay way) => way switch
    {
        ReturnWay.Ticket => plain with { Ticket = client.Ticket ?? throw new InvalidOperationException("the gateway gave no ticket") },
        ReturnWay.Reconnect when client.Given.TryGetValue(SessionId, out var id) && client.Given.TryGetValue(Token, out var token) =>
            plain with { Identity = new IkeIdentity(IdType.KeyId, id), PreSharedKey = token },
        ReturnWay.Reconnect => throw new InvalidOperationException("the gateway gave no session-id and token"),
        _ => plain,
    };
}
