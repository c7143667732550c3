namespace Headend.Ikev2.Wire;

/// <summary>A proposal of an SA payload: RFC 7296 3.3.1.</summary>
public sealed record Proposal(byte Number, ProtocolId Protocol, ReadOnlyMemory<byte> Spi, IReadOnlyList<Transform> Transforms);
