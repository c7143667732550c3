namespace Headend.Configuration;

/// <summary>How a client proves itself; lists and authorization may differ by it.</summary>
internal enum RemoteMethod
{
    /// <summary>After a certificate too (RFC 4739): EAP says who the user is.</summary>
    Eap,
    AnyConnectEap,
    PreSharedKey,
    Certificate,
}

/// <param name="UserCached">Take the attributes that the authentication brought as the user's authorization (implicit).</param>
/// <param name="User">The user's own authorization request; null makes none.</param>
/// <param name="Group">The policy below (or, with override, above) the user's attributes.</param>
/// <param name="GroupOverrides">The group's attributes win over the user's.</param>
internal sealed record AuthorizationOptions(bool UserCached, AuthorizationRequestOptions? User, AuthorizationRequestOptions? Group, bool GroupOverrides);

/// <summary>What AAA is asked for. Without name and mangler it is the whole authenticated identity.</summary>
/// <param name="List">Name of an authorization list.</param>
/// <param name="Name">A fixed name, or null.</param>
/// <param name="Mangler">Name of a name mangler, or null.</param>
/// <param name="Password">User-Password of the request; null for FlexVPN's <c>cisco</c>.</param>
internal sealed record AuthorizationRequestOptions(string List, string? Name, string? Mangler, SecretOptions? Password)
{
    /// <summary>The name is the group that the user chose in the form of AnyConnect-EAP.</summary>
    public bool OfChosenGroup { get; init; }
}
