using System.Net;
using System.Security.Cryptography;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>
/// One service of a server at run time (over TLS both services are one): its sockets, its requests under way, its counters and its health. Thread-safe: one
/// lock guards slots, exchanges and counters and is never held over digests or system calls other than opening a port.
/// </summary>
internal sealed class RadiusServer : IDisposable
{
    /// <summary>An ICMP error comes back within this of the datagram that it is about.</summary>
    private static readonly TimeSpan RefusalWindow = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly RadiusClientOptions limits;
    private readonly TimeProvider time;
    private readonly IRadiusObserver observer;
    private readonly RetransmissionTable timers;
    private readonly RadiusSocketTable table;
    private readonly RadiusServerCounters counters = new();
    private readonly ServerHealth health;
    private bool disposed;
    private int outstanding;

    public RadiusServer(
        RadiusServerOptions options, RadiusService service, RadiusClientOptions limits, TimeProvider time, IRadiusObserver observer, RetransmissionTable timers)
    {
        Options = options;
        (this.limits, this.time, this.observer, this.timers) = (limits, time, observer, timers);
        table = options.RadSec is { } tls
            ? new RadSecSocketTable(this, tls, limits, time)
            : new UdpSocketTable(this, new IPEndPoint(options.Address, service == RadiusService.Accounting ? options.AcctPort : options.AuthPort), limits);
        health = new ServerHealth(options, service, limits, time, observer, () => ProbeAsync());
        Connect();
    }

    public RadiusServerOptions Options { get; }

    public int Outstanding => Volatile.Read(ref outstanding);

    public RadiusServerState State => health.State;

    /// <summary>RFC 5080 2.2.1: RT = RT + RAND * RT.</summary>
    public static TimeSpan Jittered(TimeSpan span, double jitter)
        => jitter <= 0 ? span : span * (1 + jitter * RandomNumberGenerator.GetInt32(-1000, 1001) / 1000.0);

    public TimeSpan Jittered(TimeSpan span) => Jittered(span, limits.Jitter);

    /// <summary>Over TLS: opens a connection unless one is there.</summary>
    public void Connect()
    {
        if (table is not RadSecSocketTable connections) return;
        lock (gate)
        {
            if (!disposed) connections.EnsureOne();
        }
    }

    /// <summary>Sends the request; <see cref="RadiusExchange"/> sees it through. Its result is null when this server gave no usable answer.</summary>
    /// <param name="request">What to send.</param>
    /// <param name="failOnRefused">Do not wait for a closed port.</param>
    /// <param name="exchange">Under way.</param>
    /// <param name="failure">Why it cannot be sent.</param>
    /// <param name="over">The socket that it must take, or null.</param>
    public bool TryBegin(RadiusRequest request, bool failOnRefused, out RadiusExchange exchange, out string failure, RadiusSocket? over = null)
    {
        exchange = new RadiusExchange(this, request, failOnRefused) { Packet = new byte[request.EncodedLength] };
        return TryTransmit(exchange, 0, over, out failure);
    }

    /// <summary>One Status-Server (RFC 5997), never retransmitted.</summary>
    /// <returns>Whether it was answered in time.</returns>
    public async Task<bool> ProbeAsync(RadiusSocket? over = null)
        => TryBegin(new RadiusRequest(RadiusCode.StatusServer), failOnRefused: true, out var exchange, out _, over) && await exchange.Task.ConfigureAwait(false) is not null;

    /// <summary>Ends an exchange without an answer: cancelled by its caller, or the client stops.</summary>
    public void Abandon(RadiusExchange exchange)
    {
        // Never on the caller's thread: it may be the timer's, or stand in a loop over other exchanges.
        if (TryFinish(exchange, answeredOn: null)) ThreadPool.UnsafeQueueUserWorkItem(static ended => ended.TrySetResult(null), exchange, preferLocal: false);
    }

    /// <summary>A deadline has passed: send again or give up.</summary>
    public void HandleDeadline(RadiusExchange exchange, int transmission)
    {
        bool again;
        lock (gate)
        {
            if (exchange.Done || exchange.Transmissions != transmission) return;
            // RFC 6613 2.6.1: nothing is sent twice over one connection. What a person may have been asked about goes again only if it never arrived.
            again = (exchange.IsOnce ? exchange.Undelivered : Options.RadSec is null) && transmission <= exchange.Timers.Retransmit;
            if (!again && exchange.Request.Phase != RadiusPhase.Status) counters.Timeouts++;
        }
        if (exchange.Request.Phase != RadiusPhase.Status) health.Missing(exchange.FirstSentAt);
        if (again && TryTransmit(exchange, transmission, null, out _)) return;
        Abandon(exchange);
    }

