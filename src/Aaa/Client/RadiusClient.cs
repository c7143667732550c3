using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>
/// Asks RADIUS servers, thousands of requests at a time (RFC 2865, RFC 2866, RFC 3579, RFC 5080). Thread-safe. No request holds a thread while it waits. Disposing completes all
/// requests under way as Unavailable.
/// </summary>
public sealed class RadiusClient : IAsyncDisposable
{
    /// <summary>Name of the activity source: one client span per request, child of the ambient activity.</summary>
    public const string ActivitySourceName = "Headend.Aaa.Radius";

    private static readonly ActivitySource Activities = new(ActivitySourceName);

    private readonly RadiusClientOptions options;
    private readonly TimeProvider time;
    private readonly IRadiusObserver observer;
    private readonly RetransmissionTable timers;
    private readonly Dictionary<string, (RadiusServer Authentication, RadiusServer Accounting)> servers = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private int inFlight, awaitingPeople;
    private volatile bool stopping;

    /// <param name="options">Limits.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="observer">Told what happens, or null.</param>
    public RadiusClient(RadiusClientOptions options, TimeProvider time, IRadiusObserver? observer = null)
    {
        this.options = options;
        this.time = time;
        this.observer = observer ?? new SilentObserver();
        timers = new RetransmissionTable(time, static (exchange, transmission) => exchange.Server.HandleDeadline(exchange, transmission));
    }

    public int InFlight => Volatile.Read(ref inFlight);

    /// <summary>Those of <see cref="InFlight"/> that wait for a person (<see cref="RadiusServerOptions.MfaWait"/>): no sign of a slow server.</summary>
    public int AwaitingPeople => Volatile.Read(ref awaitingPeople);

    /// <summary>Makes a group; a server whose name is known already is shared with its ports, counters and dead time. Connections over TLS begin here.</summary>
    /// <exception cref="ArgumentException">The group is empty, or a known server's name comes with other options.</exception>
    public RadiusServerGroup CreateGroup(RadiusGroupOptions group)
    {
        if (group.Servers.Count == 0) throw new ArgumentException($"RADIUS server group {group.Name} has no server.", nameof(group));
        var authentication = new RadiusServer[group.Servers.Count];
        var accounting = new RadiusServer[group.Servers.Count];
        lock (gate)
        {
            for (var i = 0; i < authentication.Length; i++)
            {
                var wanted = group.Servers[i];
                if (!servers.TryGetValue(wanted.Name, out var server))
                {
                    server = Create(wanted);
                    servers.Add(wanted.Name, server);
                }
                else if (server.Authentication.Options != wanted)
                {
                    throw new ArgumentException($"RADIUS server {wanted.Name} is defined twice.", nameof(group));
                }
                (authentication[i], accounting[i]) = server;
            }
        }
        return new RadiusServerGroup(group, authentication, accounting, time);
    }

