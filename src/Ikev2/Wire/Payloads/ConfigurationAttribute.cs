namespace Headend.Ikev2.Wire;

/// <summary>An attribute of a Configuration payload, RFC 7296 3.15.1; in a request the value is often empty.</summary>
public readonly record struct ConfigurationAttribute(ConfigurationAttributeType Type, ReadOnlyMemory<byte> Value);
