using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Eap;
using Headend.Eap.AnyConnect;
using Headend.Pki.Verification;
using Headend.Telemetry;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Sessions;

/// <summary>
/// The certificate of one AnyConnect login: the first factor, before name and password. Only what the IKE SA of this very login was begun with is verified: its octets
/// are taken when the login's EAP begins, so that a signature of another session proves nothing.
/// </summary>
internal sealed class AnyConnectCertificate(ClientSession session, AnyConnectCertificateBinding binding, LoginRecord login, SessionServices services)
{
    private readonly byte[] octets = login.InitiatorOctets.ToArray();

    /// <summary>What the mangler made of the certificate, else its subject; null before it is verified.</summary>
    public string? Name { get; private set; }

    /// <summary>How RADIUS is told of it; null for not at all.</summary>
    public KeyValuePair<string, string>? Pair => Name is { } name && binding.RadiusPair is { } pair ? new(pair, name) : null;

    public async ValueTask<AnyConnectVerdict> JudgeAsync(EapStep.CheckCertificate check)
    {
        if (octets.Length == 0 || login.InitiatorHash is not { } hash)
            return new AnyConnectVerdict.CertificateRefused("the PRF of this IKE SA has none of the hashes SHA-256, SHA-384 and SHA-512, one of which the client would have to sign with");
        using var span = session.Trace.Step(LoginStep.VerifyCertificate);
        // The IKE identity is the same for all AnyConnect clients: no name of the certificate.
        var claim = new CertificateClaim(check.Chain, new CertificateProof.Plain(hash, check.Signature, octets), null);
        var outcome = await services.Certificates.VerifyAsync(claim, binding.Policy, CancellationToken.None).ConfigureAwait(false);
        if (outcome.Identity is not { } identity)
            return new AnyConnectVerdict.CertificateRefused(outcome.Detail);
        var name = string.Concat(identity.Subject.Select(c => char.IsControl(c) ? '?' : c));
        if (binding.Policy.Mangler is { } mangler)
        {
            if (!mangler.TryMangle(new PeerName(PeerNameKind.Whole, identity.Subject) { Further = identity.Names }, out var mangled, out var refusal))
                return new AnyConnectVerdict.CertificateRefused(refusal);
            name = mangled;
        }

        if (outcome.Detail.Length > 0)
            SessionLifecycle.LogUnknownStatus(services.Logger, name, session.Path.Remote.Address.ToString(), session.Binding.Name, outcome.Detail);
        session.Certificate = identity;
        Name = name;
        return new AnyConnectVerdict.CertificateAccepted(binding.UserName == CertificateUserName.Typed ? null : name);
    }

    /// <summary>Null when this user may log in with this certificate, else why not.</summary>
    public string? WhyNotOf(string user) => binding.UserName != CertificateUserName.Required || string.Equals(user, Name, StringComparison.OrdinalIgnoreCase)
        ? null
        : $"the certificate is of {Name}, not of {user}";
}
