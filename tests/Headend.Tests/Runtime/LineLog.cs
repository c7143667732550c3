using System.Text;
using Microsoft.Extensions.Logging;

namespace Headend.Tests.Runtime;

/// <summary>What the headend logs, as text.</summary>
internal sealed class LineLog : ILoggerFactory, ILogger
{
    private readonly StringBuilder lines = new();

    public string Text
    {
        get
        {
            lock (lines)
                return lines.ToString();
        }
    }

    /// <summary>Waits until it has the text.</summary>
    public void MustSay(string text) =>
        Assert.True(SpinWait.SpinUntil(() => Text.Contains(text, StringComparison.Ordinal), TimeSpan.FromSeconds(20)), $"{text} is not in the log:\n{Text}");

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (lines)
            lines.AppendLine(formatter(state, exception));
    }

    public void Dispose()
    {
    }
}
