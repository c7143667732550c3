using System.Diagnostics;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Configuration;
using Headend.Eap;
using Headend.Ikev2;
using Headend.Telemetry;

namespace Headend.Sessions;

/// <summary>
/// EAP of one login through the profile's authentication list: relayed to RADIUS groups in order, or served from the local users. The next method of the list
/// is tried only when one was Unavailable before the server had said anything; a Reject ends the login, and so does a request that does not fit.
/// One step at a time: the core has one EAP-Response under way.
/// </summary>
internal sealed class EapConversation : IEapConversation
{
    private readonly ClientSession session;
    private readonly RadiusClient? radius;
    private readonly LocalAaa local;
    private readonly IProfileObserver profileObserver;
    private readonly CancellationTokenSource cancellation = new();
    private readonly CancellationToken ended;
    private readonly Lock gate = new();
    private bool disposed;
    private bool isServing;
    private bool isOver;
    private int methodIndex;
    private EapRelay? relay;
    private EapServer? server;
    private byte[] state = [];
    private string? serverName;
    private bool mayHaveAskedUser;
    private LoginSpan roundTrip;

    public EapConversation(ClientSession session, RadiusClient? radius, LocalAaa local, IProfileObserver profileObserver)
    {
        this.session = session;
        this.radius = radius;
        this.local = local;
        this.profileObserver = profileObserver;
        // The source is disposed with the login, while a step may still be under way.
        ended = cancellation.Token;
    }

    public RemoteMethod RemoteMethod => RemoteMethod.Eap;

    /// <summary>Who authenticated the user, for accounting.</summary>
    public bool IsLocal => server is not null;

    /// <summary>Why the local EAP server has refused the login, also when the client went away before it heard; null otherwise.</summary>
    public string? Refusal => server?.Refusal;

    private string Identity => relay?.Identity is { Length: > 0 } relayed ? relayed : server?.Identity ?? "";

    // Once a server has begun a method with the client, no other can go on with it; once it may have asked the user (push), no other may ask again.
    private bool HasFurtherMethod =>
        !ended.IsCancellationRequested && !mayHaveAskedUser && relay is { Method: null } && Identity.Length > 0 && methodIndex + 1 < session.Binding.Authentication.Count;

    /// <summary>Performs one step: <paramref name="response"/> is the client's EAP packet, empty to begin. Completes at once unless RADIUS is asked or a worker is at it.</summary>
    public async ValueTask<EapOutcome> StepAsync(ReadOnlyMemory<byte> response)
    {
        roundTrip.Dispose();
        roundTrip = default;
        var step = relay is null && server is null ? Begin(queryIdentity: session.Binding.Eap.QueryIdentity, session.EapIkeIdentity) : await ContinueAsync(response).ConfigureAwait(false);
        while (true)
        {
            switch (step)
            {
                case EapStep.ToAaa question:
                    step = await AskRadiusAsync(question).ConfigureAwait(false);
                    break;
                case EapStep.Unavailable when HasFurtherMethod:
                    var identity = Identity;
                    methodIndex++;
                    step = Begin(queryIdentity: false, identity);
                    break;
                default:
                    return Conclude(step);
            }
        }
    }

    /// <summary>Ends what is under way; a late answer of a server is thrown away.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, true))
            return;
        roundTrip.Dispose();
        cancellation.Cancel();
        lock (gate)
        {
            isOver = true;
            if (!isServing)
                server?.Dispose();
        }

