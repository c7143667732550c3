using System.Collections.Concurrent;
using System.Collections.Immutable;
using Headend.Runtime;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

public sealed class KernelWorkerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void The_filters_of_waiting_work_are_made_together_before_it_runs()
    {
        var filters = new RecordedFilters();
        using (var worker = new KernelWorker(inline: false, filters, NullLogger.Instance))
        {
            using var begun = new ManualResetEventSlim();
            using var held = new ManualResetEventSlim();
            worker.Post(() => { begun.Set(); held.Wait(Patience); });
            Assert.True(begun.Wait(Patience));
            foreach (var number in Enumerable.Range(1, 40)) worker.Post(() => filters.Log.Enqueue($"run {number}"), FilterOf(number));
            worker.Post(() => filters.Log.Enqueue("run without"));
            held.Set();
        }

        var log = filters.Log.ToArray();
        var expected = new List<string> { $"prepare {string.Join(' ', Enumerable.Range(1, 32))}" };
        expected.AddRange(Enumerable.Range(1, 32).Select(n => $"run {n}"));
        expected.Add($"prepare {string.Join(' ', Enumerable.Range(33, 8))}");
        expected.AddRange(Enumerable.Range(33, 8).Select(n => $"run {n}"));
        expected.AddRange(["run without", "settle"]);
        Assert.Equal(expected, log.SkipWhile(line => line == "settle"));
    }

    [Fact]
    public void Work_that_nobody_waits_behind_prepares_nothing()
    {
        var filters = new RecordedFilters();
        using (var worker = new KernelWorker(inline: false, filters, NullLogger.Instance))
        {
            using var done = new ManualResetEventSlim();
            worker.Post(done.Set, FilterOf(1));
            Assert.True(done.Wait(Patience));
        }

        Assert.DoesNotContain(filters.Log, line => line.StartsWith("prepare", StringComparison.Ordinal));
    }

    [Fact]
    public void A_fault_in_the_preparation_stops_no_work()
    {
        var filters = new RecordedFilters { Fault = new InvalidOperationException("nftables") };
        var ran = 0;
        using (var worker = new KernelWorker(inline: false, filters, NullLogger.Instance))
        {
            using var held = new ManualResetEventSlim();
            worker.Post(() => held.Wait(Patience));
            worker.Post(() => ran++, FilterOf(1));
            worker.Post(() => ran++, FilterOf(2));
            held.Set();
        }

        Assert.Equal(2, ran);
        Assert.Contains("prepare 1 2", filters.Log);
    }

    private static InterfaceFilter FilterOf(int number)
    {
        Assert.True(AccessListParser.TryParse($"f{number}", ["permit ip any any"], out var list, out var error), error);
        return new InterfaceFilter([list], ImmutableArray<AccessList>.Empty);
    }

    private sealed class RecordedFilters : IFilterPreparation
    {
        public ConcurrentQueue<string> Log { get; } = new();

        public Exception? Fault { get; init; }

        public void Prepare(IEnumerable<InterfaceFilter> coming)
        {
            Log.Enqueue("prepare " + string.Join(' ', coming.Select(filter => filter.Inbound[0].Name[1..])));
            if (Fault is not null) throw Fault;
        }

        public void Settle() => Log.Enqueue("settle");
    }
}
