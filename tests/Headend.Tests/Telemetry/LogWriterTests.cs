using System.Text;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Tests.Telemetry;

/// <summary>Log lines on their way to standard output: none is lost or torn, and nobody waits for a reader that stopped.</summary>
public sealed class LogWriterTests
{
    [Fact]
    public async Task Every_line_of_every_thread_is_written_whole_and_in_order()
    {
        var output = new SlowStream();
        using (var writer = new LogWriter(output, TimeProvider.System))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(() =>
            {
                var logger = writer.CreateLogger("headend");
                for (var i = 0; i < 500; i++)
                    Say(logger, $"{t}-{i}-ü😀");
            })));
        }

        var lines = output.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4000, lines.Length);
        for (var t = 0; t < 8; t++)
            Assert.Equal(Enumerable.Range(0, 500).Select(i => $"user={t}-{i}-ü😀"), lines.Select(l => l[l.IndexOf("user=", StringComparison.Ordinal)..]).Where(l => l.StartsWith($"user={t}-", StringComparison.Ordinal)));
        // Many lines share a write.
        Assert.InRange(output.Writes, 1, 2000);
    }

    [Fact]
    public async Task A_reader_that_stopped_holds_nobody_up_and_what_it_missed_is_counted()
    {
        var output = new SlowStream();
        output.Gate.Reset();
        var writer = new LogWriter(output, TimeProvider.System);
        var logger = writer.CreateLogger("headend");
        var text = new string('x', 500);
        // One buffer is being written, one waits.
        var count = (2 * LogWriter.MostWaiting / 500) + 1000;
        var logging = Task.Run(() =>
        {
            for (var i = 0; i < count; i++)
                Say(logger, text);
        });
        await logging.WaitAsync(TimeSpan.FromSeconds(60));
        output.Gate.Set();
        writer.Dispose();
        // It waits for two seconds at most, which a loaded machine may need for eight megabytes.
        Assert.True(SpinWait.SpinUntil(() => output.Text.Contains("event=log-lines-dropped", StringComparison.Ordinal), TimeSpan.FromSeconds(60)));
        var lines = output.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var lost = Assert.Single(lines, l => l.Contains("event=log-lines-dropped", StringComparison.Ordinal));
        var missing = int.Parse(lost[(lost.IndexOf("lines=", StringComparison.Ordinal) + 6)..lost.IndexOf(" reason=", StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(count, lines.Length - 1 + missing);
        Assert.True(missing > 0);
    }

    [Fact]
    public void A_full_disk_is_no_end()
    {
        var output = new SlowStream { Fails = true };
        var writer = new LogWriter(output, TimeProvider.System);
        Say(writer.CreateLogger("headend"), "lost");
        while (output.Writes == 0)
            Thread.Sleep(1);
        output.Fails = false;
        Say(writer.CreateLogger("headend"), "written");
        writer.Dispose();
        Assert.Contains("user=written", output.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("lost", output.Text, StringComparison.Ordinal);
    }

    private static void Say(ILogger logger, string user)
    {
        IReadOnlyList<KeyValuePair<string, object?>> state = [new("user", user)];
        logger.Log(LogLevel.Information, new EventId(1, "said"), state, null, static (_, _) => "");
    }

    private sealed class SlowStream : MemoryStream
    {
        private readonly StringBuilder text = new();
        private int writes;

        public ManualResetEventSlim Gate { get; } = new(true);

        public volatile bool Fails;

        public int Writes => Volatile.Read(ref writes);

        public string Text
        {
            get
            {
                lock (text)
                    return text.ToString();
            }
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Gate.Wait();
            var octets = buffer.ToArray();
            try
            {
                if (Fails)
                    throw new IOException("no space left on device");
                lock (text)
                    text.Append(Encoding.UTF8.GetString(octets));
            }
            finally
            {
                Interlocked.Increment(ref writes);
            }
        }
    }
}
