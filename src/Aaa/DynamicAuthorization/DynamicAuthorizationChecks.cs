using System.Net;
using System.Runtime.InteropServices;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>What is to be done with a datagram: nothing, send these octets, or perform this request.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DynamicVerdict(DynamicDiscard Discard, byte[]? Reply, DynamicAuthorizationRequest? Request)
{
    /// <summary>The reply says 506 and belongs to no request that was performed.</summary>
    public bool Overloaded { get; init; }
}

/// <summary>
/// The checks of a datagram on the dynamic authorization port, in this order: allow-list, lengths, Request Authenticator, Message-Authenticator, Event-Timestamp,
/// requests already seen. Nothing is answered or remembered before the secret has been proven. Thread-safe; no I/O.
/// </summary>
public sealed class DynamicAuthorizationChecks
{
    private static readonly TimeSpan ShortestMemory = TimeSpan.FromSeconds(60);

    private readonly DynamicAuthorizationOptions options;
    private readonly TimeProvider time;
    private readonly DynamicAuthorizationClientOptions[] clients;
    private readonly ReplyTable replies;
    private int inProgress;

    public DynamicAuthorizationChecks(DynamicAuthorizationOptions options, TimeProvider time)
    {
        this.options = options;
        this.time = time;
        clients = [.. options.Clients.OrderByDescending(c => c.Address.PrefixLength)];
        // A timestamp from the far end of the window passes for twice the window.
        var memory = options.EventTimestampWindow * 2;
        replies = new ReplyTable(memory > ShortestMemory ? memory : ShortestMemory, options.MaximumReplies);
    }

    /// <summary>Requests that were handed out and are not completed.</summary>
    public int InProgress => Volatile.Read(ref inProgress);

    /// <summary>Judges one datagram. A request that is handed out must be given to <see cref="Complete"/> or <see cref="Abandon"/>.</summary>
    public DynamicVerdict Check(ReadOnlySpan<byte> datagram, IPEndPoint source, IPAddress local)
    {
        if (Find(source.Address) is not { } client) return Discard(DynamicDiscard.UnknownClient);
        if (!RadiusPacket.TryParse(datagram, out var packet, out _)) return Discard(DynamicDiscard.Malformed);
        if (packet.Code != RadiusCode.DisconnectRequest && packet.Code != RadiusCode.CoaRequest) return Discard(DynamicDiscard.UnexpectedCode);
        switch (RadiusAuthenticatorCodec.VerifyRequest(packet, client.Secret, client.RequireMessageAuthenticator))
        {
            case RadiusError.None:
                break;
            case RadiusError.MissingMessageAuthenticator:
                return Discard(DynamicDiscard.MissingMessageAuthenticator);
            case RadiusError.BadMessageAuthenticator:
                return Discard(DynamicDiscard.BadMessageAuthenticator);
            default:
                return Discard(DynamicDiscard.BadAuthenticator);
        }
        var stale = CheckTimestamp(packet, client);
        if (stale != DynamicDiscard.None) return Discard(stale);
        if (!ReplyCodec.Fits(packet)) return Discard(DynamicDiscard.TooMuchToEcho);
        return Begin(new DynamicAuthorizationRequest(packet, client, source, local));
    }

    /// <summary>Builds the answer and remembers it.</summary>
    public byte[] Complete(DynamicAuthorizationRequest request, ErrorCause? cause)
    {
        var reply = ReplyCodec.Build(request.Packet, request.Client.Secret, cause);
        replies.Complete(RequestKey.Of(request.Packet), reply);
        Interlocked.Decrement(ref inProgress);
        return reply;
    }

    /// <summary>The request ends without an answer: sent again, it counts as new.</summary>
    public void Abandon(DynamicAuthorizationRequest request)
    {
        replies.Abandon(RequestKey.Of(request.Packet));
        Interlocked.Decrement(ref inProgress);
    }

    private static DynamicVerdict Discard(DynamicDiscard reason) => new(reason, null, null);

    private DynamicVerdict Begin(DynamicAuthorizationRequest request)
    {
        var key = RequestKey.Of(request.Packet);
        if (!replies.TryBegin(key, time.GetElapsedTime(0).Ticks, out var reply))
            return reply is null ? Discard(DynamicDiscard.InProgress) : new DynamicVerdict(DynamicDiscard.None, reply, null);
        if (Interlocked.Increment(ref inProgress) <= options.MaximumInProgress) return new DynamicVerdict(DynamicDiscard.None, null, request);
        Abandon(request);
        return new DynamicVerdict(DynamicDiscard.None, ReplyCodec.Build(request.Packet, request.Client.Secret, ErrorCause.ResourcesUnavailable), null) { Overloaded = true };
    }

    private DynamicDiscard CheckTimestamp(RadiusPacket packet, DynamicAuthorizationClientOptions client)
    {
        var present = false;
        foreach (var attribute in packet.Attributes)
        {
            if (attribute.Type != RadiusAttributeType.EventTimestamp) continue;
            present = true;
            if (!attribute.TryGetUInt32(out var seconds)) return DynamicDiscard.StaleEventTimestamp;
            // Seconds of an unsigned 32-bit count (RFC 2869 5.3), so that the difference is taken around its end.
            var behind = unchecked((int)((uint)time.GetUtcNow().ToUnixTimeSeconds() - seconds));
            if (Math.Abs((long)behind) > (long)options.EventTimestampWindow.TotalSeconds) return DynamicDiscard.StaleEventTimestamp;
        }
        return present || !client.RequireEventTimestamp ? DynamicDiscard.None : DynamicDiscard.MissingEventTimestamp;
    }

    private DynamicAuthorizationClientOptions? Find(IPAddress source)
    {
        if (source.IsIPv4MappedToIPv6) source = source.MapToIPv4();
        foreach (var client in clients)
        {
            if (client.Address.Contains(source)) return client;
        }
        return null;
    }
}
