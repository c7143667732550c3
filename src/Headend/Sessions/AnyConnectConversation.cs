using System.Diagnostics;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Eap;
using Headend.Eap.AnyConnect;
using Headend.Ikev2;
using Headend.Telemetry;

namespace Headend.Sessions;

/// <summary>AnyConnect-EAP of one login: the method runs here, the passwords that it brings are judged by the profile's authentication list.</summary>
internal sealed class AnyConnectConversation : IEapConversation
{
    private readonly ClientSession session;
    private readonly AnyConnectServer server;
    private readonly PasswordAuthentication passwords;
    private readonly CancellationTokenSource cancellation = new();
    private bool begun;
    private LoginSpan roundTrip;

    public AnyConnectConversation(ClientSession session, RadiusClient? radius, LocalAaa local, IProfileObserver profileObserver)
    {
        this.session = session;
        server = new AnyConnectServer(session.Binding.AnyConnect!.Login);
        passwords = new PasswordAuthentication(session, session.Binding.AnyConnect, radius, local, profileObserver, cancellation.Token);
    }

    public RemoteMethod RemoteMethod => RemoteMethod.AnyConnectEap;

    public bool IsLocal => passwords.IsLocal;

    public string? Refusal => server.Refusal;

    public AnyConnectDevice Device => server.Device;

    public string Group => server.Group;

    /// <summary>The document that ended the login; empty before.</summary>
    public ReadOnlyMemory<byte> CompleteDocument => server.CompleteDocument;

    public async ValueTask<EapOutcome> StepAsync(ReadOnlyMemory<byte> response)
    {
        roundTrip.Dispose();
        roundTrip = default;
        var step = begun ? server.HandleClient(response) : server.Start();
        begun = true;
        while (step is EapStep.CheckCredentials check)
        {
            using (check.Credentials)
            {
                session.EapIdentity = check.Credentials.UserName;
                step = server.HandleVerdict(await passwords.JudgeAsync(check.Credentials).ConfigureAwait(false));
            }
        }

        return Conclude(step);
    }

    public void Dispose()
    {
        roundTrip.Dispose();
        cancellation.Cancel();
        passwords.Dispose();
        cancellation.Dispose();
    }

    private EapOutcome Conclude(EapStep step)
    {
        var user = server.Identity.Length == 0 ? null : server.Identity;
        session.EapIdentity = user;
        session.User = user;
        session.Method = AnyConnectServer.MethodName;
        switch (step)
        {
            case EapStep.Request request:
                roundTrip = session.Trace.Step(LoginStep.EapRoundTrip);
                return new EapOutcome.Request(request.Packet);
            case EapStep.Discarded { Outstanding: not null }:
                return new EapOutcome.Discarded();
            case EapStep.Discarded discarded:
                return new EapOutcome.Failure(null, user, AnyConnectServer.MethodName, discarded.Reason);
            case EapStep.Success success:
                return new EapOutcome.Success(success.Packet, success.Msk, success.Identity, AnyConnectServer.MethodName);
            case EapStep.Failure failure:
                return new EapOutcome.Failure(failure.Packet, user, AnyConnectServer.MethodName, failure.Reason);
            case EapStep.Unavailable unavailable:
                return new EapOutcome.Unavailable(user, unavailable.Reason);
            default:
                throw new UnreachableException();
        }
    }
}
