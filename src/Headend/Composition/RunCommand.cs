using System.Runtime.InteropServices;
using Headend.Admin;
using Headend.Cli;
using Headend.Configuration;
using Headend.Runtime;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary><c>headend run</c>: reads or makes the configuration, serves until SIGTERM or SIGINT, says in a line why it cannot.</summary>
internal static partial class RunCommand
{
    public static async Task<int> RunAsync(RunOptions options, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, stop));
        try
        {
            if (Read(options) is not { } configuration)
                return ExitCodes.Failed;
            using var loggers = Logging.Create();
            await using var host = await HeadendHost.StartAsync(configuration, loggers, TimeProvider.System, stop.Token);
            using var reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Reload(context, host, options, loggers));
            await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await host.StopAsync();
            return ExitCodes.Done;
        }
        catch (HeadendStartException error)
        {
            return Refuse(error.Message);
        }
        catch (AdminSocketException error)
        {
            return Refuse(error.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }
    }

    private static int Refuse(string why)
    {
        foreach (var line in why.Split('\n'))
            Console.Error.WriteLine($"headend: {line}");
        return ExitCodes.Failed;
    }

    private static void Reload(PosixSignalContext context, HeadendHost host, RunOptions options, ILoggerFactory loggers)
    {
        // Not the default action, which is the end.
        context.Cancel = true;
        HeadendConfiguration? fresh = null;
        if (options.ConfigurationFile is { } file)
        {
            var outcome = ConfigurationParser.Load(file, ConfigurationRules.OfLeaves);
            foreach (var error in outcome.Errors)
                LogRefused(loggers.CreateLogger("headend"), error);
            fresh = outcome.Configuration;
        }

        host.Reload(fresh);
    }

    private static void Stop(PosixSignalContext context, CancellationTokenSource stop)
    {
        // Not the default action: sessions are told first.
        context.Cancel = true;
        stop.Cancel();
    }

    private static HeadendConfiguration? Read(RunOptions options)
    {
        var outcome = options.ConfigurationFile is { } file
            ? ConfigurationParser.Load(file, ConfigurationRules.OfLeaves)
            : ZeroConfiguration.Prepare(options.StateDirectory ?? ZeroConfiguration.DefaultStateDirectory, Console.Out, TimeProvider.System);
        foreach (var diagnostic in outcome.Diagnostics)
            Console.Error.WriteLine(diagnostic);
        if (outcome.Configuration is not { } configuration)
            return null;
        return configuration with
        {
            StateDirectory = options.StateDirectory is null ? configuration.StateDirectory : Path.GetFullPath(options.StateDirectory),
            AdminSocket = options.AdminSocket is null ? configuration.AdminSocket : Path.GetFullPath(options.AdminSocket),
        };
    }

    [LoggerMessage(EventId = 1126, EventName = "configuration-refused", Level = LogLevel.Error, Message = "{Reason}: the configuration that was read before stays")]
    private static partial void LogRefused(ILogger logger, ConfigurationDiagnostic reason);
}
