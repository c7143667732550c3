namespace Headend.Aaa.Radius;

/// <summary>RADIUS packet type code (RFC 2865 3, IANA "RADIUS Packet Type Codes"). Open: unknown numbers survive.</summary>
public readonly record struct RadiusCode(byte Value)
{
    public static readonly RadiusCode AccessRequest = new(1);
    public static readonly RadiusCode AccessAccept = new(2);
    public static readonly RadiusCode AccessReject = new(3);
    public static readonly RadiusCode AccountingRequest = new(4);
    public static readonly RadiusCode AccountingResponse = new(5);
    public static readonly RadiusCode AccessChallenge = new(11);
    public static readonly RadiusCode StatusServer = new(12);
    public static readonly RadiusCode DisconnectRequest = new(40);
    public static readonly RadiusCode DisconnectAck = new(41);
    public static readonly RadiusCode DisconnectNak = new(42);
    public static readonly RadiusCode CoaRequest = new(43);
    public static readonly RadiusCode CoaAck = new(44);
    public static readonly RadiusCode CoaNak = new(45);

    /// <summary>Access-Accept, Access-Reject or Access-Challenge: the replies whose forgery RFC 3579 and CVE-2024-3596 are about.</summary>
    public bool IsAccessReply => this == AccessAccept || this == AccessReject || this == AccessChallenge;

    /// <summary>Requests whose Request Authenticator is a keyed MD5 over the packet (RFC 2866 3, RFC 5176 2.3) and not a nonce.</summary>
    public bool HasComputedRequestAuthenticator => this == AccountingRequest || this == DisconnectRequest || this == CoaRequest;

    public override string ToString() => Value switch
    {
        1 => "Access-Request",
        2 => "Access-Accept",
        3 => "Access-Reject",
        4 => "Accounting-Request",
        5 => "Accounting-Response",
        11 => "Access-Challenge",
        12 => "Status-Server",
        40 => "Disconnect-Request",
        41 => "Disconnect-ACK",
        42 => "Disconnect-NAK",
        43 => "CoA-Request",
        44 => "CoA-ACK",
        45 => "CoA-NAK",
        _ => $"RADIUS code {Value}",
    };
}
