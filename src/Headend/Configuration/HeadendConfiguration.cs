using System.Net;

namespace Headend.Configuration;

/// <summary>
/// The whole configuration after every check: references between sections resolve, values are in range, defaults are filled in.
/// Immutable; a reload makes a new one. Names, meanings, ranges and defaults of the keys stand in docs/configuration.md.
/// </summary>
internal sealed record HeadendConfiguration
{
    public required ListenOptions Listen { get; init; }

    public required DataPlaneKind DataPlane { get; init; }

    /// <summary>The first thing here that the kernel's data plane has not, and its place; null: nothing.</summary>
    public string? KernelPlaneGap { get; init; }

    /// <summary>Absolute path; the directory of certificates, spool and leases.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Absolute path of the Unix socket of the admin API.</summary>
    public required string AdminSocket { get; init; }

    public StoreOptions Store { get; init; } = new(null, false);

    public required TelemetryOptions Telemetry { get; init; }

    public required AdmissionOptions Admission { get; init; }

    public required RadiusOptions Radius { get; init; }

    public required AaaOptions Aaa { get; init; }

    public required Ikev2Options Ikev2 { get; init; }

    public required IReadOnlyList<VirtualTemplateOptions> VirtualTemplates { get; init; }

    public IReadOnlyList<VrfOptions> Vrfs { get; init; } = [];

    public required IReadOnlyList<PoolOptions> Pools { get; init; }

    public IReadOnlyList<AccessListOptions> AccessLists { get; init; } = [];

    public QosOptions Qos { get; init; } = QosOptions.None;

    /// <summary>The HTTPS service for AnyConnect clients; null for none.</summary>
    public ClientServiceOptions? ClientServices { get; init; }

    /// <summary>NAS-Identifier of every request.</summary>
    public string NasIdentifier() => Radius.NasIdentifier ?? Environment.MachineName;

    /// <summary>Where the key of sealed records is.</summary>
    /// <param name="name">In the state directory, where the configuration names no file.</param>
    public string KeyFile(string name) => Store.KeyFile ?? Path.Combine(StateDirectory, name);
}

internal enum DataPlaneKind
{
    /// <summary><see cref="Xfrm"/> where this kernel and the configuration allow it, else <see cref="UserSpace"/>.</summary>
    Auto,

    /// <summary>ESP in this process, packets through TUN.</summary>
    UserSpace,

    /// <summary>ESP in the kernel, packets through xfrm interfaces.</summary>
    Xfrm,

    /// <summary>Control plane only.</summary>
    None,
}

internal sealed record ListenOptions(IReadOnlyList<IPAddress> Addresses, int IkePort, int NatTraversalPort);

internal sealed record TelemetryOptions(string ServiceName, Uri? OtlpEndpoint, IPEndPoint? PrometheusListen);

/// <summary>Bounds on IKE SAs that have not authenticated. All are counts of IKE SAs.</summary>
internal sealed record AdmissionOptions(int HalfOpen, int HalfOpenPerSource, int CookieThreshold);
