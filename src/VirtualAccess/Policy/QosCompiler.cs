using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Turns a policy-map into a tree of htb classes and the program that picks among them. Pure. Every action is a rate of htb: what is policed has a queue of one packet,
/// what is shaped has one of a tenth of a second.
/// </summary>
public static class QosCompiler
{
    /// <summary>Rate of what has no limit, octets per second: 100 Gbit/s.</summary>
    internal const long Unlimited = 12_500_000_000;

    /// <summary>Rate of what is guaranteed nothing, octets per second: htb has no zero.</summary>
    internal const long Least = 1000;

    // A timer of the kernel may come some milliseconds late; what it missed must fit into the burst, or the rate is not reached.
    private const int BurstsPerSecond = 100;
    private const long SmallestBurst = 3028;
    private const int TypicalPacket = 1400;

    /// <summary>Says why a policy-map cannot be put into effect as it stands; null when it can.</summary>
    /// <param name="policy">The policy-map.</param>
    public static QosFailure? Check(PolicyMap policy)
    {
        TryCompile(policy, 1, fairQueues: false, out _, out var failure);
        return failure;
    }

    /// <summary>The same for what goes to the client, which has its new DSCP before its class is looked for.</summary>
    /// <param name="policy">The policy-map.</param>
    public static QosFailure? CheckOutput(PolicyMap policy) =>
        Check(policy) is { } failure ? failure
        : MarkingTable.Marks(policy) && MarkingTable.LooksAtDscp(policy) ? new QosFailure(policy, 0, "what sets a DSCP cannot look at the DSCP as well, for what goes to the client")
        : null;

    /// <summary>Compiles <paramref name="policy"/>.</summary>
    /// <param name="policy">The policy-map.</param>
    /// <param name="firstMinor">Number of the first class; the others follow.</param>
    /// <param name="fairQueues">The kernel has fq_codel.</param>
    /// <param name="tree">The result.</param>
    /// <param name="failure">What is wrong with the policy-map.</param>
    internal static bool TryCompile(
        PolicyMap policy, ushort firstMinor, bool fairQueues, [NotNullWhen(true)] out QosTree? tree, [NotNullWhen(false)] out QosFailure? failure)
    {
        tree = null;
        var draft = new Draft(firstMinor, fairQueues);
        failure = draft.Add(policy, around: null, depth: 1);
        if (failure is not null) return false;
        var program = ClassifierCompiler.Compile(policy, draft.Minors, out var defaultMinor);
        if (program.Length > ClassifierCompiler.MaximumInstructions)
        {
            failure = new QosFailure(policy, 0, $"its class-maps need {program.Length} instructions, the kernel takes {ClassifierCompiler.MaximumInstructions}");
            return false;
        }

        tree = new QosTree(policy, firstMinor, [.. draft.Classes], program, defaultMinor);
        return true;
    }

    /// <summary>The classes of a policy-map with the default class, which may be missing.</summary>
    internal static ImmutableArray<PolicyClass> WithDefault(PolicyMap policy) =>
        policy.Classes.Length > 0 && policy.Classes[^1].Class is null ? policy.Classes : policy.Classes.Add(new PolicyClass());

    private static long Octets(long bits) => Math.Max(Least, bits / 8);

    private static long BurstOf(long rate) => Math.Max(SmallestBurst, rate / BurstsPerSecond);

    /// <summary>A tree that grows.</summary>
    private sealed class Draft(ushort firstMinor, bool fairQueues)
    {
        public List<QosClass> Classes { get; } = [];

        /// <summary>Minor numbers in the order in which the classes come, with what is nested behind each.</summary>
        public Queue<ushort> Minors { get; } = new();

        public QosFailure? Add(PolicyMap policy, QosClass? around, int depth)
        {
            if (depth > PolicyMap.MaximumDepth) return new QosFailure(policy, 0, $"more than {PolicyMap.MaximumDepth} policy-maps stand within each other");
            var classes = WithDefault(policy);
            if (!TryGuarantee(policy, classes, around, out var guarantees, out var failure)) return failure;
            for (var i = 0; i < classes.Length; i++)
            {
                if (Classes.Count == PolicyMap.MaximumClasses) return new QosFailure(policy, Math.Min(i, policy.Classes.Length - 1), $"more than {PolicyMap.MaximumClasses} classes");
                var added = Make(policy, classes[i], around, depth, guarantees[i]);
                Classes.Add(added);
                Minors.Enqueue(added.Minor);
                if (classes[i].Nested is { } nested && Add(nested, added, depth + 1) is { } inner) return inner;
            }

            return null;
        }

