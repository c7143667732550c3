using System.Net;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>A Disconnect- or CoA-Request that passed every check of the packet. Immutable.</summary>
/// <param name="Packet">Verified.</param>
/// <param name="Client">Whose secret verified it.</param>
/// <param name="Source">Where the reply goes.</param>
/// <param name="Local">The address of ours that it was sent to, and from which the reply comes.</param>
public sealed record DynamicAuthorizationRequest(RadiusPacket Packet, DynamicAuthorizationClientOptions Client, IPEndPoint Source, IPAddress Local)
{
    public bool IsDisconnect => Packet.Code == RadiusCode.DisconnectRequest;
}

/// <summary>What became of a request: an ACK, or a NAK with its Error-Cause.</summary>
/// <param name="Cause">Null acknowledges.</param>
/// <param name="Detail">For the audit log: what was done, or what stood in the way, naming the attribute.</param>
public sealed record DynamicAuthorizationOutcome(ErrorCause? Cause, string Detail)
{
    public static DynamicAuthorizationOutcome Ack(string detail) => new(null, detail);

    public static DynamicAuthorizationOutcome Nak(ErrorCause cause, string detail) => new(cause, detail);
}

/// <summary>Performs verified requests. Called on the server's threads; must not block them.</summary>
public interface IDynamicAuthorizationHandler
{
    ValueTask<DynamicAuthorizationOutcome> HandleAsync(DynamicAuthorizationRequest request);
}

/// <summary>Told of what gets no answer of its own. Called on the server's threads, for every datagram of whoever reaches the port: must be cheap.</summary>
public interface IDynamicAuthorizationObserver
{
    void Discarded(IPEndPoint source, DynamicDiscard reason);

    /// <summary>A request came again and got the same octets again.</summary>
    void Repeated(IPEndPoint source);

    /// <summary>Too many requests are being performed: NAK 506.</summary>
    void Overloaded(IPEndPoint source);
}

/// <summary>Why a datagram gets no answer.</summary>
public enum DynamicDiscard
{
    None,

    /// <summary>No client has this source address.</summary>
    UnknownClient,

    /// <summary>Not a RADIUS packet: lengths that do not add up.</summary>
    Malformed,

    /// <summary>Neither Disconnect-Request nor CoA-Request.</summary>
    UnexpectedCode,

    /// <summary>The Request Authenticator does not verify: a forgery or another secret.</summary>
    BadAuthenticator,

    MissingMessageAuthenticator,

    BadMessageAuthenticator,

    MissingEventTimestamp,

    /// <summary>RFC 5176 6.3: outside of the window, to be discarded in silence.</summary>
    StaleEventTimestamp,

    /// <summary>What must be echoed leaves no room for the answer.</summary>
    TooMuchToEcho,

    /// <summary>The same request is being performed; its answer comes once.</summary>
    InProgress,
}
