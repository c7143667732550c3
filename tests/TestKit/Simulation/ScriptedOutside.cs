using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Headend.Eap;
using Headend.Eap.AnyConnect;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;

namespace Headend.TestKit.Simulation;

/// <summary>
/// Performs the effects of one endpoint with simple tables, and holds it to its word: every pair of ESP SAs that is removed was installed, one SessionUp at most
/// and exactly one SessionDown per login, nothing after that, no address twice, none before the user was accepted and authorized. A broken promise throws.
/// </summary>
public sealed partial class ScriptedOutside(OutsideOptions options) : ILocalCredentials
{
    private readonly Dictionary<SessionId, Login> _logins = [];
    private readonly HashSet<SessionId> _over = [];
    private readonly HashSet<IPAddress> _leases = [];
    private SimulatedNetwork _network = null!;
    private SimulatedHeadend _node = null!;
    private ICryptoProvider _crypto = null!;
    private readonly List<InactiveSession> _inactive = [];
    private readonly Dictionary<string, ReconnectEntry> _reconnects = new(StringComparer.Ordinal);
    private int _nextAddress;
    private long _nextToken;

    /// <summary>Logins that began and whose SessionDown has not come.</summary>
    public int Open => _logins.Count;

    /// <summary>How AUTH was signed last.</summary>
    public SignatureScheme? Scheme { get; private set; }

    public int SessionsUp => _logins.Values.Count(l => l.Up);

    public List<SessionDownEffect> Ended { get; } = [];

    /// <summary>Inbound SPIs that are installed for all sessions.</summary>
    public IReadOnlyList<uint> Installed => [.. _logins.Values.SelectMany(l => l.Installed)];

    /// <summary>Address per session that is up or coming up.</summary>
    public IReadOnlyCollection<IPAddress> Leases => _leases;

    /// <summary>Sessions whose client went silent.</summary>
    public IReadOnlyList<InactiveSession> Inactive => _inactive;

    /// <summary>Returns whose AUTH was by none of the tokens.</summary>
    public int WrongTokens { get; private set; }

    /// <summary>By whom session-ids were asked for, and again where the token was wrong.</summary>
    public List<IPAddress> ReconnectSources { get; } = [];

    /// <summary>Authorizations that asked somebody.</summary>
    public int Authorizations { get; private set; }

    /// <summary>When the data plane had the last inner packet from and to the client; null: never.</summary>
    public (MonotonicTime? Inbound, MonotonicTime? Outbound) LastTraffic { get; set; }

    /// <summary>Forgets an inactive session, as its timeout does.</summary>
    public void Forget(InactiveSession session)
    {
        _inactive.Remove(session);
        _leases.Remove(session.Address);
        foreach (var (id, entry) in _tickets.ToArray())
        {
            if (entry.Session == session.Session)
                _tickets.Remove(id);
        }
    }

    /// <summary>Operations whose completion is on its way.</summary>
    public int Outstanding { get; private set; }

    public void Judged(string userName, bool proven)
    {
    }

    public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
    {
        refusal = $"no local user {userName}";
        credential = options.Users.TryGetValue(userName, out var password) ? LocalCredential.FromPassword(password) : null;
        return credential is not null;
    }

    internal void Attach(SimulatedNetwork network, SimulatedHeadend node, ICryptoProvider crypto)
    {
        _network = network;
        _node = node;
        _crypto = crypto;
    }

    internal void Perform(IkeEffect effect)
    {
        switch (effect)
        {
            case TransmitEffect transmit:
                _network.Send(transmit.Path.Local, transmit.Path.Remote, transmit.Path.NonEspMarker, transmit.Message);
                break;
            case NatKeepaliveEffect keepalive:
                _network.Send(keepalive.Path.Local, keepalive.Path.Remote, false, [0xff]);
                break;
            case KeyAgreementEffect agreement:
                Complete(agreement.Perform(_crypto));
                break;
            case SignAuthEffect sign:
                Scheme = sign.Scheme;
                Complete(sign.Perform());
                break;
            case EapStepEffect step:
                Complete(new EapStepCompletion(step.Id, Step(Of(step.Login.Session), step)));
                break;
            case LookUpPskEffect lookUp:
                Of(lookUp.Login.Session);
                Complete(LookUp(lookUp));
                break;
            case VerifyCertificateEffect verify:
                Complete(Verify(Of(verify.Login.Session), verify));
                break;
            case AuthorizeEffect { Login.TicketId: not null } resume:
                Resume(resume);
                break;
            case AuthorizeEffect { Login.ReconnectId: not null } back:
                Return(back);
                break;
            case AuthorizeEffect authorize:
                Complete(Authorize(Of(authorize.Login.Session), authorize));
                break;
            case AllocateAddressEffect allocate:
                Complete(Allocate(Of(allocate.Login.Session), allocate));
                break;
            case InstallChildSaEffect install:
                Complete(Install(install.Id, Of(install.Session), install.Parameters.InboundSpi));
                break;
            case RekeyChildSaEffect rekey:
                Complete(Install(rekey.Id, Of(rekey.Session), rekey.Parameters.InboundSpi));
                break;
            case QueryTrafficEffect query:
                Of(query.Session);
                Complete(() => new QueryTrafficCompletion(query.Id, LastTraffic.Inbound, LastTraffic.Outbound));
                break;
            case RemoveChildSaEffect remove:
                Require(Of(remove.Session).Installed.Remove(remove.InboundSpi), $"RemoveChildSa of {remove.InboundSpi:x8}, which is not installed");
                break;
            case UpdateSaAddressesEffect update:
                Require(Of(update.Session).Up, "UpdateSaAddresses before SessionUp");
                break;
            case SessionUpEffect up:
                SessionUp(Of(up.Login.Session), up);
                break;
            case SessionDownEffect down:
                SessionDown(down);
                break;
            case SessionInactiveEffect inactive:
                SessionInactive(inactive);
                break;
            case UnclaimedCommandEffect { Command: EndSessionCommand end } when _inactive.Find(s => s.Session == end.Session) is { } sleeper:
                Forget(sleeper);
                break;
            case UnclaimedCommandEffect:
                break;
            case FindReconnectEffect find:
                ReconnectSources.Add(find.Source);
                Complete(Find(find));
                break;
            case IssueTicketEffect issue:
                Complete(IssueTicket(issue));
                break;
            case OpenTicketEffect open:
                Complete(OpenTicket(open));
                break;
            case ReconnectFailedEffect wrong:
                ReconnectSources.Add(wrong.Source);
                WrongTokens++;
                break;
            default:
                throw new InvalidOperationException($"unknown effect {effect}");
        }
    }

