using System.Net;
using System.Text;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Telemetry;

public sealed class LogTests
{
    [Fact]
    public void A_login_is_one_line() => Assert.Equal(
        "2026-01-02T03:04:05.006Z level=info event=login user=alice address=192.0.2.9 port=4500 profile=p method=EAP-MSCHAPv2 outcome=success reason= "
        + "duration=0.031s identity=al@example.com match=\"remote-identity any\" localMethod=RSA session=7 assigned=10.99.0.7\n",
        Lines(log => log.LoginEnded(new LoginRecord
        {
            User = "alice",
            Address = "192.0.2.9",
            Port = 4500,
            Profile = "p",
            Method = "EAP-MSCHAPv2",
            Outcome = LoginOutcome.Success,
            Reason = "",
            Duration = TimeSpan.FromMilliseconds(31),
            Identity = "al@example.com",
            ProfileMatch = "remote-identity any",
            LocalMethod = "RSA",
            Session = "7",
            Assigned = "10.99.0.7",
        })));

    [Fact]
    public void The_end_of_a_session_is_one_line()
    {
        var lasted = TimeSpan.FromTicks(15_000_000);
        Assert.Equal(
            "2026-01-02T03:04:05.006Z level=info event=session-end user=alice address=192.0.2.9 session=7 interface=Virtual-Access3 reason=idle duration=1.500s inOctets=1 outOctets=2 inPackets=3 outPackets=4\n",
            Lines(log => log.SessionEnded("alice", "192.0.2.9", "7", "Virtual-Access3", "idle", lasted, 1, 2, 3, 4)));
    }

    [Fact]
    public void Every_line_has_the_time_of_its_own_event()
    {
        var clock = new SteppedTime();
        var formatter = new LogfmtFormatter(clock);
        var lines = new StringBuilder();
        for (var i = 0; i < 4; i++)
        {
            formatter.Append(lines, new LogEntry<string>(LogLevel.Information, "x", default, "m", null, static (s, _) => s));
            clock.Advance(TimeSpan.FromMilliseconds(700));
        }

        var begun = new SteppedTime().GetUtcNow();
        Assert.Equal(
            Enumerable.Range(0, 4).Select(i => $"{begun.AddMilliseconds(700 * i):yyyy-MM-ddTHH:mm:ss.fff}Z"),
            lines.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void A_peer_cannot_forge_a_line()
    {
        var line = Lines(log => log.LoginEnded(new LoginRecord
        {
            User = "a\nlevel=info event=login user=\"root\u001b[2J\u202e",
            Address = "192.0.2.9",
            Port = 1,
            Outcome = LoginOutcome.Rejected,
            Reason = "authentication-failed",
            Duration = TimeSpan.Zero,
        }));
        Assert.Contains("level=warn event=login user=\"a\\nlevel=info event=login user=\\\"root\\u001b[2J\\u202e\" address=", line, StringComparison.Ordinal);
        Assert.Equal(1, line.Count(c => c == '\n'));
    }

    [Fact]
    public void Others_events_show_their_message_and_source() => Assert.Equal(
        "2026-01-02T03:04:05.006Z level=error source=Headend.Tests msg=\"lost 3\" exception=\"System.IO.IOException: x\"\n",
        Lines(log => log.Log(LogLevel.Error, default, "lost 3", new IOException("x"), (s, _) => s)));

    [Fact]
    public void A_source_that_floods_is_logged_a_few_times_and_then_counted()
    {
        var clock = new SteppedTime();
        var limits = new UnauthenticatedLogLimits(clock, maximumEntries: 4, burst: 2, TimeSpan.FromSeconds(60));
        var source = IPAddress.Parse("192.0.2.1");
        Assert.Equal([true, true, false, false], Enumerable.Range(0, 4).Select(_ => Admits(limits, source)));
        Assert.True(limits.TryAdmit(source, "other", out _));
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.True(limits.TryAdmit(source, "r", out var suppressed));
        Assert.Equal(2, suppressed);
    }

    [Fact]
    public void Forged_sources_share_what_is_left()
    {
        var limits = new UnauthenticatedLogLimits(new SteppedTime(), maximumEntries: 10, burst: 2);
        var admitted = Enumerable.Range(0, 10_000).Count(i => Admits(limits, new IPAddress(0x0a000000L + i)));
        Assert.InRange(admitted, 10, 12);
    }

    private static bool Admits(UnauthenticatedLogLimits limits, IPAddress source) => limits.TryAdmit(source, "r", out _);

    private static string Lines(Action<ILogger> write)
    {
        var output = new StringBuilder();
        write(new LineLogger(new LogfmtFormatter(new SteppedTime()), output));
        return output.ToString();
    }

    private sealed class LineLogger(LogfmtFormatter formatter, StringBuilder output) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter1) =>
            formatter.Append(output, new LogEntry<TState>(logLevel, "Headend.Tests", eventId, state, exception, formatter1));
    }

    private sealed class SteppedTime : TimeProvider
    {
        private DateTimeOffset now = new(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => now;

        public override long GetTimestamp() => now.Ticks;

        public void Advance(TimeSpan by) => now += by;
    }
}
