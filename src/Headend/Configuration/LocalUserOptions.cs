using Headend.Eap;

namespace Headend.Configuration;

/// <summary>A user of the method <c>local</c>. Without any form of password the user can log in by certificate only.</summary>
/// <param name="Name">User name, compared octet for octet.</param>
/// <param name="Password">Password in UTF-8, or null.</param>
/// <param name="Policy">Name of an authorization policy, or null.</param>
internal sealed record LocalUserOptions(string Name, SecretOptions? Password, string? Policy)
{
    /// <summary>16 octets, or null.</summary>
    public SecretOptions? NtHash { get; init; }

    public PasswordHash? PasswordHash { get; init; }

    /// <summary>Name of an attribute list, above the policy; or null.</summary>
    public string? AttributeList { get; init; }

    public bool HasSecret => Password is not null || NtHash is not null || PasswordHash is not null;

    /// <summary>Whether the user can log in by this password method.</summary>
    public bool Serves(EapType method) => LocalCredential.Serves(method, Password is not null, NtHash is not null, PasswordHash is not null);
}

/// <param name="Name">Name by which users and policies refer to it.</param>
/// <param name="Attributes">Attributes as text, in order.</param>
internal sealed record AttributeListOptions(string Name, IReadOnlyList<string> Attributes);
