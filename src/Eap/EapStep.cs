namespace Headend.Eap;

/// <summary>
/// What the caller does next with a login: the only output of <see cref="EapRelay"/>, <see cref="EapServer"/> and
/// <see cref="AnyConnect.AnyConnectServer"/>. Success,
/// Failure, Unavailable and Unsendable are final; every later input is <see cref="Discarded"/>.
/// </summary>
public abstract record EapStep
{
    private EapStep()
    {
    }

    /// <summary>Send this EAP-Request to the client and wait for its Response.</summary>
    public sealed record Request(byte[] Packet) : EapStep;

    /// <summary>Ask the AAA server (relay only): EAP-Message and User-Name of the next Access-Request.</summary>
    public sealed record ToAaa(ReadOnlyMemory<byte> EapMessage, string UserName) : EapStep;

    /// <summary>Judge what the user typed (AnyConnect-EAP only); the answer is an <see cref="AnyConnect.AnyConnectVerdict"/>. The caller disposes of the credentials.</summary>
    public sealed record CheckCredentials(AnyConnect.AnyConnectCredentials Credentials) : EapStep;

    /// <summary>
    /// Judge the client's certificate and its signature over the initiator's AUTH octets (AnyConnect-EAP only); the answer is an
    /// <see cref="AnyConnect.AnyConnectVerdict"/>.
    /// </summary>
    /// <param name="Chain">DER, the leaf first; nothing of it is checked yet.</param>
    /// <param name="Signature">Raw.</param>
    public sealed record CheckCertificate(IReadOnlyList<ReadOnlyMemory<byte>> Chain, byte[] Signature) : EapStep;

    /// <summary>
    /// The client is authenticated: send the EAP-Success. <paramref name="Msk"/> is 64 octets, owned and zeroed by the caller;
    /// null only where methods without key are allowed (AUTH is then made with SK_pi and SK_pr, RFC 7296 2.16).
    /// </summary>
    /// <param name="Packet">EAP-Success.</param>
    /// <param name="Msk">Master session key or null.</param>
    /// <param name="Identity">The authenticated identity: the AAA server's User-Name, else the name that was proven.</param>
    /// <param name="Method">The method that ran, for the log; null when the AAA server accepted without one.</param>
    public sealed record Success(byte[] Packet, byte[]? Msk, string Identity, EapType? Method) : EapStep;

    /// <summary>
    /// The login is refused. The packet is the EAP-Failure for the client, or null where none may be made up and the carrier's own
    /// refusal is all (AUTHENTICATION_FAILED, 24). The reason is for the operator, never for the peer.
    /// </summary>
    public sealed record Failure(byte[]? Packet, string Reason) : EapStep;

    /// <summary>The AAA server gave no answer; not a refusal (it says nothing about the credentials).</summary>
    public sealed record Unavailable(string Reason) : EapStep;

    /// <summary>
    /// What the client said does not fit into a request to the AAA server: the login is refused, and no other method may be tried in the server's place. The reason names
    /// the attribute, for the operator.
    /// </summary>
    public sealed record Unsendable(string Reason) : EapStep;

    /// <summary>
    /// The input changed nothing. <paramref name="Outstanding"/> is the request that still waits for its answer: a carrier
    /// that must answer every message (IKE_AUTH) sends it again. Null when nothing waits for the client.
    /// </summary>
    public sealed record Discarded(string Reason, byte[]? Outstanding) : EapStep;
}
