using Headend.Configuration;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>EAP of one login, from its first step to its end. One step at a time: the core has one EAP-Response under way.</summary>
internal interface IEapConversation : IDisposable
{
    RemoteMethod RemoteMethod { get; }

    /// <summary>Who authenticated the user, for accounting.</summary>
    bool IsLocal { get; }

    /// <summary>Why the headend itself has refused the login, also when the client went away before it heard; null otherwise.</summary>
    string? Refusal { get; }

    /// <summary>Performs one step: <paramref name="response"/> is the client's EAP packet, empty to begin. Completes at once unless somebody outside is asked.</summary>
    ValueTask<EapOutcome> StepAsync(ReadOnlyMemory<byte> response);
}
