namespace Headend.Aaa.Radius;

/// <summary>What a request is sent for. Each phase may have its own timers: a person may stand behind a login, nobody behind the others.</summary>
public enum RadiusPhase
{
    /// <summary>A round of EAP or a password: the credential of a person.</summary>
    Login,

    /// <summary>The profile of a group, of a user authenticated otherwise, a key, an access list.</summary>
    Authorization,

    /// <summary>An accounting record.</summary>
    Accounting,

    /// <summary>Status-Server (RFC 5997): whether the server is there.</summary>
    Status,
}
