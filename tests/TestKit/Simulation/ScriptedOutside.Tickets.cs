using Headend.Ikev2;

namespace Headend.TestKit.Simulation;

/// <summary>Tickets as names of what is kept here: the core cannot tell them from sealed ones.</summary>
public sealed partial class ScriptedOutside
{
    private readonly Dictionary<string, TicketEntry> _tickets = new(StringComparer.Ordinal);

    /// <summary>Tickets that are good.</summary>
    public int Tickets => _tickets.Values.Count(t => t.Until > _network.Now);

    /// <summary>Tickets that were presented.</summary>
    public int TicketsOpened { get; private set; }

    /// <summary>Tickets that the core asked for.</summary>
    public int TicketsAsked { get; private set; }

    private IssueTicketCompletion IssueTicket(IssueTicketEffect effect)
    {
        TicketsAsked++;
        Of(effect.Login.Session);
        if (Fails)
            return new IssueTicketCompletion(effect.Id, null);
        var ticket = new byte[600];
        _crypto.Fill(ticket);
        _tickets.Add(Convert.ToHexString(ticket), new TicketEntry(effect.State, effect.Login.Session, effect.Login.User, _network.Now + effect.Lifetime));
        return new IssueTicketCompletion(effect.Id, ticket);
    }

    private OpenTicketCompletion OpenTicket(OpenTicketEffect effect)
    {
        TicketsOpened++;
        return _tickets.TryGetValue(Convert.ToHexString(effect.Ticket.Span), out var entry) && entry.Until > _network.Now && !Fails
            ? new OpenTicketCompletion(effect.Id, [.. entry.State], effect.Ticket, null)
            : new OpenTicketCompletion(effect.Id, null, default, "scripted");
    }

    private void Resume(AuthorizeEffect effect)
    {
        var login = Of(effect.Login.Session);
        Complete(() =>
        {
            if (!_tickets.TryGetValue(Convert.ToHexString(effect.Login.TicketId!.Value.Span), out var entry) || entry.TakenBy is not null || Fails || _over.Contains(effect.Login.Session))
                return new AuthorizeCompletion(effect.Id, null, "gone", false);
            if (Claim(entry.Session, effect.Login.Session, login) is not { } sleeper)
                return new AuthorizeCompletion(effect.Id, null, "gone", false);
            entry.TakenBy = effect.Login.Session;
            var isReconnectable = _reconnects.Values.Any(r => r.Session == effect.Login.Session);
            return new AuthorizeCompletion(effect.Id, options.Grant, null, false) { User = sleeper.User, Taken = new TakenSession(null, isReconnectable, null) };
        });
    }

    private void TicketsUp(LoginRecord up)
    {
        foreach (var (id, entry) in _tickets.ToArray())
        {
            if (entry.Session == up.Session && entry.IssuedTo != up.Session)
                _tickets.Remove(id);
        }
    }

    private void TicketsDown(SessionDownEffect down, Login login)
    {
        foreach (var (id, entry) in _tickets.ToArray())
        {
            if (entry.TakenBy == down.Login.Session)
                entry.TakenBy = null;
            else if (entry.Session == down.Login.Session && login is not { Sleeper: not null, Up: false })
                _tickets.Remove(id);
        }
    }

    private sealed class TicketEntry(byte[] state, SessionId session, string? user, MonotonicTime until)
    {
        public byte[] State { get; } = state;

        public SessionId IssuedTo { get; } = session;

        public SessionId Session { get; set; } = session;

        public string? User { get; } = user;

        public MonotonicTime Until { get; } = until;

        public SessionId? TakenBy { get; set; }
    }
}
