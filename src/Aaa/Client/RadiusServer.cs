using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>
/// One server at run time: its source ports, its requests under way, its counters and whether it is taken for dead. Thread-safe: one lock guards
/// slots, exchanges and counters and is never held over digests or system calls other than opening a port.
/// </summary>
internal sealed class RadiusServer(RadiusServerOptions options, RadiusClientOptions limits, TimeProvider time, IRadiusObserver observer, RetransmissionTable timers)
    : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<RadiusSocket> authSockets = [];
    private readonly List<RadiusSocket> acctSockets = [];
    private int rotation;
    private bool disposed;
    private DateTimeOffset? deadUntil;
    private long? answeredAt;
    private double smoothedRoundTripSeconds = -1;
    private long requests, retransmissions, accepts, rejects, challenges, accountingResponses, timeouts;
    private long badAuthenticators, missingMessageAuthenticators, malformed, unexpected, refused;
    private int outstanding;

    public RadiusServerOptions Options { get; } = options;

    public int Outstanding => Volatile.Read(ref outstanding);

    public bool IsDead(DateTimeOffset now)
    {
        lock (gate) return deadUntil is { } until && now < until;
    }

    /// <summary>Sends the request and sees it through its retransmissions. The result is null when this server gave no usable answer.</summary>
    /// <exception cref="SocketException">No source port can be opened.</exception>
    public RadiusExchange Begin(RadiusRequest request, bool failOnRefused)
    {
        var exchange = new RadiusExchange(this, request, failOnRefused) { Packet = new byte[request.EncodedLength] };
        Transmit(exchange, 0);
        return exchange;
    }

    /// <summary>Ends an exchange without an answer: cancelled by its caller, or the client stops.</summary>
    public void Abandon(RadiusExchange exchange)
    {
        // Never on the caller's thread: it may be the timer's, or stand in a loop over other exchanges.
        if (TryFinish(exchange)) ThreadPool.UnsafeQueueUserWorkItem(static ended => ended.TrySetResult(null), exchange, preferLocal: false);
    }

    /// <summary>A deadline has passed: send again or give up.</summary>
    public void HandleDeadline(RadiusExchange exchange, int transmission)
    {
        bool again;
        lock (gate)
        {
            if (exchange.Done || exchange.Transmissions != transmission) return;
            again = exchange.Transmissions <= Options.Retransmit;
            if (!again) timeouts++;
        }
        if (again && TryRetransmit(exchange, transmission)) return;
        Abandon(exchange);
    }

    /// <summary>
    /// The server let a request run dry. It is dead only if it answered nobody meanwhile: servers drop single requests on purpose (an unknown realm, a
    /// home server that is silent), and one user's must not cost all others their server.
    /// </summary>
    /// <param name="deadTime">How long it is passed over.</param>
    /// <param name="since">When the request was begun (<see cref="TimeProvider.GetTimestamp"/>).</param>
    public void MarkDead(TimeSpan deadTime, long since)
    {
        if (deadTime <= TimeSpan.Zero) return;
        var until = time.GetUtcNow() + deadTime;
        bool news;
        lock (gate)
        {
            if (answeredAt is { } answered && answered >= since) return;
            news = deadUntil is null;
            deadUntil = until;
        }
        if (news) observer.ServerDead(Options.Name, until);
    }

    public void HandleRefused(RadiusSocket socket)
    {
        List<RadiusExchange>? failed = null;
        lock (gate)
        {
            refused++;
            foreach (var exchange in socket.Waiting)
            {
                exchange.Refused = true;
                if (exchange.FailOnRefused && !exchange.Done) (failed ??= []).Add(exchange);
            }
        }
        if (failed is null) return;
        foreach (var exchange in failed) Abandon(exchange);
    }

    /// <summary>
    /// RFC 2865 3, RFC 3579 3.2: a reply that fails a check is silently discarded: counted, and the wait for the true one goes on.
    /// </summary>
    public void HandleReply(RadiusSocket socket, ReadOnlySpan<byte> datagram)
    {
        Span<byte> requestAuthenticator = stackalloc byte[16];
        RadiusExchange? exchange = null;
        lock (gate)
        {
            if (datagram.Length >= RadiusPacket.HeaderLength && !socket.TryFind(datagram[1], requestAuthenticator, out exchange))
            {
                unexpected++;
                return;
            }
        }
        if (!RadiusPacket.TryParse(datagram, out var packet, out var error))
        {
            Ignore(exchange, error);
            return;
        }
        if (!Answers(packet.Code, exchange!.Request.Code))
        {
            Ignore(exchange, RadiusError.UnexpectedCode);
            return;
        }
        error = RadiusAuthenticatorCodec.VerifyReply(packet, requestAuthenticator, Options.Secret, RequiresMessageAuthenticator(exchange.Request, packet));
        if (error != RadiusError.None)
        {
            Ignore(exchange, error);
            return;
        }
        Complete(exchange, packet, requestAuthenticator.ToArray());
    }

    public RadiusServerStatistics GetStatistics()
    {
        lock (gate)
        {
            return new RadiusServerStatistics(
                Options.Name, requests, retransmissions, accepts, rejects, challenges, accountingResponses, timeouts, badAuthenticators,
                missingMessageAuthenticators, malformed, unexpected, refused, outstanding, authSockets.Count + acctSockets.Count,
                deadUntil is { } until && until > time.GetUtcNow() ? until : null,
                smoothedRoundTripSeconds < 0 ? null : TimeSpan.FromSeconds(smoothedRoundTripSeconds));
        }
    }

    public void Dispose()
    {
        var waiting = new HashSet<RadiusExchange>();
        lock (gate)
        {
            disposed = true;
            foreach (var socket in authSockets) waiting.UnionWith(socket.Waiting);
            foreach (var socket in acctSockets) waiting.UnionWith(socket.Waiting);
        }
        foreach (var exchange in waiting) Abandon(exchange);
        foreach (var socket in authSockets) socket.Dispose();
        foreach (var socket in acctSockets) socket.Dispose();
    }

    private static bool Answers(RadiusCode reply, RadiusCode request)
        => request == RadiusCode.AccountingRequest
            ? reply == RadiusCode.AccountingResponse
            : reply.IsAccessReply && (request == RadiusCode.AccessRequest || reply == RadiusCode.AccessAccept);

    private bool RequiresMessageAuthenticator(RadiusRequest request, RadiusPacket reply) => Options.RequireMessageAuthenticator switch
    {
        MessageAuthenticatorRule.Off => false,
        MessageAuthenticatorRule.Eap => reply.Code.IsAccessReply && (request.HasEap || reply.TryGet(RadiusAttributeType.EapMessage, out _)),
        _ => reply.Code.IsAccessReply,
    };

    private void Transmit(RadiusExchange exchange, int previous)
    {
        Span<byte> nonce = stackalloc byte[16];
        var now = time.GetUtcNow();
        var delayTime = exchange.Request.DelayTimeAt(now);
        // RFC 2866 4.1: "the Identifier field MUST be changed whenever the content of the Attributes field changes"; Acct-Delay-Time changes it.
        if (previous == 0 || delayTime != exchange.DelayTime)
        {
            RandomNumberGenerator.Fill(nonce);
            RadiusSocket socket;
            byte identifier;
            lock (gate)
            {
                if (exchange.Done) return;
                socket = Pick(exchange.Request.Code == RadiusCode.AccountingRequest);
                identifier = socket.Take(exchange);
                exchange.Slots.Add((socket, identifier));
                exchange.Socket = socket;
                exchange.DelayTime = delayTime;
                if (previous == 0)
                {
                    requests++;
                    outstanding++;
                }
            }
            exchange.PacketLength = exchange.Request.Encode(exchange.Packet, identifier, nonce, Options.Secret, now);
            lock (gate)
            {
                // Ended meanwhile: the identifier may be somebody else's already.
                if (exchange.Done) return;
                socket.SetAuthenticator(identifier, exchange.Packet.AsSpan(4, 16));
            }
        }
        lock (gate)
        {
            if (exchange.Done) return;
            exchange.Transmissions = previous + 1;
            exchange.LastSentAt = time.GetTimestamp();
            if (previous > 0) retransmissions++;
        }
        timers.Add(exchange, previous + 1, Jittered(Options.Timeout));
        exchange.Socket!.TrySend(exchange.Packet.AsSpan(0, exchange.PacketLength));
    }

    /// <summary>On the timer's thread nobody else would catch what the operating system refuses.</summary>
    private bool TryRetransmit(RadiusExchange exchange, int transmission)
    {
        try
        {
            Transmit(exchange, transmission);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private TimeSpan Jittered(TimeSpan timeout)
    {
        if (limits.Jitter <= 0) return timeout;
        var share = RandomNumberGenerator.GetInt32(-1000, 1001) / 1000.0;
        return timeout * (1 + limits.Jitter * share);
    }

    /// <summary>The next source port, in turn, that has an identifier left; opens another while all are nearly full. Called under the lock.</summary>
    private RadiusSocket Pick(bool accounting)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var sockets = accounting ? acctSockets : authSockets;
        while (sockets.Count < limits.InitialPortsPerServer) sockets.Add(Open(accounting));
        const int nearlyFull = 32;
        RadiusSocket? last = null;
        for (var i = 0; i < sockets.Count; i++)
        {
            var candidate = sockets[rotation++ % sockets.Count];
            if (candidate.Available > nearlyFull) return candidate;
            if (candidate.Available > 0) last = candidate;
        }
        if (sockets.Count >= limits.MaximumPortsPerServer) return last ?? throw new SocketException((int)SocketError.TooManyOpenSockets);
        var opened = Open(accounting);
        sockets.Add(opened);
        return opened;
    }

    private RadiusSocket Open(bool accounting)
    {
        var socket = new RadiusSocket(this, new IPEndPoint(Options.Address, accounting ? Options.AcctPort : Options.AuthPort), Options.SourceAddress);
        // Ends when the socket is disposed; its errors are handled inside.
        _ = Task.Run(socket.ReceiveAsync);
        return socket;
    }

    private void Ignore(RadiusExchange? exchange, RadiusError reason)
    {
        lock (gate)
        {
            if (reason is RadiusError.BadAuthenticator or RadiusError.BadMessageAuthenticator)
            {
                badAuthenticators++;
                if (exchange is not null) exchange.BadAuthenticators++;
            }
            else if (reason == RadiusError.MissingMessageAuthenticator)
            {
                missingMessageAuthenticators++;
                if (exchange is not null) exchange.MissingMessageAuthenticators++;
            }
            else
            {
                if (reason == RadiusError.UnexpectedCode) unexpected++;
                else malformed++;
                if (exchange is not null) exchange.Malformed++;
            }
        }
        observer.ReplyIgnored(Options.Name, reason);
    }

    private void Complete(RadiusExchange exchange, RadiusPacket packet, byte[] requestAuthenticator)
    {
        if (!TryFinish(exchange)) return;
        bool revived;
        lock (gate)
        {
            revived = deadUntil is not null;
            deadUntil = null;
            answeredAt = time.GetTimestamp();
            // RFC 6298 2 with alpha 1/8; Karn: a retransmitted request's answer measures nothing.
            if (exchange.Transmissions == 1)
            {
                var sample = time.GetElapsedTime(exchange.LastSentAt).TotalSeconds;
                smoothedRoundTripSeconds = smoothedRoundTripSeconds < 0 ? sample : smoothedRoundTripSeconds + (sample - smoothedRoundTripSeconds) / 8;
            }
            if (packet.Code == RadiusCode.AccessAccept) accepts++;
            else if (packet.Code == RadiusCode.AccessReject) rejects++;
            else if (packet.Code == RadiusCode.AccessChallenge) challenges++;
            else accountingResponses++;
        }
        if (revived) observer.ServerAlive(Options.Name);
        exchange.TrySetResult(packet.Code.Value switch
        {
            2 => new RadiusOutcome.Accept(packet, Options, requestAuthenticator),
            3 => new RadiusOutcome.Reject(packet, Options, requestAuthenticator),
            11 => new RadiusOutcome.Challenge(packet, Options, requestAuthenticator),
            _ => new RadiusOutcome.AccountingResponse(packet, Options, requestAuthenticator),
        });
    }

    /// <summary>Takes the exchange out of its slots; true for the one caller who may complete it.</summary>
    private bool TryFinish(RadiusExchange exchange)
    {
        lock (gate)
        {
            if (exchange.Done) return false;
            exchange.Done = true;
            foreach (var (socket, identifier) in exchange.Slots) socket.Release(identifier);
            outstanding--;
            return true;
        }
    }
}
