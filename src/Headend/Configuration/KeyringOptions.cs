using Headend.Ikev2;

namespace Headend.Configuration;

/// <param name="Name">Name by which profiles refer to it.</param>
/// <param name="Peers">In the order written.</param>
internal sealed record KeyringOptions(string Name, IReadOnlyList<KeyringPeerOptions> Peers);

/// <param name="Name">For show and log; null where the identity says enough.</param>
/// <param name="Identity">Whose IDi fits is this peer.</param>
/// <param name="Local">The headend proves itself with it; null where there is none. The same as <paramref name="Remote"/> for a symmetric key.</param>
/// <param name="Remote">The peer proves itself with it.</param>
internal sealed record KeyringPeerOptions(string? Name, IdentityMatch Identity, SecretOptions? Local, SecretOptions Remote);

/// <summary>Where a profile's pre-shared keys are; asked in the order of the members.</summary>
/// <param name="Local">Name of a keyring of this configuration, or null.</param>
/// <param name="Aaa">The request that asks AAA for the keys, or null.</param>
internal sealed record ProfileKeyringOptions(string? Local, AuthorizationRequestOptions? Aaa);
