using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A session's interface as it stands. Changed by one thread at a time.</summary>
internal interface IStandingInterface
{
    IInterfaceDevice Device { get; }

    /// <summary>What it is made of now.</summary>
    InterfaceRequest Request { get; set; }

    /// <summary>The addresses that others lend to it.</summary>
    LentAddresses Lent { get; set; }
}

/// <summary>
/// Makes, changes and removes the kernel interfaces of sessions for any data plane: the plan, the stages, what is lent. Each call does all of its work or none of it.
/// Thread-safe; the caller keeps changes of one interface apart.
/// </summary>
internal sealed class InterfaceStore : IDisposable
{
    private readonly InterfaceOptions options;
    private readonly NetlinkSocket netlink = new();
    private readonly LinkCloser closer = new();
    private readonly VrfTable vrfs;
    private readonly LentAddressTable lentAddresses;
    private readonly LentAddressHolder heldAddresses;

    /// <exception cref="IOException">No netlink.</exception>
    public InterfaceStore(InterfaceOptions options, TimeProvider time)
    {
        this.options = options;
        vrfs = new VrfTable(netlink, options);
        lentAddresses = new LentAddressTable(netlink, vrfs, time);
        heldAddresses = new LentAddressHolder(netlink, closer, options.StateId);
    }

    /// <summary>Removes the interfaces that an earlier run with the same state id left behind.</summary>
    /// <returns>Their names.</returns>
    public ImmutableArray<string> RemoveLeftovers() => [.. InterfaceMark.RemoveLeftovers(netlink, options)];

    /// <param name="request">What is wanted.</param>
    /// <param name="create">Makes the device.</param>
    /// <param name="device">The device.</param>
    /// <param name="lent">What was lent; given back by <see cref="Remove"/> or <see cref="Discard"/>.</param>
    /// <param name="failure">The step that failed; nothing is left of the others.</param>
    public bool TryCreate<TDevice>(
        InterfaceRequest request,
        InterfaceDeviceFactory<TDevice> create,
        [NotNullWhen(true)] out TDevice? device,
        out LentAddresses lent,
        [NotNullWhen(false)] out InterfaceFailure? failure)
        where TDevice : class, IInterfaceDevice
    {
        if (!InterfacePlan.TryCreate(netlink, lentAddresses, heldAddresses, request, options, create, out device, out lent, out failure)) return false;
        failure = InterfaceStagePlan.Create(options.Stages, TargetOf(device), request);
        if (failure is null) return true;
        device.Dispose();
        heldAddresses.Release(lent.V4);
        device = null;
        return false;
    }

    /// <summary>Takes back what <see cref="TryCreate"/> made, at once.</summary>
    public void Discard(IInterfaceDevice device, InterfaceRequest request, LentAddresses lent)
    {
        InterfaceStagePlan.Remove(options.Stages, TargetOf(device), request);
        device.Dispose();
        heldAddresses.Release(lent.V4);
    }

    /// <summary>Brings an interface from what it is to what is wanted; where a step fails it is as before.</summary>
    public InterfaceFailure? Update(IStandingInterface standing, InterfaceRequest wanted)
    {
        var (from, lent, device) = (standing.Request, standing.Lent, standing.Device);
        var failure = InterfacePlan.Update(netlink, lentAddresses, heldAddresses, from, wanted, options, device.Index, ref lent);
        if (failure is not null)
        {
            InterfaceStagePlan.Restore(options.Stages, changed: 0, TargetOf(device), from, wanted);
            return failure;
        }

        failure = InterfaceStagePlan.Update(options.Stages, TargetOf(device), from, wanted, UndoLink);
        if (failure is null) standing.Request = wanted;
        standing.Lent = lent;
        return failure;

        void UndoLink() => InterfacePlan.Update(netlink, lentAddresses, heldAddresses, wanted, from, options, device.Index, ref lent);
    }

    /// <summary>Adds routes, all or none.</summary>
    public InterfaceFailure? AddRoutes(IStandingInterface standing, ImmutableArray<InterfaceRoute> routes)
    {
        var failure = InterfacePlan.AddRoutes(netlink, standing.Request, options, standing.Device.Index, standing.Lent, routes);
        if (failure is null) standing.Request = standing.Request with { Routes = [.. standing.Request.Routes, .. routes] };
        return failure;
    }

    /// <summary>Removes the routes and what the stages made now, the device a little later: the kernel waits for its readers.</summary>
    public void Remove(IStandingInterface standing)
    {
        InterfacePlan.RemoveRoutes(netlink, standing.Request, options, standing.Device.Index, standing.Lent);
        InterfaceStagePlan.Remove(options.Stages, TargetOf(standing.Device), standing.Request);
        closer.Close(standing.Device);
        heldAddresses.Release(standing.Lent.V4);
    }

    /// <summary>Waits until the kernel has deleted the devices removed so far.</summary>
    public void WaitForDeletions() => closer.WaitIdle();

    /// <summary>After the last <see cref="Remove"/>: waits for the kernel, disposes the stages, takes away the VRFs that were made.</summary>
    public void Dispose()
    {
        closer.Dispose();
        foreach (var stage in options.Stages) stage.Dispose();
        vrfs.RemoveMade();
        netlink.Dispose();
    }

    private static InterfaceTarget TargetOf(IInterfaceDevice device) => new(device.Name, device.Index);
}