    /// <summary>The exchange ended without an answer, and not by its caller's will.</summary>
    public void HandleRanDry(RadiusExchange exchange, TimeSpan deadTime) => health.RanDry(exchange.FirstSentAt, deadTime);

    /// <summary>ICMP port unreachable for one of a socket's datagrams.</summary>
    /// <param name="socket">Which.</param>
    /// <param name="beforeSending">Reported instead of a datagram's sending, so about an earlier one.</param>
    public void HandleRefused(UdpRadiusSocket socket, bool beforeSending)
    {
        List<RadiusExchange> failed = [];
        lock (gate)
        {
            counters.Refused++;
            foreach (var exchange in socket.Waiting)
            {
                // An older one may well have arrived, a newer one may yet; a person must not be asked twice.
                if (exchange.IsOnce && ((beforeSending && exchange.IsSending) || time.GetElapsedTime(exchange.LastSentAt) > RefusalWindow)) continue;
                exchange.Refused = true;
                if (exchange.IsOnce) exchange.Undelivered = true;
                if (exchange.Done) continue;
                if (exchange.FailOnRefused) failed.Add(exchange);
                else if (exchange.IsOnce) timers.Add(exchange, exchange.Transmissions, Jittered(exchange.Timers.Timeout));
            }
        }
        foreach (var exchange in failed) Abandon(exchange);
    }

    /// <summary>
    /// RFC 2865 3, RFC 3579 3.2: a reply that fails a check is silently discarded: counted, and the wait for the true one goes on.
    /// </summary>
    /// <returns>None for a reply that was taken, or that nobody waits for any more.</returns>
    public RadiusError HandleReply(RadiusSocket socket, ReadOnlySpan<byte> datagram)
    {
        Span<byte> requestAuthenticator = stackalloc byte[16];
        RadiusExchange? exchange = null;
        lock (gate)
        {
            if (datagram.Length >= RadiusPacket.HeaderLength && !socket.TryFind(datagram[1], requestAuthenticator, out exchange))
            {
                counters.Unexpected++;
                socket.HandleUnclaimed(datagram[1]);
                return RadiusError.None;
            }
        }
        if (!RadiusPacket.TryParse(datagram, out var packet, out var error)) return Ignore(exchange, error);
        if (!Answers(packet.Code, exchange!.Request.Code)) return Ignore(exchange, RadiusError.UnexpectedCode);
        error = RadiusAuthenticatorCodec.VerifyReply(packet, requestAuthenticator, Options.Secret, RequiresMessageAuthenticator(exchange.Request, packet));
        // We send no Proxy-State, so a server has none to echo (RFC 2865 5.33).
        if (error == RadiusError.None && Options.RadSec is null && packet is { Code.IsAccessReply: true, HasMessageAuthenticator: false }
            && packet.TryGet(RadiusAttributeType.ProxyState, out _))
        {
            error = RadiusError.UnsolicitedProxyState;
        }
        if (error != RadiusError.None) return Ignore(exchange, error);
        Complete(exchange, socket, packet, requestAuthenticator.ToArray());
        return RadiusError.None;
    }

    /// <summary>A TLS connection stands; what waited for it is on its way.</summary>
    public void HandleConnected(RadSecSocket socket, string protocol)
    {
        observer.ConnectionUp(Options.Name, protocol);
        // Ends with the connection.
        _ = WatchAsync(socket);
    }

