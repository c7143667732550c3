using System.Diagnostics;
using Headend.Ikev2;

namespace Headend.Load;

/// <summary>One round: everybody in, held, and out.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Established">Logins.</param>
/// <param name="Failed">Logins that were not.</param>
/// <param name="FirstUp">Milliseconds for each of the first 500 logins.</param>
/// <param name="LastUp">The same of the last 500.</param>
/// <param name="FirstDown">Milliseconds for each of the first 500 interfaces that the kernel gave up.</param>
/// <param name="LastDown">The same of the last 500.</param>
/// <param name="Standing">With everybody in.</param>
/// <param name="After">With everybody out.</param>
internal sealed record RoundRecord(
    int Number, int Established, int Failed, double FirstUp, double LastUp, double FirstDown, double LastDown, GatewayRecord Standing, GatewayRecord After)
{
    public override string ToString() =>
        $"round {Number}: {Established} in, {Failed} failed; up {FirstUp:0.00} then {LastUp:0.00} ms each, down {FirstDown:0.00} then {LastDown:0.00} ms each; {Standing}; after {After}";
}

/// <summary>The same load again and again: what a gateway keeps of sessions that are gone, and what their number costs, shows over the rounds.</summary>
internal static class LoadRounds
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_sampling = TimeSpan.FromMilliseconds(100);

    /// <param name="options">Of each round.</param>
    /// <param name="rounds">How many.</param>
    /// <param name="gateway">Its process.</param>
    /// <param name="output">Gets a line after each round.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The last round's report with the figures of all.</returns>
    public static LoadReport Run(LoadOptions options, int rounds, int gateway, TextWriter output, CancellationToken cancellation)
    {
        var watch = new GatewayWatch(gateway);
        var records = new List<RoundRecord>();
        LoadReport? last = null;
        var failed = 0;
        for (var number = 1; number <= rounds && !cancellation.IsCancellationRequested; number++)
        {
            using var run = new LoadRun(options);
            run.LogIn(cancellation);
            run.Hold(cancellation);
            var standing = watch.Count();
            var (firstDown, lastDown) = End(run, watch);
            last = run.Report();
            failed += last.Failed;
            records.Add(new RoundRecord(number, last.Succeeded, last.Failed, last.FirstMillisecondsEach, last.LastMillisecondsEach, firstDown, lastDown, standing, watch.Count()));
            output.WriteLine(records[^1]);
        }

        return last! with { Failed = failed, Rounds = records };
    }

    /// <summary>Deletes the sessions and waits until the kernel has given up their interfaces.</summary>
    private static (double First, double Last) End(LoadRun run, GatewayWatch watch)
    {
        var gone = new List<MonotonicTime>();
        using var sampler = new InterfaceSampler(watch, gone);
        run.Finish();
        var deadline = Stopwatch.GetTimestamp();
        while (!sampler.IsEmpty && Stopwatch.GetElapsedTime(deadline) < s_patience)
            Thread.Sleep(s_sampling);
        sampler.Dispose();
        return LoadReport.Edges(gone);
    }

    /// <summary>Counts interfaces on a thread of its own; between two counts those that went are spread evenly.</summary>
    private sealed class InterfaceSampler : IDisposable
    {
        private readonly GatewayWatch _watch;
        private readonly List<MonotonicTime> _gone;
        private readonly Thread _thread;
        private volatile bool _stopping;

        public InterfaceSampler(GatewayWatch watch, List<MonotonicTime> gone)
        {
            (_watch, _gone) = (watch, gone);
            _thread = new Thread(Run);
            _thread.Start();
        }

        /// <summary>No interface stands any more.</summary>
        public bool IsEmpty { get; private set; }

        public void Dispose()
        {
            _stopping = true;
            _thread.Join();
        }

        private void Run()
        {
            var (count, at) = (_watch.Interfaces(), Stopwatch.GetElapsedTime(0));
            while (!_stopping && count > 0)
            {
                Thread.Sleep(s_sampling);
                var (left, now) = (_watch.Interfaces(), Stopwatch.GetElapsedTime(0));
                for (var i = 1; i <= count - left; i++)
                    _gone.Add(new MonotonicTime((at + ((now - at) * ((double)i / (count - left)))).Ticks));
                (count, at) = (left, now);
            }

            IsEmpty = count == 0;
        }
    }
}
