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

    private readonly RadiusServer[] servers, accountingServers;

    internal RadiusServerGroup(RadiusGroupOptions options, RadiusServer[] servers, RadiusServer[] accountingServers, TimeProvider time)
    {
        Options = options;
        this.servers = servers;
        this.accountingServers = accountingServers;
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

    /// <summary>The service of a member, or null where the group has none of that name.</summary>
    internal RadiusServer? Find(string name, bool accounting)
        => Array.Find(accounting ? accountingServers : servers, server => server.Options.Name == name);

    /// <summary>The order in which a request tries the servers: the living in order (or by load), then the silent, then the dead, each in order.</summary>
    internal RadiusServer[] Order(bool accounting)
    {
        var members = accounting ? accountingServers : servers;
        if (members.Length == 1) return members;
        var order = new RadiusServer[members.Length];
        Span<RadiusServerState> states = stackalloc RadiusServerState[members.Length];
        for (var i = 0; i < members.Length; i++) states[i] = members[i].State;
        var at = 0;
        var living = 0;
        for (var state = RadiusServerState.Alive; state <= RadiusServerState.Dead; state++)
        {
            for (var i = 0; i < members.Length; i++)
            {
                if (states[i] == state) order[at++] = members[i];
            }
            if (state == RadiusServerState.Alive) living = at;
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