    /// <summary>A TLS connection is over. RFC 6613 2.6.1: what it had not answered may go again over another.</summary>
    public void HandleClosed(RadSecSocket socket, string reason)
    {
        List<RadiusExchange> orphans;
        TimeSpan pause;
        bool last;
        lock (gate)
        {
            if (disposed) return;
            orphans = [.. socket.Waiting];
            foreach (var exchange in orphans)
            {
                exchange.Slots.RemoveAll(slot => slot.Socket == socket);
                exchange.Socket = null;
                if (!socket.IsEstablished) exchange.Undelivered = true;
            }
            // Who is sending finds the connection gone and ends the exchange itself.
            orphans.RemoveAll(static exchange => exchange.IsSending);
            pause = ((RadSecSocketTable)table).HandleClosed(socket, reason);
            last = table.Sockets.Count == 0;
        }
        observer.ConnectionDown(Options.Name, reason, pause);
        if (last) health.Unreachable();
        foreach (var exchange in orphans)
        {
            var again = socket.IsProven && !exchange.IsOnce && exchange.Request.Phase != RadiusPhase.Status && exchange.Transmissions <= exchange.Timers.Retransmit;
            if (!again || !TryTransmit(exchange, exchange.Transmissions, null, out _)) Abandon(exchange);
        }
    }

    public RadiusServerStatistics GetStatistics()
    {
        lock (gate)
        {
            var failure = (table as RadSecSocketTable)?.LastFailure;
            return counters.ToStatistics(Options.Name, outstanding, table.Sockets.Count, health, failure);
        }
    }

    public void Dispose()
    {
        var waiting = new HashSet<RadiusExchange>();
        lock (gate)
        {
            disposed = true;
            foreach (var socket in table.Sockets) waiting.UnionWith(socket.Waiting);
        }
        health.Dispose();
        foreach (var exchange in waiting) Abandon(exchange);
        table.Dispose();
    }

    private static bool Answers(RadiusCode reply, RadiusCode request)
    {
        if (request == RadiusCode.AccountingRequest) return reply == RadiusCode.AccountingResponse;
        // RFC 5997: by the port that it came to.
        if (request == RadiusCode.StatusServer) return reply == RadiusCode.AccessAccept || reply == RadiusCode.AccountingResponse;
        return request == RadiusCode.AccessRequest && reply.IsAccessReply;
    }

    private bool RequiresMessageAuthenticator(RadiusRequest request, RadiusPacket reply)
    {
        // The answer to a Status-Server lets nobody in.
        if (!reply.Code.IsAccessReply || request.Phase == RadiusPhase.Status) return false;
        return Options.RequireMessageAuthenticator switch
        {
            MessageAuthenticatorRule.Off => false,
            MessageAuthenticatorRule.Eap => request.HasEap || reply.TryGet(RadiusAttributeType.EapMessage, out _),
            _ => true,
        };
    }

    private bool TryTransmit(RadiusExchange exchange, int previous, RadiusSocket? over, out string failure)
    {
        failure = "";
        Span<byte> nonce = stackalloc byte[16];
        var now = time.GetUtcNow();
        var delayTime = exchange.Request.DelayTimeAt(now);
        // RFC 2866 4.1: "the Identifier field MUST be changed whenever the content of the Attributes field changes"; Acct-Delay-Time changes it.
        if (previous == 0 || delayTime != exchange.DelayTime || exchange.Socket is null)
        {
            RandomNumberGenerator.Fill(nonce);
            RadiusSocket? socket = over;
            byte identifier;
            lock (gate)
            {
                if (exchange.Done) return true;
                failure = "the client is stopping";
                if (disposed || (socket is null ? !table.TryPick(out socket, out failure) : socket.Available == 0)) return false;
                identifier = socket.Take(exchange);
                exchange.Slots.Add((socket, identifier));
                exchange.Socket = socket;
                exchange.DelayTime = delayTime;
                exchange.IsSending = true;
                if (previous == 0)
                {
                    if (exchange.Request.Phase == RadiusPhase.Status) counters.Probes++;
                    else (counters.Requests, outstanding) = (counters.Requests + 1, outstanding + 1);
                    exchange.FirstSentAt = time.GetTimestamp();
                }
            }
            exchange.PacketLength = exchange.Request.Encode(exchange.Packet, identifier, nonce, Options.Secret, now);
            lock (gate)
            {
                // Ended meanwhile: the identifier may be somebody else's already.
                if (exchange.Done) return true;
                socket.SetAuthenticator(identifier, exchange.Packet.AsSpan(4, 16));
            }
        }
        RadiusSocket? path;
        lock (gate)
        {
            if (exchange.Done) return true;
            path = exchange.Socket;
            exchange.IsSending = path is not null;
            exchange.Undelivered = path is null;
            exchange.Transmissions = previous + 1;
            exchange.LastSentAt = time.GetTimestamp();
            if (previous > 0) counters.Retransmissions++;
        }
        if (path is null)
        {
            // The connection broke before anything was sent over it.
            Abandon(exchange);
            return true;
        }
        timers.Add(exchange, previous + 1, WaitOf(exchange));
        HandleSent(exchange, path.TrySend(exchange.Packet.AsSpan(0, exchange.PacketLength)));
        return true;
    }

