using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Telemetry;

/// <summary>
/// One line per event: <c>TIME level=info event=login user=alice ...</c>. Values with spaces are quoted; control characters, which peers can put
/// into names, are escaped, so that nobody can forge a line or drive a terminal. Absent (null) values are left out.
/// </summary>
internal sealed class LogfmtFormatter(TimeProvider clock)
{
    /// <summary>Characters of one value; a peer's longest identity would otherwise be a line of 64 kB.</summary>
    public const int MaximumValue = 512;

    /// <summary>Values of these alone, which is nearly all of them, are written as they are.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:,/@[]+#%()");

    /// <summary>The second of the line before, as text: lines come many in a second.</summary>
    private SecondText second = new(DateTimeOffset.MinValue);

    /// <summary>Appends the event's line, with its end. Thread-safe.</summary>
    public void Append<TState>(StringBuilder line, in LogEntry<TState> logEntry)
    {
        AppendTime(line, clock.GetUtcNow());
        line.Append(" level=").Append(Level(logEntry.LogLevel));
        var named = !string.IsNullOrEmpty(logEntry.EventId.Name);
        if (named)
            Append(line, "event", logEntry.EventId.Name);
        else
            Append(line, "source", logEntry.Category);
        // Our own events say everything in their properties; of others' only the message is worth a line.
        var ours = named && logEntry.Category.StartsWith("headend", StringComparison.OrdinalIgnoreCase);
        if (ours && logEntry.State is IReadOnlyList<KeyValuePair<string, object?>> properties)
            AppendProperties(line, properties);
        else
            Append(line, "msg", logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } exception)
            Append(line, "exception", exception.ToString());
        line.Append('\n');
    }

    private void AppendTime(StringBuilder line, DateTimeOffset now)
    {
        var begun = Volatile.Read(ref second);
        if (now.UtcTicks / TimeSpan.TicksPerSecond != begun.Number)
            Volatile.Write(ref second, begun = new SecondText(now));
        Span<char> milliseconds = stackalloc char[3];
        now.Millisecond.TryFormat(milliseconds, out _, "000", CultureInfo.InvariantCulture);
        line.Append(begun.Text).Append('.').Append(milliseconds).Append('Z');
    }

    private static void AppendProperties(StringBuilder line, IReadOnlyList<KeyValuePair<string, object?>> properties)
    {
        // By number: an enumerator would be an object for every line.
        for (var i = 0; i < properties.Count; i++)
        {
            var (name, value) = properties[i];
            if (name == "{OriginalFormat}" || value is null)
                continue;
            // A parameter of C# that is named like a keyword has its @ in the name.
            var key = name.AsSpan(name[0] == '@' ? 1 : 0);
            line.Append(' ').Append(char.ToLowerInvariant(key[0])).Append(key[1..]).Append('=');
            AppendValue(line, Text(value), MaximumValue);
        }
    }

    private static string Text(object value) => value switch
    {
        TimeSpan duration => duration.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture) + "s",
        bool flag => flag ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "critical",
    };

    private static void Append(StringBuilder line, string key, string? value)
    {
        line.Append(' ').Append(key).Append('=');
        if (!string.IsNullOrEmpty(value))
            AppendValue(line, value, key == "exception" ? int.MaxValue : MaximumValue);
    }

    private static void AppendValue(StringBuilder line, string value, int limit)
    {
        if (value.Length <= limit && value.AsSpan().IndexOfAnyExcept(Plain) < 0)
        {
            line.Append(value);
            return;
        }

        var quoted = value.Any(c => c is ' ' or '"' or '=' or '\\' || char.IsControl(c)) || value.EnumerateRunes().Any(IsDeceptive);
        if (quoted)
            line.Append('"');
        var count = 0;
        foreach (var rune in value.EnumerateRunes())
        {
            if (count++ >= limit)
            {
                line.Append('…');
                break;
            }
            AppendRune(line, rune);
        }
        if (quoted)
            line.Append('"');
    }

    private static void AppendRune(StringBuilder line, Rune rune)
    {
        switch (rune.Value)
        {
            case '"' or '\\':
                line.Append('\\').Append((char)rune.Value);
                break;
            case '\n':
                line.Append("\\n");
                break;
            default:
                if (Rune.IsControl(rune) || IsDeceptive(rune))
                    line.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
                else
                    line.Append(rune);
                break;
        }
    }

    // Line separators and direction overrides make a terminal or editor show other lines than were written.
    private static bool IsDeceptive(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private sealed class SecondText(DateTimeOffset at)
    {
        public long Number { get; } = at.UtcTicks / TimeSpan.TicksPerSecond;

        public string Text { get; } = at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
    }
}
