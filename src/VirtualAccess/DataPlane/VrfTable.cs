using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A VRF that is made when a session needs it and it is missing.</summary>
/// <param name="Name">Of the VRF and its device, at most 15 characters.</param>
/// <param name="Table">Number of its routing table.</param>
public sealed record VrfDefinition(string Name, uint Table);

/// <summary>The device and the routing table of a VRF.</summary>
internal readonly record struct VrfBinding(int Index, uint Table);

/// <summary>
/// The VRFs that <c>vrf forwarding</c> names: those of this machine, and those of the configuration, which are made when the first session needs them and go with the data plane.
/// Thread-safe.
/// </summary>
internal sealed class VrfTable(NetlinkSocket netlink, InterfaceOptions options)
{
    private readonly Lock gate = new();
    private readonly HashSet<string> made = [];

    /// <summary>Null without a name; false with a failure that names the command.</summary>
    public bool TryFind(string? name, out VrfBinding? vrf, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        vrf = null;
        failure = null;
        if (name is null) return true;
        lock (gate)
        {
            vrf = Find(name);
            if (vrf is not null) return true;
            if (options.Vrfs.FirstOrDefault(v => v.Name == name) is { } definition && NativeMethods.InterfaceIndex(name) == 0)
            {
                failure = InterfacePlan.Apply(netlink, [new NetlinkStep($"vrf forwarding {name}", VrfLinkCodec.CreateVrf(name, definition.Table))], undo: null);
                if (failure is not null)
                {
                    failure = failure with { IsCommand = true };
                    return false;
                }

                made.Add(name);
                vrf = Find(name);
                // By which the start after a killed run finds it.
                if (vrf is { } stands) netlink.Execute([new NetlinkStep($"mark of {name}", VrfLinkCodec.SetAlias(stands.Index, InterfaceMark.Alias(options.StateId, $"VRF {name}", null)))]);
            }
        }

        if (vrf is null)
            failure = new InterfaceFailure($"vrf forwarding {name}", NativeMethods.InterfaceIndex(name) == 0 ? "no such VRF" : "the interface of that name is no VRF") { BadValue = true, IsCommand = true };
        return vrf is not null;
    }

    /// <summary>Takes away those that were made here.</summary>
    public void RemoveMade()
    {
        lock (gate)
        {
            foreach (var name in made)
            {
                if (Find(name) is { } vrf) netlink.Execute([new NetlinkStep($"delete {name}", NetlinkCodec.DeleteLink(vrf.Index), Errno.ENODEV)]);
            }

            made.Clear();
        }
    }

    private VrfBinding? Find(string name)
    {
        VrfBinding? found = null;
        netlink.Dump(VrfLinkCodec.DumpVrfs(), (type, body) =>
        {
            if (type == Rtnetlink.RTM_NEWLINK && NetlinkCodec.TryReadLink(body, out var link) && link.Name == name && VrfLinkCodec.ReadVrfTable(body) is > 0 and var table)
                found = new VrfBinding(link.Index, table);
        });
        return found;
    }
}
