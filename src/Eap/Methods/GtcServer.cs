namespace Headend.Eap.Methods;

/// <summary>
/// Authenticator side of EAP-GTC (RFC 3748 5.6): one question, the password in clear text as the answer. Makes no key. The password crosses the IKE SA
/// alone, whose other end the client has authenticated by certificate.
/// </summary>
internal sealed class GtcServer(EapServerOptions options, string identity) : IEapMethod
{
    // Bounds the input of the hash; a password of 256 characters has at most 1024 octets.
    private const int MaxPasswordLength = 1024;

    private bool _ended;

    public EapType Type => EapType.Gtc;

    /// <summary>The password is stretched.</summary>
    public bool IsExpensive => true;

    // RFC 3748 5.6: "The Request contains a displayable message, and the Response contains the reply".
    public byte[] Start(byte identifier) => "Password: "u8.ToArray();

    public EapMethodStep Handle(ReadOnlySpan<byte> typeData, byte nextIdentifier)
    {
        if (_ended)
            return new EapMethodStep.Discarded("the method has ended");
        if (typeData.Length > MaxPasswordLength)
            return new EapMethodStep.Discarded($"EAP-GTC answer of {typeData.Length} octets");
        _ended = true;
        return LocalPassword.Verify(options.Credentials, identity, typeData, out var account, out var refusal)
            ? new EapMethodStep.Done(account, null)
            : new EapMethodStep.Failed(refusal);
    }

    public void Dispose()
    {
    }
}