    private void HandleSent(RadiusExchange exchange, bool sent)
    {
        bool lost;
        lock (gate)
        {
            exchange.IsSending = false;
            lost = exchange.Socket is null;
            if (exchange.Done || (sent && !lost)) return;
            exchange.Undelivered |= !sent;
        }
        if (lost) Abandon(exchange);
        else if (exchange.IsOnce) timers.Add(exchange, exchange.Transmissions, Jittered(exchange.Timers.Timeout));
    }

    private TimeSpan WaitOf(RadiusExchange exchange)
    {
        if (exchange.IsOnce) return Options.MfaWait!.Value;
        return Jittered(Options.RadSec is null ? exchange.Timers.WaitOf(exchange.Transmissions) : exchange.Timers.Total);
    }

    /// <summary>RFC 6613 2.6: Status-Server as the watchdog of RFC 3539 on a silent connection. A server that never answered one is not held to it.</summary>
    private async Task WatchAsync(RadSecSocket socket)
    {
        try
        {
            var knowsStatus = Options.StatusServer != StatusServerRule.Off && await ProbeAsync(socket).ConfigureAwait(false);
            if (socket.Ended.IsCancellationRequested) return;
            if (!knowsStatus && Options.StatusServer != StatusServerRule.On)
            {
                Prove(socket);
                return;
            }
            var answered = knowsStatus;
            while (answered)
            {
                var seen = socket.ReceivedAt;
                await Task.Delay(Jittered(Options.StatusInterval), time, socket.Ended).ConfigureAwait(false);
                answered = socket.ReceivedAt != seen || await ProbeAsync(socket).ConfigureAwait(false);
            }
            socket.Close("Status-Server was not answered");
        }
        catch (OperationCanceledException)
        {
            // The connection is over.
        }
    }

    private void Prove(RadSecSocket socket)
    {
        lock (gate)
        {
            socket.IsProven = true;
            ((RadSecSocketTable)table).HandleProven();
        }
        health.Answered();
    }

    private RadiusError Ignore(RadiusExchange? exchange, RadiusError reason)
    {
        lock (gate) counters.CountIgnored(exchange, reason);
        observer.ReplyIgnored(Options.Name, reason);
        return reason;
    }

    private void Complete(RadiusExchange exchange, RadiusSocket socket, RadiusPacket packet, byte[] requestAuthenticator)
    {
        if (!TryFinish(exchange, answeredOn: socket)) return;
        var isProbe = exchange.Request.Phase == RadiusPhase.Status;
        lock (gate)
        {
            // Karn: a retransmitted request's answer measures nothing; and a person's pace is not the server's.
            if (exchange.Transmissions == 1 && !exchange.IsOnce) counters.AddRoundTrip(time.GetElapsedTime(exchange.LastSentAt));
            if (isProbe) counters.ProbesAnswered++;
            else counters.CountReply(packet.Code);
        }
        if (socket is RadSecSocket connection) Prove(connection);
        else if (!isProbe) health.Answered();
        exchange.TrySetResult(packet.Code.Value switch
        {
            2 => new RadiusOutcome.Accept(packet, Options, requestAuthenticator),
            3 => new RadiusOutcome.Reject(packet, Options, requestAuthenticator),
            11 => new RadiusOutcome.Challenge(packet, Options, requestAuthenticator),
            _ => new RadiusOutcome.AccountingResponse(packet, Options, requestAuthenticator),
        });
    }

    /// <summary>Takes the exchange out of its slots; true for the one caller who may complete it.</summary>
    private bool TryFinish(RadiusExchange exchange, RadiusSocket? answeredOn)
    {
        lock (gate)
        {
            if (exchange.Done) return false;
            exchange.Done = true;
            foreach (var (socket, identifier) in exchange.Slots) socket.Release(identifier, answered: socket == answeredOn);
            if (exchange.Request.Phase != RadiusPhase.Status) outstanding--;
            return true;
        }
    }
}
