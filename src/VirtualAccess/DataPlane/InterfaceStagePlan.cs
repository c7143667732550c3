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
    /// <param name="stages">In order.</param>
    /// <param name="target">The device, whose link is as <paramref name="to"/> wants it.</param>
    /// <param name="from">What stood.</param>
    /// <param name="to">What shall stand.</param>
    /// <param name="undoLink">Brings the link back to <paramref name="from"/>. That comes before the stages: what they put back may need a link that is up.</param>
    public static InterfaceFailure? Update(ImmutableArray<IInterfaceStage> stages, InterfaceTarget target, InterfaceRequest from, InterfaceRequest to, Action undoLink)
    {
        for (var i = 0; i < stages.Length; i++)
        {
            if (stages[i].TryApply(target, from, to, out var failure)) continue;
            undoLink();
            Restore(stages, i, target, from, to);
            return failure;
        }

        return null;
    }

    /// <summary>After a change of the link that was undone: the stages put back what it took from them, the first <paramref name="changed"/> of them also what they changed.</summary>
    public static void Restore(ImmutableArray<IInterfaceStage> stages, int changed, InterfaceTarget target, InterfaceRequest from, InterfaceRequest to)
    {
        // What stood a moment ago can stand again; should it not, the first failure is the one to report.
        for (var i = stages.Length - 1; i >= 0; i--) stages[i].TryApply(target, i < changed ? to : from, from, out _);
    }

    /// <summary>Takes away what the stages left beside the device.</summary>
    public static void Remove(ImmutableArray<IInterfaceStage> stages, InterfaceTarget target, InterfaceRequest standing)
    {
        for (var i = stages.Length - 1; i >= 0; i--) stages[i].Remove(target, standing);
    }
}
