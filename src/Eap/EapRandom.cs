namespace Headend.Eap;

/// <summary>Source of challenges; <c>RandomNumberGenerator.Fill</c> in the product, a scripted one in tests.</summary>
public delegate void EapRandom(Span<byte> octets);
