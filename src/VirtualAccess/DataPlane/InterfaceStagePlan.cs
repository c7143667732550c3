using System.Collections.Immutable;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Runs the stages of one interface as a plan: in order, undone in reverse behind the one that failed.</summary>
internal static class InterfaceStagePlan
{
    /// <summary>All stages of a device that was just made; null = they hold, else nothing of them is left.</summary>
    public static InterfaceFailure? Create(ImmutableArray<IInterfaceStage> stages, InterfaceTarget target, InterfaceRequest request)
    {
        for (var i = 0; i < stages.Length; i++)
        {
            if (stages[i].TryApply(target, null, request, out var failure)) continue;
            while (--i >= 0) stages[i].Remove(target, request);
            return failure;
        }

        return null;
    }

    /// <summary>All stages from one request to another; null = they hold, else what stood before holds.</summary>
    public static InterfaceFailure? Update(ImmutableArray<IInterfaceStage> stages, InterfaceTarget target, InterfaceRequest from, InterfaceRequest to)
    {
        for (var i = 0; i < stages.Length; i++)
        {
            if (stages[i].TryApply(target, from, to, out var failure)) continue;
            // What stood a moment ago can stand again; should it not, the first failure is the one to report.
            while (--i >= 0) stages[i].TryApply(target, to, from, out _);
            return failure;
        }

        return null;
    }

    /// <summary>Takes away what the stages left beside the device.</summary>
    public static void Remove(ImmutableArray<IInterfaceStage> stages, InterfaceTarget target, InterfaceRequest standing)
    {
        for (var i = stages.Length - 1; i >= 0; i--) stages[i].Remove(target, standing);
    }
}
