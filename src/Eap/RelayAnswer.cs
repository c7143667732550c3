namespace Headend.Eap;

/// <summary>
/// What the AAA server said to the last <see cref="EapStep.ToAaa"/>, already checked for integrity. EapMessage is the concatenation of the
/// EAP-Message attributes, empty when there were none.
/// </summary>
public abstract record RelayAnswer
{
    private RelayAnswer()
    {
    }

    /// <summary>Access-Challenge.</summary>
    public sealed record Challenge(ReadOnlyMemory<byte> EapMessage) : RelayAnswer;

    /// <summary>
    /// Access-Accept. <paramref name="Msk"/> is MS-MPPE-Recv-Key followed by MS-MPPE-Send-Key (RFC 2548 2.4.3, 2.4.2), 32 to 64
    /// octets, or null when the server sent no keys.
    /// </summary>
    public sealed record Accept(ReadOnlyMemory<byte> EapMessage, byte[]? Msk, string? UserName) : RelayAnswer;

    /// <summary>Access-Reject; the Reply-Message is for the log.</summary>
    public sealed record Reject(ReadOnlyMemory<byte> EapMessage, string? ReplyMessage) : RelayAnswer;

    /// <summary>No server answered.</summary>
    public sealed record Unavailable(string Reason) : RelayAnswer;

    /// <summary>The question does not fit into a request: nobody was asked, and nobody is to be asked instead.</summary>
    public sealed record Unsendable(string Reason) : RelayAnswer;
}
