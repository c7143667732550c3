using Headend.Aaa.Authorization;
using Headend.Ikev2;
using Headend.Pki.Verification;
using Headend.Runtime;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>Clients that prove themselves by certificate.</summary>
internal sealed partial class SessionLifecycle
{
    public void VerifyCertificate(VerifyCertificateEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        Answer(session, VerifyCertificateAsync(session, effect), judged => judged);
    }

    private async ValueTask<VerifyCertificateCompletion> VerifyCertificateAsync(ClientSession session, VerifyCertificateEffect effect)
    {
        if (session.Binding.Certificates is not { } binding)
            return Refuse(effect.Id, CertificateVerdict.Refused, $"profile {session.Binding.Name} takes no certificates");
        using var span = session.Trace.Step(LoginStep.VerifyCertificate);
        var claim = new CertificateClaim(
            effect.Chain, new CertificateProof.AuthPayload(effect.Method, effect.Signature, effect.Octets), binding.MatchIdentity ? session.RemoteIdentity : null);
        var outcome = await services.Certificates.VerifyAsync(claim, binding, CancellationToken.None).ConfigureAwait(false);
        if (outcome.Identity is not { } identity)
            return Refuse(effect.Id, outcome.Verdict, outcome.Detail);
        if (!TryName(binding, identity, out var user, out var refusal))
            return Refuse(effect.Id, CertificateVerdict.Refused, refusal);
        if (outcome.Detail.Length > 0)
            LogUnknownStatus(services.Logger, user, session.Path.Remote.Address.ToString(), session.Binding.Name, outcome.Detail);
        session.Certificate = identity;
        return new VerifyCertificateCompletion(effect.Id, CertificateVerdict.Accepted, user, null);
    }

    internal static bool TryName(ClientCertificateBinding binding, CertificateIdentity identity, out string user, out string refusal)
    {
        var name = ClientSession.CertificateName(identity);
        user = name.Text;
        refusal = "";
        if (binding.Mangler is { } mangler)
        {
            if (!mangler.TryMangle(name, out var mangled, out var why))
                refusal = why;
            user = mangled ?? "";
        }
        else if (!NameMangler.IsName(user))
        {
            refusal = $"{CertificateText.Printable(user)} is no user name; a name-mangler can make one of it";
        }

        return refusal.Length == 0;
    }

    private static VerifyCertificateCompletion Refuse(OperationId id, CertificateVerdict verdict, string reason) => new(id, verdict, null, reason);

    [LoggerMessage(EventId = 1130, EventName = "certificate-status-unknown", Level = LogLevel.Warning,
        Message = "user={User} address={Address} profile={Profile} reason={Reason}: let in all the same")]
    internal static partial void LogUnknownStatus(ILogger logger, string user, string address, string profile, string reason);
}
