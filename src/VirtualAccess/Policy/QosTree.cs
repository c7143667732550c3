using System.Collections.Immutable;

namespace Headend.VirtualAccess.Policy;

/// <summary>How packets of a class wait.</summary>
internal enum QosQueue
{
    /// <summary>The class has classes of its own.</summary>
    None,

    /// <summary>First in, first out.</summary>
    Fifo,

    /// <summary>One flow does not delay the others (fq_codel), where the kernel has it.</summary>
    Fair,
}

/// <summary>One class of the kernel's htb.</summary>
internal sealed record QosClass
{
    /// <summary>Minor number of the class; the major is that of the tree.</summary>
    public required ushort Minor { get; init; }

    /// <summary>Minor number of the class around; 0 = none.</summary>
    public required ushort Parent { get; init; }

    /// <summary>Guaranteed, octets per second.</summary>
    public required long Rate { get; init; }

    /// <summary>Most, octets per second.</summary>
    public required long Ceiling { get; init; }

    /// <summary>Octets that may pass at once above <see cref="Rate"/>.</summary>
    public required long Burst { get; init; }

    /// <summary>Octets that may pass at once above <see cref="Ceiling"/>.</summary>
    public required long CeilingBurst { get; init; }

    /// <summary>Octets that the class takes in its turn when it shares what others leave.</summary>
    public int Quantum => (int)Math.Clamp(Rate / 10, 1514, 60_000);

    /// <summary>0 goes first.</summary>
    public required int Priority { get; init; }

    public required QosQueue Queue { get; init; }

    /// <summary>Packets that wait at most.</summary>
    public required int QueueLimit { get; init; }

    /// <summary>What is above the rate is dropped at once.</summary>
    public required bool IsPoliced { get; init; }

    /// <summary>1 for the classes of the policy-map itself.</summary>
    public required int Depth { get; init; }

    /// <summary>The policy-map it stands in.</summary>
    public required PolicyMap Policy { get; init; }

    public required PolicyClass Source { get; init; }

    /// <summary>For messages: the names from the outermost class on.</summary>
    public required string Path { get; init; }
}

/// <summary>One instruction of classic BPF (linux/filter.h).</summary>
internal readonly record struct BpfInstruction(ushort Code, byte JumpTrue, byte JumpFalse, uint K);

/// <summary>A policy-map as the kernel has it on one device.</summary>
/// <param name="Policy">Where it comes from.</param>
/// <param name="FirstMinor">Minor of its first class.</param>
/// <param name="Classes">Each behind the one around it.</param>
/// <param name="Program">Gives the class of a packet.</param>
/// <param name="DefaultMinor">The class of packets that the program cannot read.</param>
internal sealed record QosTree(PolicyMap Policy, ushort FirstMinor, ImmutableArray<QosClass> Classes, ImmutableArray<BpfInstruction> Program, ushort DefaultMinor)
{
    /// <summary>Major number of our trees.</summary>
    public const uint Major = 1u << 16;

    /// <summary>Nothing but rates and limits differs: the kernel's classes can stay, with their queues and counters.</summary>
    public bool HasShapeOf(QosTree other) => FirstMinor == other.FirstMinor && Classes.Length == other.Classes.Length
        && Classes.Zip(other.Classes).All(static pair => pair.First.Path == pair.Second.Path && pair.First.Parent == pair.Second.Parent && pair.First.Queue == pair.Second.Queue);
}

/// <summary>Why a policy-map cannot be put into effect.</summary>
/// <param name="Policy">The policy-map at fault, which may be a nested one.</param>
/// <param name="Class">Index of the class in it.</param>
/// <param name="Reason">One line.</param>
/// <param name="NeedsClassAround">It could be, within a class that limits the rate.</param>
public sealed record QosFailure(PolicyMap Policy, int Class, string Reason, bool NeedsClassAround = false)
{
    public override string ToString() => $"policy-map {Policy.Name}, class {Policy.Classes[Class].Name}: {Reason}";
}
