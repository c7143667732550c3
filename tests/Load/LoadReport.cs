using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Headend.Ikev2;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>Percentiles of a set of times, in milliseconds.</summary>
internal sealed record LatencyRecord(double P50, double P90, double P99, double Max)
{
    public static LatencyRecord Of(List<TimeSpan> times)
    {
        if (times.Count == 0)
            return new LatencyRecord(0, 0, 0, 0);
        times.Sort();
        return new LatencyRecord(At(times, 0.5), At(times, 0.9), At(times, 0.99), At(times, 1));
    }

    private static double At(List<TimeSpan> sorted, double share) =>
        Math.Round(sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))].TotalMilliseconds, 2);
}

/// <summary>What a run came to; the JSON of --json.</summary>
/// <param name="Succeeded">Logins that were established.</param>
/// <param name="Failed">Logins that were not.</param>
/// <param name="TimedOut">Of those, without an answer of the gateway.</param>
/// <param name="OfferedPerSecond">Logins begun per second.</param>
/// <param name="RatePerSecond">Logins established per second in the steady window: from a tenth of the time in which logins were begun to its end.</param>
/// <param name="Seconds">From the first login to the end of the last.</param>
/// <param name="Retransmissions">Of requests of all logins.</param>
/// <param name="CpuMillisecondsPerLogin">Of this tool.</param>
/// <param name="LatencyMilliseconds">Of established logins.</param>
/// <param name="Failures">Count by reason.</param>
/// <param name="Probe">Round trips of the probe's liveness checks, or null.</param>
/// <param name="ProbeUnanswered">Liveness checks of the probe that were still unanswered at the end, or that ended its session.</param>
/// <param name="ClosedByPeer">Held sessions that the gateway deleted.</param>
internal sealed record LoadReport(
    int Succeeded,
    int Failed,
    int TimedOut,
    double OfferedPerSecond,
    double RatePerSecond,
    double Seconds,
    int Retransmissions,
    double CpuMillisecondsPerLogin,
    LatencyRecord LatencyMilliseconds,
    SortedDictionary<string, int> Failures,
    LatencyRecord? Probe,
    int ProbeChecks,
    int ProbeUnanswered,
    int ClosedByPeer)
{
    /// <summary>Logins of which the first and the last are timed: <see cref="Edge"/>, or half of all.</summary>
    private const int Edge = 500;

    /// <summary>From one established login to the next, of the first 500.</summary>
    public double FirstMillisecondsEach { get; init; }

    /// <summary>The same of the last 500.</summary>
    public double LastMillisecondsEach { get; init; }

    public TrafficRecord? Traffic { get; init; }

    public IReadOnlyList<RoundRecord>? Rounds { get; init; }

    public IReadOnlyList<WaveRecord>? Waves { get; init; }

    /// <summary>Milliseconds each of the first and of the last.</summary>
    /// <param name="moments">When each was through, in order.</param>
    public static (double First, double Last) Edges(IReadOnlyList<MonotonicTime> moments)
    {
        var edge = Math.Min(Edge, (moments.Count - 1) / 2);
        return edge < 1 ? (0, 0) : (Each(moments[0], moments[edge], edge), Each(moments[^(edge + 1)], moments[^1], edge));

        static double Each(MonotonicTime from, MonotonicTime to, int count) => Math.Round((to - from).TotalMilliseconds / count, 3);
    }

    public void Print(TextWriter output)
    {
        output.WriteLine($"{Succeeded} established, {Failed} failed ({TimedOut} without an answer) in {Seconds:F2} s");
        output.WriteLine($"offered {OfferedPerSecond:F1}/s, established {RatePerSecond:F1}/s, {Retransmissions} retransmissions, {CpuMillisecondsPerLogin:F2} ms of CPU per login here");
        output.WriteLine(Describe("latency", LatencyMilliseconds));
        foreach (var (reason, count) in Failures)
            output.WriteLine($"failed {count}: {reason}");
        if (Probe is not null)
            output.WriteLine($"{Describe("probe", Probe)}, {ProbeChecks} checks, {ProbeUnanswered} unanswered");
        if (FirstMillisecondsEach > 0)
            output.WriteLine($"{FirstMillisecondsEach} ms for each of the first {Edge}, {LastMillisecondsEach} ms for each of the last");
        if (Traffic is not null)
            output.WriteLine($"traffic: {Traffic.Sent} packets of {Traffic.Sessions} sessions, {Traffic.Lost} lost, {Traffic.Duplicated} duplicated {string.Join(' ', Traffic.FirstLost)}");
        foreach (var round in Rounds ?? [])
            output.WriteLine(round);
        foreach (var wave in Waves ?? [])
            output.WriteLine(wave);
        if (ClosedByPeer > 0)
            output.WriteLine($"{ClosedByPeer} sessions were deleted by the gateway");
    }

    public void Write(string file)
    {
        using var stream = File.Create(file);
        JsonSerializer.Serialize(stream, this, LoadJsonContext.Default.LoadReport);
    }

    private static string Describe(string name, LatencyRecord of) => $"{name} p50 {of.P50} ms, p90 {of.P90} ms, p99 {of.P99} ms, max {of.Max} ms";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LoadReport))]