    private bool Fails => options.Failures > 0 && _network.Random.Chance(options.Failures);

    private static void Require(bool holds, string complaint)
    {
        if (!holds)
            throw new InvalidOperationException(complaint);
    }

    private Login Of(SessionId session)
    {
        Require(!_over.Contains(session), $"an effect for session {session} after its SessionDown");
        if (_logins.TryGetValue(session, out var login))
            return login;
        login = new Login();
        _logins.Add(session, login);
        return login;
    }

    private void Complete(IkeCompletion completion) => Complete(() => completion);

    private void Complete(Func<IkeCompletion> complete)
    {
        var most = (ulong)options.MostDelay.Ticks;
        var delay = TimeSpan.FromTicks(most == 0 ? 0 : (long)(_network.Random.Next() % most));
        Outstanding++;
        _network.Schedule(delay, () =>
        {
            var completion = complete();
            Outstanding--;
            _node.Do((endpoint, now) => endpoint.Handle(completion, now));
        });
    }

    private EapOutcome Step(Login login, EapStepEffect effect)
    {
        if (Fails)
            return new EapOutcome.Unavailable(null, "scripted");
        if (options.Eap is { } scripted)
            return scripted(effect);
        EapStep step;
        if (options.AnyConnect is { } anyConnect)
        {
            step = Step(login, effect, anyConnect);
        }
        else if (effect.Response.IsEmpty)
        {
            Require(login.Eap is null, "EAP begins twice");
            login.Eap = new EapServer(new EapServerOptions { Credentials = this, Random = _crypto.Fill });
            step = login.Eap.Start();
        }
        else
        {
            step = login.Eap!.Handle(effect.Response.ToArray());
        }

        login.Accepted = step is EapStep.Success;
        return step switch
        {
            EapStep.Request request => new EapOutcome.Request(request.Packet),
            EapStep.Success success => new EapOutcome.Success(success.Packet, success.Msk, success.Identity, "EAP-MSCHAPv2"),
            EapStep.Failure failure => new EapOutcome.Failure(failure.Packet, login.Eap?.Identity, "EAP-MSCHAPv2", failure.Reason),
            EapStep.Discarded => new EapOutcome.Discarded(),
            _ => throw new InvalidOperationException($"a local EAP server answers {step}"),
        };
    }

    private EapStep Step(Login login, EapStepEffect effect, AnyConnectOptions anyConnect)
    {
        login.AnyConnect ??= new AnyConnectServer(anyConnect with { Random = _crypto.Fill });
        var step = effect.Response.IsEmpty ? login.AnyConnect.Start() : login.AnyConnect.HandleClient(effect.Response.ToArray());
        if (step is not EapStep.CheckCredentials { Credentials: { } credentials })
            return step;
        var right = options.Users.TryGetValue(credentials.UserName, out var password) && System.Text.Encoding.UTF8.GetBytes(password).AsSpan().SequenceEqual(credentials.Answer);
        return login.AnyConnect.HandleVerdict(right ? new AnyConnectVerdict.Accepted(credentials.UserName) : new AnyConnectVerdict.Rejected("wrong password"));
    }

