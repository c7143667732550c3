using System.Buffers;
using System.Diagnostics;
using System.Text;
using Headend.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Telemetry;

/// <summary>
/// Writes log lines to a stream from a thread of its own: a line behind a silence at once, lines that come thick many at a time. Whoever logs neither waits for the stream nor, while lines
/// come, wakes anybody. Where the stream takes nothing
/// (a reader that stopped), lines beyond <see cref="MostWaiting"/> are dropped and counted; a login must not hang on a log. Thread-safe.
/// </summary>
internal sealed class LogWriter : ILoggerProvider
{
    /// <summary>Octets that wait at most.</summary>
    internal const int MostWaiting = 4 << 20;

    /// <summary>From one write to the next at least: what comes meanwhile is written together.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    [ThreadStatic]
    private static StringBuilder? spare;

    private readonly Stream output;
    private readonly LogfmtFormatter formatter;
    private readonly Lock gate = new();
    private readonly ThreadSignal signal = new();
    private readonly Thread thread;
    private ArrayBufferWriter<byte> waiting = new(1 << 16);
    private ArrayBufferWriter<byte> written = new(1 << 16);
    private long dropped;
    private bool sleeping;
    private bool stopping;

    /// <param name="output">Disposed with this.</param>
    /// <param name="clock">Of the lines' times.</param>
    public LogWriter(Stream output, TimeProvider clock)
    {
        this.output = output;
        formatter = new LogfmtFormatter(clock);
        thread = new Thread(Run) { IsBackground = true, Name = "log" };
        thread.Start();
    }

    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this, categoryName);

    /// <summary>Everything that was logged before is written.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (stopping)
                return;
            stopping = true;
        }

        signal.Set();
        // A stream that takes nothing must not keep the process from its end.
        if (thread.Join(TimeSpan.FromSeconds(2)))
            output.Dispose();
    }

    private void Add<TState>(in LogEntry<TState> entry)
    {
        var line = spare ?? new StringBuilder(512);
        spare = null;
        formatter.Append(line, entry);
        bool wakes;
        lock (gate)
        {
            if (waiting.WrittenCount >= MostWaiting)
                dropped++;
            else
                Encode(line);
            wakes = sleeping;
            sleeping = false;
        }

        if (wakes)
            signal.Set();
        // A long exception's buffer is not kept.
        if (line.Capacity <= 1 << 14)
            spare = line.Clear();
    }

    private void Encode(StringBuilder line)
    {
        var characters = ArrayPool<char>.Shared.Rent(line.Length);
        line.CopyTo(0, characters, line.Length);
        Encoding.UTF8.GetBytes(characters.AsSpan(0, line.Length), waiting);
        ArrayPool<char>.Shared.Return(characters);
    }

    private void Run()
    {
        long? last = null;
        while (Take(last))
        {
            try
            {
                output.Write(written.WrittenSpan);
                output.Flush();
            }
            catch (IOException)
            {
                // A full disk behind a redirection: there is nobody to tell.
            }

            written.ResetWrittenCount();
            last = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Waits for lines and moves them into <see cref="written"/>. False when there are none and none will come.</summary>
    /// <param name="last">When it was written last.</param>
    private bool Take(long? last)
    {
        while (true)
        {
            // Null: until the first line.
            TimeSpan? wait = null;
            lock (gate)
            {
                if (waiting.WrittenCount > 0 || dropped > 0)
                    wait = stopping || last is null ? TimeSpan.Zero : Gathering - Stopwatch.GetElapsedTime(last.Value);
                else if (stopping)
                    return false;
                if (wait <= TimeSpan.Zero)
                {
                    TellDropped();
                    (waiting, written) = (written, waiting);
                    return true;
                }

                sleeping = wait is null;
            }

            signal.Wait(wait);
        }
    }

    // Under the gate.
    private void TellDropped()
    {
        if (dropped == 0)
            return;
        KeyValuePair<string, object?>[] lines = [new("lines", dropped), new("reason", "whoever reads standard output was too slow")];
        var line = new StringBuilder();
        formatter.Append(line, new LogEntry<KeyValuePair<string, object?>[]>(LogLevel.Warning, "headend", new EventId(1190, "log-lines-dropped"), lines, null, static (_, _) => ""));
        Encode(line);
        dropped = 0;
    }

    private sealed class CategoryLogger(LogWriter writer, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                writer.Add(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter));
        }
    }
}
