using System.Net;

namespace Headend.Configuration;

internal enum LocalIdentityKind
{
    Fqdn,
    Email,
    Address,
    KeyId,
}

/// <summary>What the headend sends as IDr. <see cref="Address"/> is set for the kind <c>address</c> only.</summary>
internal sealed record LocalIdentityOptions(LocalIdentityKind Kind, string Value, IPAddress? Address);
