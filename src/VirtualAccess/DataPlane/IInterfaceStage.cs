using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A kernel device that a stage works on.</summary>
/// <param name="Device">Its name, <c>viN</c>.</param>
/// <param name="Index">Its interface index.</param>
public readonly record struct InterfaceTarget(string Device, int Index);

/// <summary>
/// One part of an interface's plan beside link, addresses and routes: packet filter, traffic policy, translation. Stages run behind the link's own batch, in order,
/// before any SA is installed, and are undone in reverse, behind the link where it was changed. A stage is all or nothing. Calls for one interface never overlap; calls for several may.
/// </summary>
public interface IInterfaceStage : IDisposable
{
    /// <summary>Brings a device from one request to another; what is equal in both is left alone, but for what a change of the link took away.</summary>
    /// <param name="target">The device, which exists, and is up unless the interface is shut down.</param>
    /// <param name="from">What stands; null for a device that was just made.</param>
    /// <param name="to">What shall stand.</param>
    /// <param name="failure">The step that failed; nothing of this call holds then.</param>
    bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure);

    /// <summary>Takes away what does not vanish with the device. The device may be gone already; called also for what was applied only in part of the stages.</summary>
    void Remove(InterfaceTarget target, InterfaceRequest standing);
}