internal sealed partial class LoadJsonContext : JsonSerializerContext;

/// <summary>Collects the figures of a run.</summary>
internal sealed class LoadFigures
{
    private readonly List<TimeSpan> _latencies = [];
    private readonly List<MonotonicTime> _established = [];
    private readonly SortedDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly TimeSpan _cpuAtStart = Process.GetCurrentProcess().TotalProcessorTime;
    private MonotonicTime _first;
    private MonotonicTime _lastBegun;
    private MonotonicTime _lastDone;
    private int _begun;
    private int _failed;
    private int _timedOut;
    private int _retransmissions;

    public List<TimeSpan> ProbeRoundTrips { get; } = [];

    public int ProbeUnanswered { get; set; }

    public int ClosedByPeer { get; set; }

    public void Begun(MonotonicTime now)
    {
        if (_begun++ == 0)
            _first = now;
        _lastBegun = now;
    }

    public void Done(TestInitiator initiator, MonotonicTime now)
    {
        _lastDone = now;
        _retransmissions += initiator.Retransmissions;
        switch (initiator.Outcome)
        {
            case InitiatorOutcome.Established established:
                _latencies.Add(established.Took);
                _established.Add(now);
                break;
            case InitiatorOutcome.Failed failed:
                _failed++;
                if (failed.Notify is null && failed.Reason.StartsWith("no ", StringComparison.Ordinal))
                    _timedOut++;
                var reason = failed.Notify is null ? $"{failed.Stage}: {failed.Reason}" : failed.Reason;
                _failures[reason] = _failures.GetValueOrDefault(reason) + 1;
                break;
        }
    }

    public LoadReport Report(bool probe)
    {
        var cpu = Process.GetCurrentProcess().TotalProcessorTime - _cpuAtStart;
        var begunFor = (_lastBegun - _first).TotalSeconds;
        var seconds = Math.Max((_lastDone - _first).TotalSeconds, 1e-6);
        return new LoadReport(
            _latencies.Count,
            _failed,
            _timedOut,
            Math.Round(_begun / (begunFor > 0.01 ? begunFor : seconds), 1),
            Math.Round(SteadyRate(begunFor, seconds), 1),
            Math.Round(seconds, 3),
            _retransmissions,
            Math.Round(cpu.TotalMilliseconds / Math.Max(_latencies.Count, 1), 3),
            LatencyRecord.Of(_latencies),
            _failures,
            probe ? LatencyRecord.Of(ProbeRoundTrips) : null,
            ProbeRoundTrips.Count,
            ProbeUnanswered,
            ClosedByPeer)
        {
            FirstMillisecondsEach = LoadReport.Edges(_established).First,
            LastMillisecondsEach = LoadReport.Edges(_established).Last,
        };
    }

    private double SteadyRate(double begunFor, double seconds)
    {
        if (begunFor < 1)
            return _established.Count / seconds;
        var from = _first + TimeSpan.FromSeconds(begunFor * 0.1);
        var inside = _established.Count(at => at >= from && at <= _lastBegun);
        return inside / (begunFor * 0.9);
    }
}
