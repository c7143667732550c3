namespace Headend.Eap.Methods;

/// <summary>What a method wants next.</summary>
public abstract record EapMethodStep
{
    private EapMethodStep()
    {
    }

    /// <summary>Send another Request of this method. <paramref name="Refusal"/> is set when the login is lost already and only the peer's acknowledgement is missing.</summary>
    public sealed record Request(byte[] TypeData, string? Refusal = null) : EapMethodStep;

    /// <summary>The peer proved this identity; MSK of 64 octets, or null when the method makes none.</summary>
    public sealed record Done(string Identity, byte[]? Msk) : EapMethodStep;

    public sealed record Failed(string Reason) : EapMethodStep;

    /// <summary>The Response was malformed or out of turn; the last Request still stands.</summary>
    public sealed record Discarded(string Reason) : EapMethodStep;
}
