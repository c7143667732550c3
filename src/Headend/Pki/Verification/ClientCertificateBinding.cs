using Headend.Aaa.Authorization;

namespace Headend.Pki.Verification;

/// <summary>What becomes of a certificate whose status is asked for.</summary>
internal enum RevocationMode
{
    /// <summary>It is not asked for.</summary>
    Off,

    /// <summary>A status that cannot be had lets it pass.</summary>
    IfAvailable,

    /// <summary>A status that cannot be had refuses it.</summary>
    Strict,
}

/// <summary>A profile's policy about clients' certificates. Authorities and lists can be exchanged while logins run; each keeps what it began with.</summary>
internal sealed class ClientCertificateBinding(CertificateTrust trust)
{
    private volatile CertificateTrust trust = trust;

    public CertificateTrust Trust => trust;

    public required RevocationMode Revocation { get; init; }

    /// <summary>Where status may be fetched from; empty fetches nothing.</summary>
    public required IReadOnlyList<RevocationHost> FetchHosts { get; init; }

    /// <summary>A certificate without extended key usage is refused.</summary>
    public required bool UsageRequired { get; init; }

    /// <summary>The certificate must bear the client's IKE identity; else that is only what profiles are found by.</summary>
    public required bool MatchIdentity { get; init; }

    /// <summary>Makes the user's name of the certificate; null takes the IKE identity, as the certificate spells it.</summary>
    public required NameMangler? Mangler { get; init; }

    // The old one is not disposed: a login may just be looking at it.
    public void Replace(CertificateTrust fresh) => trust = fresh;
}
