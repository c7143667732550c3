namespace Headend.Aaa.Authorization;

/// <summary>The kinds of authorization, in FlexVPN's order of application: what comes later wins.</summary>
public enum AuthorizationKind
{
    /// <summary>A policy that many users share.</summary>
    Group,

    /// <summary>The attributes that the authentication brought (`cached`).</summary>
    ImplicitUser,

    /// <summary>The answer to an authorization request of the user's own.</summary>
    ExplicitUser,

    /// <summary>A CoA-Request, while the session stood.</summary>
    ChangeOfAuthorization,
}

/// <summary>Where attributes of a session come from.</summary>
/// <param name="Kind">Which authorization.</param>
/// <param name="Name">The group, or the user name that was asked for.</param>
public sealed record AuthorizationOrigin(AuthorizationKind Kind, string Name)
{
    /// <summary>The RADIUS server that answered; null where the local policies did.</summary>
    public string? Server { get; init; }

    /// <summary>The method list; null where none led there.</summary>
    public string? List { get; init; }

    public override string ToString() => Kind switch
    {
        AuthorizationKind.Group => $"group {Name}",
        AuthorizationKind.ImplicitUser => $"implicit user {Name}",
        AuthorizationKind.ExplicitUser => $"user {Name}",
        _ => $"change of authorization {Name}",
    };
}

/// <summary>One authorization of a session before the merge.</summary>
/// <param name="Origin">Where it comes from.</param>
/// <param name="Profile">What it says.</param>
public sealed record AuthorizationSource(AuthorizationOrigin Origin, SessionProfile Profile);
