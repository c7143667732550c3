using Microsoft.Extensions.Logging;

namespace Headend.Telemetry;

/// <summary>The loggers of the process: logfmt on standard output.</summary>
internal static class Logging
{
    /// <summary>A factory whose own lines begin at <paramref name="minimum"/>; libraries are heard from warnings on.</summary>
    public static ILoggerFactory Create(LogLevel minimum = LogLevel.Information) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(minimum);
        builder.AddFilter("Microsoft", LogLevel.Warning);
        builder.AddProvider(new LogWriter(Console.OpenStandardOutput(), TimeProvider.System));
    });
}
