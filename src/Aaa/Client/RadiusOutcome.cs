using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>What became of a request. Four answers, two non-answers; neither <see cref="Unavailable"/> nor <see cref="Unsendable"/> is ever a Reject.</summary>
public abstract record RadiusOutcome
{
    private RadiusOutcome()
    {
    }

    /// <summary>A verified reply.</summary>
    /// <param name="Packet">The reply; its authenticators have been checked.</param>
    /// <param name="Server">Who answered: the server that a State belongs to.</param>
    /// <param name="RequestAuthenticator">Of the request it answers; the key of hidden attributes.</param>
    public abstract record Answer(RadiusPacket Packet, RadiusServerOptions Server, ReadOnlyMemory<byte> RequestAuthenticator) : RadiusOutcome;

    /// <summary>Access-Accept (2).</summary>
    public sealed record Accept(RadiusPacket Packet, RadiusServerOptions Server, ReadOnlyMemory<byte> RequestAuthenticator)
        : Answer(Packet, Server, RequestAuthenticator);

    /// <summary>Access-Reject (3).</summary>
    public sealed record Reject(RadiusPacket Packet, RadiusServerOptions Server, ReadOnlyMemory<byte> RequestAuthenticator)
        : Answer(Packet, Server, RequestAuthenticator);

    /// <summary>Access-Challenge (11): goes on with the next request to the same server (<see cref="RadiusRequest.ServerName"/>), which echoes State.</summary>
    public sealed record Challenge(RadiusPacket Packet, RadiusServerOptions Server, ReadOnlyMemory<byte> RequestAuthenticator)
        : Answer(Packet, Server, RequestAuthenticator);

    /// <summary>Accounting-Response (5): the record is in the server's hands.</summary>
    public sealed record AccountingResponse(RadiusPacket Packet, RadiusServerOptions Server, ReadOnlyMemory<byte> RequestAuthenticator)
        : Answer(Packet, Server, RequestAuthenticator);

    /// <summary>
    /// The request was not sent: one of its attributes does not fit. That says nothing of the servers, and may be the client's own doing: nobody may be asked in their place.
    /// </summary>
    /// <param name="Detail">The attribute, and why.</param>
    public sealed record Unsendable(string Detail) : RadiusOutcome
    {
        /// <summary>One line for the log.</summary>
        public string Explain() => $"the RADIUS request cannot be sent: {Detail}";
    }

    /// <summary>No usable answer. <see cref="Attempts"/> tells server by server why.</summary>
    public sealed record Unavailable(UnavailableReason Reason, IReadOnlyList<ServerAttemptRecord> Attempts, string? Detail = null) : RadiusOutcome
    {
        /// <summary>One line for the log.</summary>
        public string Explain()
        {
            var line = Reason switch
            {
                UnavailableReason.NoAnswer => "no RADIUS server answered",
                UnavailableReason.MfaWaitOver => "the RADIUS server did not answer within its mfa-wait, and no other may be asked",
                UnavailableReason.TooManyInFlight => "too many RADIUS requests in flight",
                UnavailableReason.UnknownServer => "the conversation's RADIUS server is no longer configured",
                UnavailableReason.SocketError => "the RADIUS socket failed",
                _ => "the RADIUS client is stopping",
            };
            if (Detail is not null) line += ": " + Detail;
            foreach (var attempt in Attempts) line += "; " + attempt.Explain();
            return line;
        }
    }
}

public enum UnavailableReason
{
    NoAnswer,

    /// <summary>A server that may ask a person (<see cref="RadiusServerOptions.MfaWait"/>) has the request and did not answer: asking anybody else would ask the person again.</summary>
    MfaWaitOver,
    TooManyInFlight,
    UnknownServer,
    SocketError,
    Stopping,
}

/// <summary>What one server did with one request that it did not answer usably.</summary>
/// <param name="Server">Its name.</param>
/// <param name="Transmissions">Times the request was sent.</param>
/// <param name="BadAuthenticators">Replies whose Response Authenticator or Message-Authenticator failed.</param>
/// <param name="MissingMessageAuthenticators">Replies without the required Message-Authenticator.</param>
/// <param name="Malformed">Replies that were no RADIUS packet or of a code that does not answer the request.</param>
/// <param name="Refused">Whether its host answered ICMP port unreachable.</param>
/// <param name="SocketFailure">Why the operating system would not send, or null.</param>
public sealed record ServerAttemptRecord(
    string Server, int Transmissions, int BadAuthenticators, int MissingMessageAuthenticators, int Malformed, bool Refused, string? SocketFailure = null)
{
    public string Explain()
    {
        if (SocketFailure is not null) return $"{Server} cannot be asked: {SocketFailure}";
        var line = $"{Server} was asked {Transmissions} time{(Transmissions == 1 ? "" : "s")}";
        if (BadAuthenticators > 0) line += $", {BadAuthenticators} replies failed their Response Authenticator: is the secret right?";
        if (MissingMessageAuthenticators > 0) line += $", {MissingMessageAuthenticators} replies lacked Message-Authenticator: the server predates the remedy of CVE-2024-3596";
        if (Malformed > 0) line += $", {Malformed} replies were malformed";
        if (Refused) line += ", its port is closed";
        return line;
    }
}
