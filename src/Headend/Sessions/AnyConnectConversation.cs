using System.Diagnostics;
using Headend.Configuration;
using Headend.Eap;
using Headend.Eap.AnyConnect;
using Headend.Ikev2;
using Headend.Telemetry;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Sessions;

/// <summary>
/// AnyConnect-EAP of one login: the method runs here; the certificate that it may bring is judged by the profile's trust, the passwords by its authentication list.
/// </summary>
internal sealed class AnyConnectConversation : IEapConversation
{
    private readonly ClientSession session;
    private readonly AnyConnectServer server;
    private readonly PasswordAuthentication passwords;
    private readonly AnyConnectCertificate? certificate;
    private readonly CancellationTokenSource cancellation = new();
    private bool disposed;
    private bool begun;
    private LoginSpan roundTrip;

    public AnyConnectConversation(ClientSession session, LoginRecord login, SessionServices services)
    {
        this.session = session;
        var binding = session.Binding.AnyConnect!;
        server = new AnyConnectServer(binding.Login);
        certificate = binding.Certificate is null ? null : new AnyConnectCertificate(session, binding.Certificate, login, services);
        passwords = new PasswordAuthentication(session, binding, services.Radius, services.Local, services.ProfileObserver, cancellation.Token);
    }

    public RemoteMethod RemoteMethod => RemoteMethod.AnyConnectEap;

    public bool IsLocal => passwords.IsLocal;

    public string? Refusal => server.Refusal;

    public AnyConnectDevice Device => server.Device;

    public string Group => server.Group;

    /// <summary>The pair in which RADIUS is told of the client's certificate; null for none.</summary>
    public KeyValuePair<string, string>? CertificatePair => certificate?.Pair;

    /// <summary>The document that ended the login; empty before.</summary>
    public ReadOnlyMemory<byte> CompleteDocument => server.CompleteDocument;

    public async ValueTask<EapOutcome> StepAsync(ReadOnlyMemory<byte> response)
    {
        roundTrip.Dispose();
        roundTrip = default;
        var step = begun ? server.HandleClient(response) : server.Start();
        begun = true;
        while (true)
        {
            switch (step)
            {
                case EapStep.CheckCertificate check:
                    step = server.HandleVerdict(
                        certificate is null ? new AnyConnectVerdict.CertificateRefused("no certificate was asked for") : await certificate.JudgeAsync(check).ConfigureAwait(false));
                    break;
                case EapStep.CheckCredentials check:
                    using (check.Credentials)
                        step = server.HandleVerdict(await JudgeAsync(check.Credentials).ConfigureAwait(false));
                    break;
                default:
                    return Conclude(step);
            }
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, true))
            return;
        roundTrip.Dispose();
        cancellation.Cancel();
        passwords.Dispose();
        cancellation.Dispose();
    }

    private async ValueTask<AnyConnectVerdict> JudgeAsync(AnyConnectCredentials credentials)
    {
        session.EapIdentity = credentials.UserName;
        return certificate?.WhyNotOf(credentials.UserName) is { } other
            ? new AnyConnectVerdict.Rejected(other)
            : await passwords.JudgeAsync(credentials).ConfigureAwait(false);
    }

    private EapOutcome Conclude(EapStep step)
    {
        var method = session.Certificate is null ? AnyConnectServer.MethodName : $"certificate+{AnyConnectServer.MethodName}";
        var user = server.Identity.Length == 0 ? null : server.Identity;
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
                return new EapOutcome.Success(success.Packet, success.Msk, success.Identity, method);
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
}
