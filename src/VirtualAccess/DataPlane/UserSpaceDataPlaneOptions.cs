namespace Headend.VirtualAccess.DataPlane;

/// <summary>Settings of the packet path of the user-space data plane.</summary>
public sealed record UserSpaceDataPlaneOptions
{
    /// <summary>Threads that read TUN devices and encrypt; a device belongs to one of them. Default: half of the processors, 1 to 4.</summary>
    public int TunThreads { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 4);

    /// <summary>Also take and send ESP as IP protocol 50 (needs CAP_NET_RAW).</summary>
    public bool PlainEsp { get; init; } = true;

    public int UnknownSpiHintsPerSecond { get; init; } = 100;

    /// <summary>Reports of path MTUs looked at; each is a walk over the sessions.</summary>
    public int PathMtuReportsPerSecond { get; init; } = 200;

    /// <summary>"Too big" messages generated per session and second.</summary>
    public int TooBigPerSecond { get; init; } = 50;
}
