using System.Collections.Immutable;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Settings of the user-space data plane.</summary>
public sealed record UserSpaceDataPlaneOptions
{
    /// <summary>Threads that read TUN devices and encrypt; a device belongs to one of them. Default: half of the processors, 1 to 4.</summary>
    public int TunThreads { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 4);

    /// <summary>Marks our interfaces in their alias, so that a start-up clean-up takes its own leftovers only: letters, digits, '-', 1 to 32.</summary>
    public string StateId { get; init; } = "default";

    /// <summary>Routing protocol number of our routes (rtm_protocol); unused by others in /etc/iproute2/rt_protos.</summary>
    public byte RouteProtocol { get; init; } = 201;

    /// <summary>Also take and send ESP as IP protocol 50 (needs CAP_NET_RAW).</summary>
    public bool PlainEsp { get; init; } = true;

    public int UnknownSpiHintsPerSecond { get; init; } = 100;

    /// <summary>Further parts of every interface's plan, in order. The data plane disposes them.</summary>
    public ImmutableArray<IInterfaceStage> Stages { get; init; } = [];

    /// <summary>VRFs that are made where <c>vrf forwarding</c> names them and they are missing.</summary>
    public ImmutableArray<VrfDefinition> Vrfs { get; init; } = [];

    /// <summary>"Too big" messages generated per session and second.</summary>
    public int TooBigPerSecond { get; init; } = 50;
}
