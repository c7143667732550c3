namespace Headend.Aaa.Client;

/// <summary>What a server's service is taken for.</summary>
public enum RadiusServerState
{
    Alive,

    /// <summary>Answers are missing; Status-Server asks whether it is there, and others are preferred meanwhile.</summary>
    Zombie,

    /// <summary>Passed over while another lives.</summary>
    Dead,
}

/// <summary>
/// Whether a service answers. Where Status-Server may be sent (RFC 5997), a missing answer makes it a zombie, unanswered probes make it dead, and answered probes
/// bring it back; elsewhere a request that ran dry makes it dead for the dead-time. Any verified answer to a request makes it alive. Thread-safe; events are
/// raised under no lock.
/// </summary>
internal sealed class ServerHealth : IDisposable
{
    /// <summary>Probes unanswered in a row before a zombie is dead, answered in a row before the dead is alive (RFC 3539 3.4.1: REOPEN), and asked to learn.</summary>
    private const int InARow = 3;

    /// <summary>RFC 3539 3.4.1: the least interval of a watchdog.</summary>
    private static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(6);

    private readonly RadiusServerOptions options;
    private readonly RadiusService service;
    private readonly TimeProvider time;
    private readonly IRadiusObserver observer;
    private readonly RadiusClientOptions limits;
    private readonly Func<Task<bool>> probe;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private RadiusServerState state;
    // A timestamp: setting the wall clock must not lengthen a dead-time.
    private long? until;
    private long? answeredAt;
    private bool knowsStatus, probing;
    private int missed, answered;

    /// <param name="options">Of the server.</param>
    /// <param name="service">Of the two.</param>
    /// <param name="limits">For the jitter.</param>
    /// <param name="time">Of the client.</param>
    /// <param name="observer">Told of changes.</param>
    /// <param name="probe">Sends one Status-Server and answers whether it was answered.</param>
    public ServerHealth(RadiusServerOptions options, RadiusService service, RadiusClientOptions limits, TimeProvider time, IRadiusObserver observer, Func<Task<bool>> probe)
    {
        (this.options, this.service, this.limits, this.time, this.observer, this.probe) = (options, service, limits, time, observer, probe);
        knowsStatus = options.StatusServer == StatusServerRule.On;
        timer = time.CreateTimer(static state => _ = ((ServerHealth)state!).ProbeAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        // A TLS connection asks for itself.
        probing = options is { RadSec: null, StatusServer: StatusServerRule.Auto };
        if (probing) timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public RadiusServerState State
    {
        get
        {
            lock (gate) return state == RadiusServerState.Dead && until <= time.GetTimestamp() ? RadiusServerState.Alive : state;
        }
    }

    /// <summary>End of the dead-time; null when not dead, or dead until it answers.</summary>
    public DateTimeOffset? DeadUntil
    {
        get
        {
            lock (gate)
            {
                var now = time.GetTimestamp();
                return state == RadiusServerState.Dead && until > now ? time.GetUtcNow() + time.GetElapsedTime(now, until.Value) : null;
            }
        }
    }

    private bool MayProbe => knowsStatus && options.RadSec is null;

    /// <summary>A verified answer has come.</summary>
    public void Answered()
    {
        bool news;
        lock (gate)
        {
            answeredAt = time.GetTimestamp();
            news = state != RadiusServerState.Alive;
            state = RadiusServerState.Alive;
            until = null;
        }
        if (news) observer.ServerAlive(options.Name, service);
    }

    /// <summary>A transmission has no answer in its time.</summary>
    /// <param name="since">When the request was first sent (<see cref="TimeProvider.GetTimestamp"/>): an answer to anybody since then speaks for the server.</param>
    public void Missing(long since)
    {
        bool begin;
        lock (gate)
        {
            if (!MayProbe || state != RadiusServerState.Alive || answeredAt >= since) return;
            state = RadiusServerState.Zombie;
            (missed, answered) = (0, 0);
            begin = !probing;
            probing = true;
        }
        observer.ServerSilent(options.Name, service);
        if (begin) timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// A request ran dry. The server is dead only if it answered nobody meanwhile: servers drop single requests on purpose (an unknown realm, a home server that
    /// is silent), and one user's must not cost all others their server.
    /// </summary>
    public void RanDry(long since, TimeSpan deadTime)
    {
        if (MayProbe)
        {
            Missing(since);
            return;
        }
        bool news;
        DateTimeOffset end;
        lock (gate)
        {
            if (deadTime <= TimeSpan.Zero || answeredAt >= since || (state == RadiusServerState.Dead && until is null)) return;
            news = state != RadiusServerState.Dead;
            state = RadiusServerState.Dead;
            until = time.GetTimestamp() + (long)(deadTime.TotalSeconds * time.TimestampFrequency);
            end = time.GetUtcNow() + deadTime;
        }
        if (news) observer.ServerDead(options.Name, service, end);
    }

    /// <summary>No connection can be made: dead until one stands.</summary>
    public void Unreachable()
    {
        bool news;
        lock (gate)
        {
            news = state != RadiusServerState.Dead;
            state = RadiusServerState.Dead;
            until = null;
        }
        if (news) observer.ServerDead(options.Name, service, null);
    }

    public void Dispose() => timer.Dispose();

    private async Task ProbeAsync()
    {
        var reply = await probe().ConfigureAwait(false);
        RadiusServerState before, after;
        TimeSpan? next;
        lock (gate)
        {
            before = state;
            if (reply)
            {
                knowsStatus = true;
                answeredAt = time.GetTimestamp();
            }
            (missed, answered) = reply ? (0, answered + 1) : (missed + 1, 0);
            next = Judge(reply);
            probing = next is not null;
            after = state;
        }
        if (next is { } delay) timer.Change(delay, Timeout.InfiniteTimeSpan);
        if (before == after) return;
        if (after == RadiusServerState.Dead) observer.ServerDead(options.Name, service, null);
        else observer.ServerAlive(options.Name, service);
    }

    /// <summary>Draws the conclusion from a probe; gives the pause before the next, or null when none is needed.</summary>
    private TimeSpan? Judge(bool reply)
    {
        switch (state)
        {
            case RadiusServerState.Zombie when reply:
            case RadiusServerState.Dead when reply && answered >= InARow:
                state = RadiusServerState.Alive;
                until = null;
                return null;
            case RadiusServerState.Zombie when missed < InARow:
                // The probe's own wait has been pause enough.
                return TimeSpan.Zero;
            case RadiusServerState.Zombie:
                state = RadiusServerState.Dead;
                until = null;
                return Jittered(options.StatusInterval);
            case RadiusServerState.Dead when knowsStatus:
                return Jittered(reply && options.StatusInterval > LeastInterval ? LeastInterval : options.StatusInterval);
            default:
                // Learning, or a request was answered meanwhile.
                return knowsStatus || missed >= InARow ? null : Jittered(options.StatusInterval);
        }
    }

    private TimeSpan Jittered(TimeSpan span) => RadiusServer.Jittered(span, limits.Jitter);
}
