using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>Sessions that sleep make room for clients that are there: whose client has lost them, and where a pool is exhausted.</summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>
    /// RFC 7296 2.4, INITIAL_CONTACT: "this IKE SA is the only IKE SA currently active between the authenticated identities". What the same device left behind asleep it has lost; else each of its logins would
    /// leave one more session, with address and interface, for as long as sessions are kept.
    /// </summary>
    private async ValueTask EndForgottenAsync(ClientSession login)
    {
        if (!login.InitialContact)
            return;
        var ended = new List<ClientSession>();
        foreach (var session in services.Simultaneous.SessionsOf(login).Where(s => IsSameClient(s, login) && IsSameName(s, login) && IsSamePlace(s, login)))
        {
            if (TryEndSleeper(session, $"{login.User} logs in anew from the same device, which has forgotten it (INITIAL_CONTACT)"))
                ended.Add(session);
        }

        // Its address is the one that the user gets first.
        foreach (var session in ended)
            await session.Gone.Task.WaitAsync(ReplaceTimeout, services.Clock.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends a session that sleeps; false where it does not, or where its client is just coming back. Any thread.</summary>
    private bool TryEndSleeper(ClientSession session, string why) =>
        !keptForNext && session.Inactivity is { IsPassing: false } waits && TryEndInactive(session, waits, SessionEndReason.Replaced, why);
}
