namespace Headend.Eap;

/// <summary>How a profile runs relayed EAP.</summary>
/// <param name="QueryIdentity">Ask the client for its EAP identity; otherwise the IKE identity stands in for it.</param>
/// <param name="IkeIdentity">Text of the IDi payload; used when the identity is not queried.</param>
/// <param name="AllowMethodsWithoutKey">Accept a login that made no MSK (EAP-MD5, EAP-GTC; RFC 7296 2.16 advises against).</param>
public sealed record EapRelayOptions(bool QueryIdentity, string IkeIdentity, bool AllowMethodsWithoutKey = false);
