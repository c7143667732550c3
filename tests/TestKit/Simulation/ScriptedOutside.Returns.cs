using System.Net;
using Headend.Ikev2;

namespace Headend.TestKit.Simulation;

/// <summary>Clients that go silent and come back by session-id and token.</summary>
public sealed partial class ScriptedOutside
{
    private FindReconnectCompletion Find(FindReconnectEffect effect)
    {
        return _reconnects.TryGetValue(Text(effect.ReconnectId.Span), out var entry) && (_inactive.Exists(s => s.Session == entry.Session) || _logins.ContainsKey(entry.Session))
            ? new FindReconnectCompletion(
                effect.Id, entry.First.Profile.Name, entry.First.RemoteIdentity, [.. entry.Tokens.Select(t => t with { Value = [.. t.Value] })], null)
            : new FindReconnectCompletion(effect.Id, null, null, [], "unknown");
    }

    private void Return(AuthorizeEffect effect)
    {
        var login = Of(effect.Login.Session);
        var entry = _reconnects[Text(effect.Login.ReconnectId!.Value.Span)];
        Complete(() =>
        {
            if (Fails || _over.Contains(effect.Login.Session) || Claim(entry.Session, effect.Login.Session, login) is not { } sleeper)
                return new AuthorizeCompletion(effect.Id, null, "gone", false);
            var tickets = _tickets.Values.Where(t => t.Session == effect.Login.Session && t.Until > _network.Now).Select(t => (TimeSpan?)(t.Until - _network.Now));
            return new AuthorizeCompletion(effect.Id, options.Grant, null, false) { User = sleeper.User, Taken = new TakenSession(entry.First.Method, true, tickets.Max()) };
        });
    }

    /// <summary>The session sleeps, or is put to sleep first; then it is the login's.</summary>
    private InactiveSession? Claim(SessionId session, SessionId by, Login login)
    {
        if (_logins.ContainsKey(session))
            _node.Do((endpoint, now) => endpoint.Handle(new SuspendSessionCommand(session, "comes back"), now));
        if (_inactive.Find(s => s.Session == session) is not { } sleeper)
            return null;
        login.Authorized = login.Returned = true;
        login.Address = sleeper.Address;
        login.Sleeper = sleeper;
        _inactive.Remove(sleeper);
        foreach (var ticket in _tickets.Values.Where(t => t.Session == session))
            ticket.Session = by;
        foreach (var reconnect in _reconnects.Values.Where(r => r.Session == session))
            reconnect.Session = by;
        return sleeper;
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
