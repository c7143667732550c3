using Polly;
using Polly.Retry;

namespace Headend.Aaa.Client;

/// <summary>
/// Servers that answer for each other, made by <see cref="RadiusClient.CreateGroup"/>. Failover is a Polly retry built once: each further attempt is the next
/// server, and only the absence of a usable answer is retried. Retransmission is the protocol's own and lies below it.
/// </summary>
public sealed class RadiusServerGroup
{
    private static readonly ResiliencePropertyKey<RadiusAttempt> AttemptKey = new("headend.radius.attempt");

    internal RadiusServerGroup(RadiusGroupOptions options, RadiusServer[] servers, TimeProvider time)
    {
        Options = options;
        Servers = servers;
        var builder = new ResiliencePipelineBuilder<RadiusOutcome?> { TimeProvider = time };
        if (servers.Length > 1)
        {
            builder.AddRetry(new RetryStrategyOptions<RadiusOutcome?>
            {
                MaxRetryAttempts = servers.Length - 1,
                Delay = TimeSpan.Zero,
                ShouldHandle = static arguments => ValueTask.FromResult(
                    arguments.Outcome is { Exception: null, Result: null } && arguments.Context.Properties.GetValue(AttemptKey, null!).HasMore),
            });
        }
        Failover = builder.Build();
    }

    public RadiusGroupOptions Options { get; }

    internal RadiusServer[] Servers { get; }

    private ResiliencePipeline<RadiusOutcome?> Failover { get; }

    internal async ValueTask<RadiusOutcome?> ExecuteAsync(
        Func<RadiusAttempt, CancellationToken, ValueTask<RadiusOutcome?>> next, RadiusAttempt attempt, CancellationToken cancellation)
    {
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellation);
        context.Properties.Set(AttemptKey, attempt);
        try
        {
            return await Failover.ExecuteAsync(
                static (inner, state) => state.next(state.attempt, inner.CancellationToken), context, (next, attempt)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>The order in which a request tries the servers: the living in order (or by load), then the dead in order.</summary>
    internal RadiusServer[] Order(DateTimeOffset now)
    {
        if (Servers.Length == 1) return Servers;
        var order = new RadiusServer[Servers.Length];
        var living = 0;
        foreach (var server in Servers)
        {
            if (!server.IsDead(now)) order[living++] = server;
        }
        var at = living;
        foreach (var server in Servers)
        {
            if (Array.IndexOf(order, server, 0, living) < 0) order[at++] = server;
        }
        if (Options.LoadBalance)
        {
            // A stable insertion sort: equal load keeps the configured order.
            for (var i = 1; i < living; i++)
            {
                for (var j = i; j > 0 && order[j].Outstanding < order[j - 1].Outstanding; j--) (order[j], order[j - 1]) = (order[j - 1], order[j]);
            }
        }
        return order;
    }
}
