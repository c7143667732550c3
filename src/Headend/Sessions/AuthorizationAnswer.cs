using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;

namespace Headend.Sessions;

/// <summary>What AAA says to an authorization request.</summary>
internal abstract record AuthorizationAnswer
{
    /// <summary>The name is known.</summary>
    /// <param name="Source">Its attributes.</param>
    /// <param name="Servers">Who answered; null for the local users and policies.</param>
    /// <param name="Accept">The answer itself; null likewise.</param>
    /// <param name="LocalKeys">The pre-shared keys that the configuration has for the name; the configuration's own, not to be disposed.</param>
    public sealed record Found(AuthorizationSource Source, RadiusServerGroup? Servers, RadiusOutcome.Accept? Accept, PreSharedKeyAttributes? LocalKeys) : AuthorizationAnswer;

    /// <param name="Reason">For the log.</param>
    public sealed record Refused(string Reason) : AuthorizationAnswer;

    /// <summary>Nobody who may know answered.</summary>
    /// <param name="Reason">For the log.</param>
    public sealed record Unavailable(string Reason) : AuthorizationAnswer;

    /// <summary>The request does not fit: nobody was asked, and nobody is asked instead.</summary>
    /// <param name="Reason">Names the attribute, for the log.</param>
    public sealed record Unsendable(string Reason) : AuthorizationAnswer;
}
