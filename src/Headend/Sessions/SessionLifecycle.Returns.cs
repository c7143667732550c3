using System.Security.Cryptography;
using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Runtime;

namespace Headend.Sessions;

/// <summary>
/// Clients that come back. A login that proved itself takes the place of its own new session by the one that it left behind; whatever follows in the login then finds that
/// one's addresses and interface.
/// </summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>Tries: an older login of the same client may be in the way, and another after that.</summary>
    private const int MostClaims = 3;

    /// <summary>How long a session that cannot be taken over may take to give its address back.</summary>
    private static readonly TimeSpan ReplaceTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a login waits for changes of the session that it is to take over: longer than one of its interface may take.</summary>
    private static readonly TimeSpan TurnTimeout = TimeSpan.FromSeconds(15);

    public void FindReconnect(FindReconnectEffect effect, IkeShard shard) => shard.Post(services.Reconnects.Find(effect), established: false);

    public void ReconnectFailed(ReconnectFailedEffect effect) => services.Reconnects.RecordWrongToken(effect);

    public void IssueTicket(IssueTicketEffect effect, IkeShard shard)
    {
        if (!services.Table.TryFind(effect.Login.Session, out var session))
        {
            CryptographicOperations.ZeroMemory(effect.State);
            shard.Post(new IssueTicketCompletion(effect.Id, null), effect.Established);
            return;
        }

        session!.Refresh(effect.Login);
        shard.Post(services.Tickets.Issue(effect, session), effect.Established);
        // One that is given later makes a session that is kept of one that was not.
        if (session.UpAt is null || effect.Login.Profile.Resumption is not { } policy)
            return;
        session.Kept.For = session.Kept.For > policy.Timeout ? session.Kept.For : policy.Timeout;
        _ = services.Kept.Keep(session);
    }

    public void OpenTicket(OpenTicketEffect effect, IkeShard shard) => shard.Post(services.Tickets.Open(effect), established: false);

    /// <summary>These ends tell of the login that was to bring the client back; all others are about the session.</summary>
    private static bool IsOnlyTheLogins(SessionEndReason reason) => reason is SessionEndReason.PeerUnreachable or SessionEndReason.HandshakeTimeout
        or SessionEndReason.NoProposal or SessionEndReason.NoAddress or SessionEndReason.SelectorsUnacceptable or SessionEndReason.DataPlaneFailed
        or SessionEndReason.ProtocolError or SessionEndReason.PeerReportedError or SessionEndReason.InternalError or SessionEndReason.AuthenticationFailed;

    /// <summary>The token is proven: the session of this id goes on, with what it was granted. Nobody is asked.</summary>
    private async ValueTask<AuthorizationOutcome> ReconnectAsync(ClientSession login, ReadOnlyMemory<byte> id)
    {
        if (services.Reconnects.SessionOf(id.Span) is not { } session || await ClaimAsync(session, login).ConfigureAwait(false) is not { } waited)
            return AuthorizationOutcome.Refused("the session to reconnect ended meanwhile");
        return new AuthorizationOutcome(waited.GrantAt(services.Clock.Now), null, false) { User = session.User };
    }

    /// <summary>The keys of the ticket are proven: its session goes on, with what it was granted. Nobody is asked.</summary>
    private async ValueTask<AuthorizationOutcome> ResumeByTicketAsync(ClientSession login, ReadOnlyMemory<byte> ticket)
    {
        if (services.Tickets.Take(ticket, login.Id) is not { } session)
            return AuthorizationOutcome.Refused("the ticket was used meanwhile, or its session ended");
        return await ClaimAsync(session, login).ConfigureAwait(false) is { } waited
            ? new AuthorizationOutcome(waited.GrantAt(services.Clock.Now), null, false) { User = session.User }
            : AuthorizationOutcome.Refused("the session of the ticket ended meanwhile");
    }

    /// <summary>
    /// A whole login by the identity of a session that waits for it: the session goes on with the authorization that the login brought. Null where there is none that it could take over.
    /// </summary>
    /// <param name="login">The other one.</param>
    /// <param name="granted">What it was granted.</param>
    private async ValueTask<AuthorizationOutcome?> ResumeAsync(ClientSession login, AuthorizationOutcome granted)
    {
        if (!login.Binding.ResumesClients || FindResumable(login) is not { } session)
            return null;
        // A change of authorization comes before this or behind it: in between it would be acknowledged, and half of it lost.
        if (!await session.TryBeginChangeAsync(TurnTimeout, services.Clock.Time).ConfigureAwait(false))
            return AuthorizationOutcome.Refused("earlier changes of the session that it would resume take too long");
        try
        {
            // It may have moved on meanwhile.
            if (!IsResumable(session, login))
                return null;
            // What the interface was made with must be what it would be made with now.
            if (HasSameShape(session.Profile, login.Profile))
                return await TryTakeOverAsync(session, login).ConfigureAwait(false) ? granted : null;
        }
        finally
        {
            session.ChangeGate.Release();
        }

        session.Shard.Post(new EndSessionCommand(session.Id, SessionEndReason.Replaced, "its client is back with another authorization"));
        await session.Gone.Task.WaitAsync(ReplaceTimeout, services.Clock.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return null;
    }

    private async ValueTask<bool> TryTakeOverAsync(ClientSession session, ClientSession login)
    {
        if (await ClaimAsync(session, login).ConfigureAwait(false) is null)
            return false;
        services.Table.AddAlias(session, login.Names);
        session.Eap?.Dispose();
        session.Eap = login.Eap;
        session.Certificate = login.Certificate;
        session.Authenticated = login.Authenticated;
        session.AuthorizedBy = login.AuthorizedBy;
        session.AuthorizationSources = login.AuthorizationSources;
        session.Profile = login.Profile;
        session.Accounting?.Change(session.Profile, session.Profile.InterimInterval ?? session.Accounting.InterimInterval);
        // The login ended meanwhile, and the session with it.
        if (session.IsClosed)
            session.Eap?.Dispose();
        return true;
    }

    /// <summary>
    /// The same proven user through the same profile, from the same device where that proves itself too, calling itself the same; addresses as IKE identities change with the network and tell nothing. A session that is still
    /// up only where the client says that it has forgotten it (INITIAL_CONTACT).
    /// </summary>
    private ClientSession? FindResumable(ClientSession login)
    {
        var mine = services.Simultaneous.SessionsOf(login).Where(s => IsResumable(s, login));
        return mine.OrderByDescending(s => IsSameName(s, login)).ThenByDescending(s => s.Inactivity?.Since.Ticks ?? 0).FirstOrDefault();
    }

    internal static bool IsResumable(ClientSession session, ClientSession login) =>
        IsSameClient(session, login)
        && (IsSameName(session, login) || (IsAddress(session.RemoteIdentity.Type) && IsAddress(login.RemoteIdentity.Type)))
        && (session.Inactivity is not null || (login.InitialContact && IsSameName(session, login) && IsSamePlace(session, login)));

    // As the client writes it, or by one name of its certificate, which it may write in several ways.
    private static bool IsSameName(ClientSession session, ClientSession login) =>
        session.RemoteIdentity.Equals(login.RemoteIdentity)
        || (login.Certificate is { GoesBy: { } name } certificate && certificate.NameOf(session.RemoteIdentity) is { } former && former.Kind == name.Kind && former.Text == name.Text);

    private static bool IsSameClient(ClientSession session, ClientSession login) =>
        session.Binding == login.Binding && session.RemoteMethod == login.RemoteMethod && session.UpAt is not null && !session.IsClosed
        && string.Equals(session.User, login.User, StringComparison.Ordinal) && IsSameDevice(session, login);

    // A certificate is somebody's: who is named alike by a name-mangler and calls itself alike is somebody else, and two machines of one user have a session each. Clients of AnyConnect-EAP have all
    // the same IKE identity: without a certificate they must name themselves the same.
    private static bool IsSameDevice(ClientSession one, ClientSession other) => string.Equals(one.CertificateSubject, other.CertificateSubject, StringComparison.Ordinal) && other.RemoteMethod switch
    {
        // RFC 5280 4.1.2.6: a subject may be empty. It tells nothing then where the IKE identity need not be the certificate's.
        RemoteMethod.Certificate => other.CertificateSubject is not "" || other.Binding.Certificates is not { MatchIdentity: false },
        RemoteMethod.AnyConnectEap => other.CertificateSubject is not null || (other.DeviceId is { } id && id == one.DeviceId),
        _ => true,
    };

    // Behind two routers two machines of one user may have the same private address, which Windows calls itself by.
    private static bool IsSamePlace(ClientSession one, ClientSession other) => !IsAddress(other.RemoteIdentity.Type) || one.Path.Remote.Address.Equals(other.Path.Remote.Address);

    private static bool IsAddress(IdType type) => type == IdType.IPv4Address || type == IdType.IPv6Address;

    private static bool HasSameShape(SessionProfile one, SessionProfile other) => Shape(one).SequenceEqual(Shape(other));

    // Names and Class may differ with every Access-Accept, and limits do where AAA answers what is left of a quota. Neither these nor what the client alone is told are the interface's: both
    // come anew with the login's own grant.
    private static IEnumerable<ShownAttribute> Shape(SessionProfile profile) => AttributeTable.Describe(profile with
    {
        UserName = null,
        Classes = [],
        ChargeableUserIdentity = default,
        SessionTimeout = null,
        IdleTimeout = null,
        TerminationAction = null,
        InterimInterval = null,
        FlowLimit = null,
        PortLimit = null,
        GroupLock = null,
        NbnsServers = [],
        SplitDns = [],
        Banner = null,
        BackupGateways = [],
        Pfs = null,
        IncludeLocalLan = null,
        SmartcardRemovalDisconnect = null,
        ConfigurationUrl = null,
        ConfigurationVersion = null,
    });

    /// <summary>Makes the session the login's, wherever it lives and whether it waits already. Null when it is over, or another login has it.</summary>
    private async ValueTask<SessionInactivity?> ClaimAsync(ClientSession session, ClientSession login)
    {
        for (var i = 0; i < MostClaims; i++)
        {
            if (session.TryReturn(login, out var former, out var waits))
            {
                services.Table.Move(session, former);
                services.Numbers.Return(login.Names);
                return waits;
            }

            if (session.IsClosed || login.IsClosed)
                break;
            session.BeginClaim();
            var home = session.Home;
            await home.Shard.PostAsync(new SuspendSessionCommand(home.Id, "its client comes back by another login")).ConfigureAwait(false);
            // A login that was over before its interface was made: the kernel's thread is on the way to letting the session wait again.
            if (session is { Returning: not null, Inactivity: null })
                await services.Interfaces.BehindAsync().ConfigureAwait(false);
            session.EndClaim();
        }

        if (session.Inactivity is { IsPassing: true } left)
            Announce(session, left, "its client was to come back by another login");
        return null;
    }

    private void CompleteReturn(ClientSession session, SessionInactivity waited, MonotonicTime now)
    {
        session.ReturnedAt = now;
        session.CompleteReturn();
        services.Table.MarkInactive(false);
        services.Table.NoteHandle(session);
        var (slept, from) = (now - waited.Since, session.Path.Remote.ToString());
        LogReturned(services.Logger, session.User, session.Names.AuditSessionId, session.InterfaceName, slept, from);
    }

    private bool TryWaitAgain(ClientSession session)
    {
        if (!session.IsInstalling)
            return TryWaitAgainNow(session);
        // What the login that is over was to have comes first, so that it is removed.
        services.Interfaces.Behind(() => TryWaitAgainNow(session));
        return true;
    }

    private bool TryWaitAgainNow(ClientSession session)
    {
        services.Interfaces.RemoveSas(session);
        if (!session.TryWaitAgain(out var before, out var again))
            return false;
        if (before.IsPassing)
            Announce(session, again, "the login by which its client came back is over");
        Watch(session, again);
        return true;
    }
}