        cancellation.Dispose();
    }

    private EapStep Begin(bool queryIdentity, string ikeIdentity)
    {
        var eap = session.Binding.Eap;
        state = [];
        serverName = null;
        if (session.Binding.Authentication[methodIndex].IsLocal)
        {
            relay = null;
            server = new EapServer(new EapServerOptions
            {
                Credentials = local.CredentialsFor(session.ProvenSource),
                Methods = session.Binding.LocalEap.Methods,
                Tls = session.Binding.LocalEap.Tls,
                Now = local.Now,
                QueryIdentity = queryIdentity,
                IkeIdentity = ikeIdentity,
                AllowMethodsWithoutKey = eap.AllowMethodsWithoutKey,
            });
            return server.Start();
        }

        relay = new EapRelay(new EapRelayOptions(queryIdentity, ikeIdentity, eap.AllowMethodsWithoutKey));
        return relay.Start();
    }

    private ValueTask<EapStep> ContinueAsync(ReadOnlyMemory<byte> response)
    {
        if (server is null)
            return ValueTask.FromResult(relay!.HandleClient(response));
        // Signatures and stretched passwords do not belong on the shard.
        return server.IsExpensive ? new ValueTask<EapStep>(local.Workers.RunAsync(() => Serve(server, response))) : ValueTask.FromResult(Serve(server, response));
    }

    // The login may end while a worker is at it: then the server is disposed behind the step, not under it.
    private EapStep Serve(EapServer serving, ReadOnlyMemory<byte> response)
    {
        lock (gate)
        {
            if (isOver)
                return new EapStep.Unavailable("the login is over");
            isServing = true;
        }

        try
        {
            return serving.Handle(response);
        }
        finally
        {
            lock (gate)
            {
                isServing = false;
                if (isOver)
                    serving.Dispose();
            }
        }
    }

    private async ValueTask<EapStep> AskRadiusAsync(EapStep.ToAaa question)
    {
        session.EapIdentity = question.UserName;
        var request = AccessRequestCodec.BuildEap(session.ToNasRecord(question.UserName), question.EapMessage.Span, state, serverName);
        using var span = session.Trace.Step(LoginStep.RadiusRequest);
        RadiusOutcome outcome;
        try
        {
            outcome = await radius!.SendAsync(session.Binding.Authentication[methodIndex].Group!, request, ended).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new EapStep.Unavailable("the login is over");
        }

        if (outcome is RadiusOutcome.Answer answered)
        {
            span.Tag("radius.server", answered.Server.Name);
            span.Tag("radius.reply", answered.Packet.Code.ToString());
        }

        return relay!.HandleAaa(Translate(outcome));
    }

    private RelayAnswer Translate(RadiusOutcome outcome)
    {
        switch (outcome)
        {
            case RadiusOutcome.Challenge challenge:
                state = challenge.Packet.TryGet(RadiusAttributeType.State, out var value) ? value.Value.ToArray() : [];
                serverName = challenge.Server.Name;
                return new RelayAnswer.Challenge(challenge.Packet.GetEapMessage() ?? []);
            case RadiusOutcome.Accept accept:
                return Accept(accept);
            case RadiusOutcome.Reject reject:
                var message = reject.Packet.TryGet(RadiusAttributeType.ReplyMessage, out var text) && text.TryGetText(out var reply) ? reply : null;
                return new RelayAnswer.Reject(reject.Packet.GetEapMessage(), message);
            case RadiusOutcome.Unavailable unavailable:
                mayHaveAskedUser |= unavailable.Reason == UnavailableReason.MfaWaitOver;
                return new RelayAnswer.Unavailable(unavailable.Explain());
            case RadiusOutcome.Unsendable unsendable:
                return new RelayAnswer.Unsendable(unsendable.Explain());
            default:
                return new RelayAnswer.Unavailable("the RADIUS server answered something else than an Access-Accept, -Reject or -Challenge");
        }
    }

    private RelayAnswer Accept(RadiusOutcome.Accept accept)
    {
        if (!AcceptAttributes.TryRead(accept, out var attributes, out var error))
            return new RelayAnswer.Reject(null, $"the Access-Accept of {accept.Server.Name} cannot be used: {error}");
        using (attributes)
        {
            if (!SessionProfileReader.TryRead(accept.Packet, profileObserver, out var profile, out error))
                return new RelayAnswer.Reject(null, $"the Access-Accept of {accept.Server.Name} cannot be used: {error}");
            var origin = new AuthorizationOrigin(AuthorizationKind.ImplicitUser, attributes.UserName ?? Identity)
            {
                Server = accept.Server.Name,
                List = session.Binding.AuthenticationList,
            };
            session.Authenticated = new AuthorizationSource(origin, profile);
            session.AuthorizedBy = session.Binding.Authentication[methodIndex].Group;
            // The relay zeroes the key that it is handed.
            return new RelayAnswer.Accept(attributes.EapMessage, (byte[]?)attributes.Msk?.Clone(), attributes.UserName);
        }
    }

    private EapOutcome Conclude(EapStep step)
    {
        var method = (relay?.Method ?? server?.Method)?.Name;
        var user = Identity.Length == 0 ? null : Identity;
        session.EapIdentity = user;
        session.User = user;
        session.Method = method;
        switch (step)
        {
            case EapStep.Request request:
                roundTrip = session.Trace.Step(LoginStep.EapRoundTrip);
                return new EapOutcome.Request(request.Packet);
            case EapStep.Discarded { Outstanding: not null }:
                return new EapOutcome.Discarded();
            case EapStep.Discarded discarded:
                return new EapOutcome.Failure(null, user, method, discarded.Reason);
            case EapStep.Success success:
                session.User = success.Identity;
                if (server is not null)
                    session.Authenticated = LocalAuthorization(success.Identity);
                return new EapOutcome.Success(success.Packet, success.Msk, success.Identity, success.Method?.Name ?? "EAP");
            case EapStep.Failure failure:
                return new EapOutcome.Failure(failure.Packet, user, method, failure.Reason);
            case EapStep.Unavailable unavailable:
                return new EapOutcome.Unavailable(user, unavailable.Reason);
            case EapStep.Unsendable unsendable:
                return new EapOutcome.Unsendable(user, unsendable.Reason);
            default:
                throw new UnreachableException();
        }
    }

    private AuthorizationSource LocalAuthorization(string user) =>
        new(new AuthorizationOrigin(AuthorizationKind.ImplicitUser, user) { List = session.Binding.AuthenticationList }, local.Users.ProfileOf(user));
}
