using Headend.Eap.AnyConnect;
using Headend.Ikev2;

namespace Headend.TestKit.Simulation;

/// <summary>How the outside behaves.</summary>
public sealed record OutsideOptions
{
    /// <summary>Longest time between an effect and its completion; each takes a random part of it, so that completions overtake each other.</summary>
    public TimeSpan MostDelay { get; set; }

    /// <summary>Share of EAP steps, authorizations, allocations and installations that fail.</summary>
    public double Failures { get; set; }

    /// <summary>Users and passwords.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal) { ["alice"] = "secret" };

    /// <summary>EAP is AnyConnect-EAP with these options; null = EAP-MSCHAPv2.</summary>
    public AnyConnectOptions? AnyConnect { get; init; }

    /// <summary>In place of an EAP server; null = one of those above.</summary>
    public Func<EapStepEffect, EapOutcome>? Eap { get; init; }

    public SessionGrant Grant { get; init; } = SessionGrant.Empty;

    /// <summary>Ours and theirs by IKE identity.</summary>
    public IReadOnlyDictionary<string, (byte[] Local, byte[] Remote)> PreSharedKeys { get; init; } = new Dictionary<string, (byte[], byte[])>(StringComparer.Ordinal);

    /// <summary>What the certificates of a login are worth; null takes every one whose signature verifies.</summary>
    public Func<VerifyCertificateEffect, CertificateVerdict>? Certificates { get; init; }

    /// <summary>Sessions come up without an installation: the endpoint adopts them.</summary>
    public bool Adopts { get; init; }
}
