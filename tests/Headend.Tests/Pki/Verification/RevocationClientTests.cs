using System.Diagnostics;
using Headend.Pki.Verification;

namespace Headend.Tests.Pki.Verification;

/// <summary>One host that is slow or dead is nobody's matter but of those who need it.</summary>
public sealed class RevocationClientTests
{
    [Fact]
    public async Task TheTimeoutBeginsWithTheSlotAndSlotsAreOfOneHost()
    {
        using var busy = new TestWeb(_ => [1]) { Delay = TimeSpan.FromSeconds(1) };
        using var other = new TestWeb(_ => [2]);
        using var client = new RevocationClient(new RevocationClientLimits { Fetches = 1, Timeout = TimeSpan.FromSeconds(4) }, TimeProvider.System);
        var began = Stopwatch.GetTimestamp();
        var queued = Enumerable.Range(0, 6).Select(i => client.GetListAsync(At(busy, i))).ToList();
        var (octets, problem) = await client.GetListAsync(At(other));
        Assert.True(octets is [2], problem);
        Assert.True(queued.Count(t => t.IsCompleted) < 4);
        Assert.All(await Task.WhenAll(queued), a => Assert.True(a.Octets is [1], a.Problem));
        Assert.True(Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task ASlotIsNotWaitedForWithoutEnd()
    {
        using var busy = new TestWeb(_ => [1]) { Delay = TimeSpan.FromSeconds(3) };
        using var client = new RevocationClient(new RevocationClientLimits { Fetches = 1, Timeout = TimeSpan.FromSeconds(20), Waiting = TimeSpan.FromSeconds(1) }, TimeProvider.System);
        var first = client.GetListAsync(At(busy));
        Assert.Contains("too slowly", (await client.GetListAsync(At(busy))).Problem, StringComparison.Ordinal);
        Assert.NotNull((await first).Octets);
    }

    [Fact]
    public async Task AHostThatDoesNotAnswerIsLeftAloneByThoseWhoWaitToo()
    {
        var clock = new Clock();
        using var dead = new TestWeb(_ => [1]) { Delay = TimeSpan.FromSeconds(60) };
        using var client = new RevocationClient(new RevocationClientLimits { Fetches = 1, Timeout = TimeSpan.FromSeconds(2), Waiting = TimeSpan.FromSeconds(60) }, clock);
        var began = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => client.GetListAsync(At(dead, i))));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20));
        Assert.Equal(3, answers.Count(a => a.Problem.Contains("did not answer within 2 s", StringComparison.Ordinal)));
        Assert.Equal(27, answers.Count(a => a.Problem.Contains("left alone for 30 s", StringComparison.Ordinal)));
        Assert.Equal(3, dead.Requests);

        // Later ones answer at once, others are asked.
        Assert.True(client.GetListAsync(At(dead)).IsCompleted);
        Assert.True(client.AskAsync(At(dead), [1]).IsCompleted);
        using var other = new TestWeb(_ => [2]);
        Assert.NotNull((await client.GetListAsync(At(other))).Octets);

        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Contains("left alone", (await client.GetListAsync(At(dead))).Problem, StringComparison.Ordinal);
        Assert.Equal(3, dead.Requests);

        // After the rest it is asked again: still dead, it rests anew by one failure.
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("did not answer within", (await client.GetListAsync(At(dead))).Problem, StringComparison.Ordinal);
        Assert.Contains("left alone", (await client.GetListAsync(At(dead))).Problem, StringComparison.Ordinal);
        Assert.Equal(4, dead.Requests);
    }

    [Fact]
    public async Task OneAnswerResets()
    {
        var clock = new Clock();
        using var web = new TestWeb(_ => [1]);
        using var client = new RevocationClient(new RevocationClientLimits(), clock);
        await BreakAsync(2);
        Assert.NotNull((await client.GetListAsync(At(web))).Octets);
        await BreakAsync(2);

        // An HTTP status is an answer too.
        web.StatusLine = "503 Busy";
        Assert.Contains("answers 503", (await client.GetListAsync(At(web))).Problem, StringComparison.Ordinal);
        await BreakAsync(3);
        var asked = web.Requests;
        Assert.Contains("left alone", (await client.GetListAsync(At(web))).Problem, StringComparison.Ordinal);
        Assert.Equal(asked, web.Requests);

        web.StatusLine = "200 OK";
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.NotNull((await client.GetListAsync(At(web))).Octets);
        await BreakAsync(2);
        Assert.NotNull((await client.GetListAsync(At(web))).Octets);

        async Task BreakAsync(int times)
        {
            web.BreaksOff = true;
            for (var i = 0; i < times; i++)
                Assert.DoesNotContain("left alone", (await client.GetListAsync(At(web))).Problem, StringComparison.Ordinal);
            web.BreaksOff = false;
        }
    }

    [Fact]
    public async Task RefusedConnectionsCount()
    {
        var web = new TestWeb(_ => [1]);
        var uri = At(web);
        web.Dispose();
        using var client = new RevocationClient(new RevocationClientLimits(), new Clock());
        for (var i = 0; i < 3; i++)
            Assert.DoesNotContain("left alone", (await client.GetListAsync(uri)).Problem, StringComparison.Ordinal);
        Assert.Contains("left alone", (await client.GetListAsync(uri)).Problem, StringComparison.Ordinal);
    }

    private static Uri At(TestWeb web, int number = 0) => new($"http://{web.Host}/{number}.crl");

    private sealed class Clock : TimeProvider
    {
        private long now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan by) => now += by.Ticks;
    }
}
