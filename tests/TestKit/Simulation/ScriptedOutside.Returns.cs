using System.Net;
using Headend.Ikev2;

namespace Headend.TestKit.Simulation;

/// <summary>Clients that go silent and come back by session-id and token.</summary>
public sealed partial class ScriptedOutside
{
    private FindReconnectCompletion Find(FindReconnectEffect effect)
    {
        return _reconnects.TryGetValue(Text(effect.ReconnectId.Span), out var entry) && _inactive.Exists(s => s.Session == entry.Session)
            ? new FindReconnectCompletion(
                effect.Id, entry.First.Profile.Name, entry.First.RemoteIdentity, [.. entry.Tokens.Select(t => t with { Value = [.. t.Value] })], null)
            : new FindReconnectCompletion(effect.Id, null, null, [], "unknown");
    }

    private AuthorizeCompletion Return(Login login, AuthorizeEffect effect, ReadOnlyMemory<byte> id)
    {
        var entry = _reconnects[Text(id.Span)];
        if (_inactive.Find(s => s.Session == entry.Session) is not { } sleeper || Fails)
            return new AuthorizeCompletion(effect.Id, null, "gone", false);
        login.Authorized = login.Returned = true;
        login.Address = sleeper.Address;
        login.Sleeper = sleeper;
        _inactive.Remove(sleeper);
        entry.Session = effect.Login.Session;
        return new AuthorizeCompletion(effect.Id, options.Grant, null, false) { User = sleeper.User };
    }

    private void SessionInactive(SessionInactiveEffect inactive)
    {
        var login = Of(inactive.Login.Session);
        Require(login.Up, "a session goes inactive that was not up");
        Require(login.Installed.Count == 0, "a session goes inactive with ESP SAs");
        login.Eap?.Dispose();
        _inactive.Add(new InactiveSession(inactive.Login.Session, login.Address!, inactive.Login.User, inactive.Timeout));
        _logins.Remove(inactive.Login.Session);
        _over.Add(inactive.Login.Session);
    }

    private sealed class ReconnectEntry(LoginRecord first)
    {
        public LoginRecord First { get; } = first;

        public SessionId Session { get; set; }

        public List<ReconnectToken> Tokens { get; } = [];
    }
}

/// <summary>What is kept of a session whose client went silent.</summary>
/// <param name="Session">Its last id.</param>
/// <param name="Address">The client's.</param>
/// <param name="User">Who.</param>
/// <param name="Timeout">For how long.</param>
public sealed record InactiveSession(SessionId Session, IPAddress Address, string? User, TimeSpan Timeout);
