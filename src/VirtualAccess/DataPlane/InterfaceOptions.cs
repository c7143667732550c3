using System.Collections.Immutable;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Settings of the interfaces of sessions, whichever data plane they belong to.</summary>
public sealed record InterfaceOptions
{
    /// <summary>Marks our interfaces in their alias, so that a start-up clean-up takes its own leftovers only: letters, digits, '-', 1 to 32.</summary>
    public string StateId { get; init; } = "default";

    /// <summary>Routing protocol number of our routes (rtm_protocol); unused by others in /etc/iproute2/rt_protos.</summary>
    public byte RouteProtocol { get; init; } = 201;

    /// <summary>Further parts of every interface's plan, in order. The data plane disposes them.</summary>
    public ImmutableArray<IInterfaceStage> Stages { get; init; } = [];

    /// <summary>VRFs that are made where <c>vrf forwarding</c> names them and they are missing.</summary>
    public ImmutableArray<VrfDefinition> Vrfs { get; init; } = [];
}
