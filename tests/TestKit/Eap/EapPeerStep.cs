namespace Headend.TestKit.Eap;

/// <summary>What the peer does with a packet: at most one of answer, MSK (success) and reason (failure) is set.</summary>
/// <param name="Response">EAP-Response to send, or null.</param>
/// <param name="Msk">64 octets when the login succeeded, or null.</param>
/// <param name="Failure">Why the login ended without success, or null.</param>
public readonly record struct EapPeerStep(byte[]? Response, byte[]? Msk, string? Failure);