    private LookUpPskCompletion LookUp(LookUpPskEffect effect)
    {
        if (Fails)
            return new LookUpPskCompletion(effect.Id, null, null, "scripted", true);
        // Whether the client has the key is the core's to find out.
        Of(effect.Login.Session).Accepted = options.PreSharedKeys.ContainsKey(effect.Login.RemoteIdentity.Text);
        return options.PreSharedKeys.TryGetValue(effect.Login.RemoteIdentity.Text, out var found)
            ? new LookUpPskCompletion(effect.Id, new PreSharedKeys(found.Local, found.Remote), null, null, false)
            : new LookUpPskCompletion(effect.Id, null, null, "unknown", false);
    }

    private VerifyCertificateCompletion Verify(Login login, VerifyCertificateEffect effect)
    {
        if (Fails)
            return new VerifyCertificateCompletion(effect.Id, CertificateVerdict.StatusUnknown, null, "scripted");
        using var leaf = X509CertificateLoader.LoadCertificate(effect.Chain[0].Span);
        var signed = SignatureAuthentication.Verify(effect.Method, effect.Signature.Span, leaf, effect.Octets, SignatureAuthentication.SupportedHashes, out var reason);
        var verdict = signed ? options.Certificates?.Invoke(effect) ?? CertificateVerdict.Accepted : CertificateVerdict.BadSignature;
        login.Accepted = verdict == CertificateVerdict.Accepted;
        return new VerifyCertificateCompletion(effect.Id, verdict, login.Accepted ? effect.Login.RemoteIdentity.Text : null, reason ?? "scripted");
    }

    private AuthorizeCompletion Authorize(Login login, AuthorizeEffect effect)
    {
        Require(login.Accepted, "an authorization of a user who was not accepted");
        Authorizations++;
        login.Authorized = !Fails;
        return login.Authorized ? new AuthorizeCompletion(effect.Id, options.Grant, null, false) : new AuthorizeCompletion(effect.Id, null, "refused", false);
    }

    private AllocateAddressCompletion Allocate(Login login, AllocateAddressEffect effect)
    {
        Require(login.Authorized, "an address before the authorization");
        if (login is { Returned: true, Address: { } kept })
            return new AllocateAddressCompletion(effect.Id, new AssignedAddresses(kept, IPAddress.Broadcast, null, 0), null);
        Require(login.Address is null, "a second address for one login");
        if (Fails)
            return new AllocateAddressCompletion(effect.Id, null, "pool empty");
        IPAddress address;
        do
        {
            _nextAddress = (_nextAddress + 1) % 65_000;
            address = new IPAddress([10, 99, (byte)(_nextAddress >> 8), (byte)_nextAddress]);
        }
        while (!_leases.Add(address));
        login.Address = address;
        return new AllocateAddressCompletion(effect.Id, new AssignedAddresses(address, IPAddress.Broadcast, null, 0), null);
    }

    private InstallChildSaCompletion Install(OperationId id, Login login, uint inboundSpi)
    {
        if (Fails)
            return new InstallChildSaCompletion(id, "scripted fault");
        Require(login.Installed.Add(inboundSpi), $"SPI {inboundSpi:x8} installed twice");
        return new InstallChildSaCompletion(id, null);
    }

    private void SessionUp(Login login, SessionUpEffect up)
    {
        Require(!login.Up, "a second SessionUp");
        if (options.Adopts)
            login.Installed.Add(up.FirstChild.InboundSpi);
        Require(login.Installed.Contains(up.FirstChild.InboundSpi), "SessionUp without an installed CHILD_SA");
        login.Up = true;
        if (up.Login.ReconnectId is { } used)
            _reconnects[Text(used.Span)].Tokens.RemoveAll(t => t.Number != up.Login.ReconnectToken);
        else
            TicketsUp(up.Login);
        if (up.Reconnect is not { } offer)
            return;
        var id = Text(offer.ReconnectId);
        if (!_reconnects.TryGetValue(id, out var entry))
            _reconnects.Add(id, entry = new ReconnectEntry(up.Login));
        entry.Session = up.Login.Session;
        entry.Tokens.Add(new ReconnectToken(++_nextToken, [.. offer.Token]));
    }

    private static string Text(ReadOnlySpan<byte> octets) => System.Text.Encoding.ASCII.GetString(octets);

    private void SessionDown(SessionDownEffect down)
    {
        var login = Of(down.Login.Session);
        TicketsDown(down, login);
        Require(login.Up == down.WasUp, "SessionDown does not say rightly whether the session was up");
        login.Eap?.Dispose();
        if (login is { Sleeper: { } sleeper, Up: false })
        {
            _inactive.Add(sleeper with { Session = down.Login.Session });
            login.Installed.Clear();
        }
        else if (login.Address is { } address)
        {
            _leases.Remove(address);
        }

        _logins.Remove(down.Login.Session);
        _over.Add(down.Login.Session);
        Ended.Add(down);
    }

    private sealed class Login
    {
        public EapServer? Eap { get; set; }

        public AnyConnectServer? AnyConnect { get; set; }

        public bool Accepted { get; set; }

        public bool Authorized { get; set; }

        public IPAddress? Address { get; set; }

        public bool Up { get; set; }

        public bool Returned { get; set; }

        public InactiveSession? Sleeper { get; set; }

        public HashSet<uint> Installed { get; } = [];
    }
}