        /// <summary>The guaranteed rate of each class in octets per second; 0 = none by itself.</summary>
        private static bool TryGuarantee(
            PolicyMap policy, ImmutableArray<PolicyClass> classes, QosClass? around, out long[] guarantees, [NotNullWhen(false)] out QosFailure? failure)
        {
            guarantees = new long[classes.Length];
            failure = null;
            var whole = around is null || around.Ceiling == Unlimited ? 0 : around.Rate;
            for (var i = 0; i < classes.Length && failure is null; i++)
            {
                var wanted = classes[i];
                if (wanted.Police is not null && wanted.Shape is not null) failure = new QosFailure(policy, i, "'police' and 'shape' exclude each other");
                else if (wanted.Bandwidth is null && wanted.BandwidthPercent is null && !wanted.IsPriority) continue;
                else if (wanted.IsPriority && (wanted.Bandwidth ?? wanted.BandwidthPercent) is not null) failure = new QosFailure(policy, i, "'priority' and 'bandwidth' exclude each other");
                else if (whole == 0) failure = NeedsAround(policy, i, wanted.IsPriority ? "priority" : "bandwidth");
                guarantees[i] = (wanted.Bandwidth ?? wanted.PriorityRate) is { } bits ? Octets(bits) : wanted.BandwidthPercent is { } percent ? whole * percent / 100 : 0;
                if (failure is null && guarantees.Sum() > whole)
                    failure = new QosFailure(policy, i, $"what is guaranteed up to here, {guarantees.Sum() * 8} bit/s, is more than the {whole * 8} bit/s of the class around");
            }

            if (failure is not null || whole == 0) return failure is null;
            var others = guarantees.Count(static g => g == 0);
            var share = others == 0 ? 0 : Math.Max(Least, (whole - guarantees.Sum()) / others);
            for (var i = 0; i < classes.Length; i++)
            {
                // What goes first is not guaranteed anything beside: it takes what is there.
                if (guarantees[i] == 0) guarantees[i] = classes[i].IsPriority ? Least : share;
            }

            return true;
        }

        private static QosFailure NeedsAround(PolicyMap policy, int index, string action) =>
            new(policy, index, $"'{action}' needs a class with 'shape' or 'police' around the policy-map", NeedsClassAround: true);

        private QosClass Make(PolicyMap policy, PolicyClass wanted, QosClass? around, int depth, long guarantee)
        {
            var limit = wanted.Police?.BitsPerSecond ?? wanted.Shape ?? wanted.PriorityRate;
            var ceiling = Math.Min(limit is { } bits ? Octets(bits) : Unlimited, around?.Ceiling ?? Unlimited);
            var rate = guarantee == 0 ? ceiling : Math.Min(guarantee, ceiling);
            var (burst, ceilingBurst) = (BurstOf(rate), BurstOf(ceiling));
            if (wanted.Police is { } police)
            {
                ceilingBurst = police.BurstOctets;
                if (rate == ceiling) burst = police.BurstOctets;
                if (police.PeakBitsPerSecond is { } peak && around is null)
                {
                    ceiling = Math.Max(ceiling, Octets(peak));
                    ceilingBurst = BurstOf(ceiling);
                }
            }

            // What stands within a policed class is policed too: where it waited instead, nothing would be dropped.
            var policed = wanted.Police is not null || (wanted.Shape is null && around is { IsPoliced: true });
            var waits = !policed && !wanted.IsPriority && ceiling != Unlimited;
            return new QosClass
            {
                Minor = (ushort)(firstMinor + Classes.Count),
                Parent = around?.Minor ?? 0,
                Rate = rate,
                Ceiling = ceiling,
                Burst = burst,
                CeilingBurst = ceilingBurst,
                Priority = wanted.IsPriority ? 0 : 1,
                Queue = wanted.Nested is not null ? QosQueue.None : waits && fairQueues ? QosQueue.Fair : QosQueue.Fifo,
                QueueLimit = policed ? 1 : wanted.IsPriority ? 32 : (int)Math.Clamp(ceiling / 10 / TypicalPacket, 16, 1000),
                IsPoliced = policed,
                Depth = depth,
                Policy = policy,
                Source = wanted,
                Path = around is null ? $"{wanted.Name}" : $"{around.Path}/{wanted.Name}",
            };
        }
    }
}