    /// <summary>The address that requests to a server come from: its <see cref="RadiusServerOptions.SourceAddress"/>, else the kernel's choice; null where no route leads there.</summary>
    public static IPAddress? FindSource(RadiusServerOptions server)
    {
        try
        {
            using var probe = RadiusSocket.Open(server, SocketType.Dgram, ProtocolType.Udp);
            // A datagram socket's connect sends nothing.
            probe.Connect(server.Address, server.AuthPort);
            return ((IPEndPoint)probe.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>A snapshot of each server's counters, in order of creation.</summary>
    public IReadOnlyList<RadiusServerStatistics> GetStatistics()
    {
        lock (gate)
        {
            var list = new List<RadiusServerStatistics>(servers.Count);
            foreach (var (authentication, accounting) in servers.Values)
            {
                var statistics = authentication.GetStatistics();
                list.Add(authentication == accounting ? statistics : RadiusServerStatistics.Join(statistics, accounting.GetStatistics()));
            }
            return list;
        }
    }

    /// <summary>Asks one member of a group by Status-Server (RFC 5997), once, and waits for its timeout.</summary>
    /// <returns>The time to its answer, or null where none came.</returns>
    /// <exception cref="ArgumentException">The group has no such member.</exception>
    public async Task<TimeSpan?> ProbeAsync(RadiusServerGroup group, string server, bool accounting)
    {
        var member = group.Find(server, accounting) ?? throw new ArgumentException($"RADIUS group {group.Options.Name} has no server {server}.", nameof(server));
        var begun = time.GetTimestamp();
        return await member.ProbeAsync().ConfigureAwait(false) ? time.GetElapsedTime(begun) : null;
    }

    /// <summary>
    /// Sends a request and waits for a verified answer, through retransmissions and the group's further servers.
    /// </summary>
    /// <exception cref="OperationCanceledException">Only by <paramref name="cancellation"/>.</exception>
    public async Task<RadiusOutcome> SendAsync(RadiusServerGroup group, RadiusRequest request, CancellationToken cancellation)
    {
        using var activity = Activities.StartActivity(request.Code.ToString(), ActivityKind.Client);
        var started = time.GetTimestamp();
        RadiusOutcome outcome;
        if (Interlocked.Increment(ref inFlight) > options.MaximumInFlight)
        {
            Interlocked.Decrement(ref inFlight);
            outcome = new RadiusOutcome.Unavailable(UnavailableReason.TooManyInFlight, []);
        }
        else
        {
            try
            {
                outcome = await SendThroughAsync(group, request, cancellation).ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Decrement(ref inFlight);
            }
        }
        Describe(activity, group, outcome);
        observer.RequestCompleted(group.Options.Name, request.Code, outcome, time.GetElapsedTime(started));
        return outcome;
    }

    public ValueTask DisposeAsync()
    {
        stopping = true;
        timers.Dispose();
        lock (gate)
        {
            foreach (var (authentication, accounting) in servers.Values)
            {
                authentication.Dispose();
                accounting.Dispose();
            }
        }
        return ValueTask.CompletedTask;
    }

    private async ValueTask<RadiusOutcome> SendThroughAsync(RadiusServerGroup group, RadiusRequest request, CancellationToken cancellation)
    {
        if (request.Error is not null) return new RadiusOutcome.Unsendable(request.Error);
        var accounting = request.Code == RadiusCode.AccountingRequest;
        RadiusServer[] order;
        if (request.ServerName is null)
        {
            order = group.Order(accounting);
        }
        else
        {
            var owner = group.Find(request.ServerName, accounting);
            if (owner is null) return new RadiusOutcome.Unavailable(UnavailableReason.UnknownServer, [], request.ServerName);
            order = [owner];
        }
        var attempt = new RadiusAttempt(group, request, order);
        var outcome = await group.ExecuteAsync(AskNextServerAsync, attempt, cancellation).ConfigureAwait(false);
        return outcome ?? new RadiusOutcome.Unavailable(stopping ? UnavailableReason.Stopping : UnavailableReason.NoAnswer, attempt.Failed);
    }

    private async ValueTask<RadiusOutcome?> AskNextServerAsync(RadiusAttempt attempt, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var server = attempt.TakeServer();
        if (!server.TryBegin(attempt.Request, attempt.HasLivingAlternative, out var exchange, out var failure))
        {
            // No route to this server, no port left, no connection: the next one may do better.
            attempt.Failed.Add(new ServerAttemptRecord(server.Options.Name, 0, 0, 0, 0, false, failure));
            return attempt.HasMore || stopping ? null : new RadiusOutcome.Unavailable(UnavailableReason.SocketError, attempt.Failed);
        }
        if (exchange.IsOnce) Interlocked.Increment(ref awaitingPeople);
        RadiusOutcome? outcome;
        try
        {
            using var registration = cancellation.UnsafeRegister(static state => ((RadiusExchange)state!).Server.Abandon((RadiusExchange)state!), exchange);
            outcome = await exchange.Task.ConfigureAwait(false);
        }
        finally
        {
            if (exchange.IsOnce) Interlocked.Decrement(ref awaitingPeople);
        }
        if (outcome is not null) return outcome;
        cancellation.ThrowIfCancellationRequested();
        attempt.Failed.Add(exchange.ToRecord());
        if (stopping) return null;
        server.HandleRanDry(exchange, attempt.Group.Options.DeadTime);
        return exchange is { IsOnce: true, Undelivered: false } ? new RadiusOutcome.Unavailable(UnavailableReason.MfaWaitOver, attempt.Failed) : null;
    }

    private (RadiusServer Authentication, RadiusServer Accounting) Create(RadiusServerOptions server)
    {
        if (server.RadSec is not null)
        {
            var both = Make(RadiusService.Both);
            return (both, both);
        }
        return (Make(RadiusService.Authentication), Make(RadiusService.Accounting));

        RadiusServer Make(RadiusService service) => new(server, service, options, time, observer, timers);
    }

    private static void Describe(Activity? activity, RadiusServerGroup group, RadiusOutcome outcome)
    {
        if (activity is null) return;
        activity.SetTag("radius.group", group.Options.Name);
        if (outcome is RadiusOutcome.Answer answer)
        {
            activity.SetTag("radius.server", answer.Server.Name);
            activity.SetTag("radius.reply", answer.Packet.Code.ToString());
        }
        else if (outcome is RadiusOutcome.Unavailable unavailable)
        {
            activity.SetStatus(ActivityStatusCode.Error, unavailable.Explain());
        }
        else if (outcome is RadiusOutcome.Unsendable unsendable)
        {
            activity.SetStatus(ActivityStatusCode.Error, unsendable.Explain());
        }
    }

    private sealed class SilentObserver : IRadiusObserver;
}
