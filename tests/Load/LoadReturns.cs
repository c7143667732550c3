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
/// <param name="RadiusMilliseconds">The RADIUS server's; 0 where nobody named its process.</param>
/// <param name="LatencyMilliseconds">Of those that are in.</param>
internal sealed record WaveRecord(string Name, int Succeeded, int Failed, double RatePerSecond, double GatewayMilliseconds, double RadiusMilliseconds, LatencyRecord LatencyMilliseconds)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name} {Succeeded} {Failed} {RatePerSecond:F1} {GatewayMilliseconds:F3} {RadiusMilliseconds:F3} {LatencyMilliseconds.P50} {LatencyMilliseconds.P99}");
}

/// <summary>
/// Everybody logs in; then all clients lose their IKE SAs without a word and come back, wave after wave at the same rate: at once, as with another network, or when the gateway
/// has noticed. The gateway's CPU time is taken around each wave.
/// </summary>
internal static class LoadReturns
{
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(2);

    public static ConfigurationAttributeType SessionId { get; } = new(28717);

    public static ConfigurationAttributeType Token { get; } = new(28718);

    /// <param name="options">Of the logins; <see cref="LoadOptions.Return"/> says how they come back.</param>
    /// <param name="waves">Returns of everybody, each once at once and once after <see cref="LoadOptions.Sleep"/>, where that is not zero.</param>
    /// <param name="gateway">The gateway's process.</param>
    /// <param name="radius">The RADIUS server's process; 0 for none.</param>
    /// <param name="output">Gets a line after each wave.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The last wave's report with the figures of all.</returns>
    public static LoadReport Run(LoadOptions options, int waves, int gateway, int radius, TextWriter output, CancellationToken cancellation)
    {
        var (watch, server) = (new GatewayWatch(gateway), radius > 0 ? new GatewayWatch(radius) : null);
        using var run = new LoadRun(options);
        var way = options.Return!.Value;
        var records = new List<WaveRecord> { Measure(run, watch, server, "first-login", () => run.LogIn(cancellation)) };
        output.WriteLine(records[0]);
        for (var wave = 0; wave < waves && !cancellation.IsCancellationRequested; wave++)
        {
            foreach (var sleep in options.Sleep > TimeSpan.Zero ? [TimeSpan.Zero, options.Sleep] : new[] { TimeSpan.Zero })
            {
                run.Idle(s_settle, cancellation);
                run.Vanish((client, plain) => Back(client, plain, way));
                run.Idle(sleep, cancellation);
                records.Add(Measure(run, watch, server, (sleep > TimeSpan.Zero ? "asleep-" : "") + way.ToString().ToLowerInvariant(), () => run.Return(cancellation)));
                output.WriteLine(records[^1]);
            }
        }

        run.Finish();
        return run.Report() with { Failed = records.Sum(r => r.Failed), Waves = records };
    }

    private static WaveRecord Measure(LoadRun run, GatewayWatch watch, GatewayWatch? server, string name, Action wave)
    {
        var (before, serverBefore) = (watch.CpuMilliseconds(), server?.CpuMilliseconds() ?? 0);
        wave();
        var report = run.Report();
        var (each, serverEach) = (Each(watch.CpuMilliseconds() - before), Each((server?.CpuMilliseconds() ?? 0) - serverBefore));
        return new WaveRecord(name, report.Succeeded, report.Failed, report.RatePerSecond, each, serverEach, report.LatencyMilliseconds);

        double Each(double all) => Math.Round(all / Math.Max(report.Succeeded, 1), 3);
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
