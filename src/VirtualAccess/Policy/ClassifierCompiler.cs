using System.Collections.Immutable;
using Operation = Headend.VirtualAccess.Policy.ClassifierDraft.Operation;
using Test = Headend.VirtualAccess.Policy.ClassifierDraft.Test;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Writes the program that picks a packet's class: classic BPF over an IP packet without link header, for cls_bpf, which takes the result for the class. Pure. What
/// cannot be read to its end (a cut header) gets no answer from the program: the filter behind it gives such packets the default class.
/// </summary>
internal static partial class ClassifierCompiler
{
    /// <summary>BPF_MAXINSNS of linux/bpf_common.h.</summary>
    public const int MaximumInstructions = 4096;

    // Cells of the program's memory.
    private const uint Version = 0, Dscp = 1, Protocol = 2, Transport = 3, HasTransport = 4;

    private const uint Ipv4 = 4, Ipv6 = 6, Ipv6HeaderLength = 40;
    private const uint Tcp = 6, Udp = 17, Icmp = 1, Icmpv6 = 58, HopByHop = 0, Routing = 43, Fragment = 44, DestinationOptions = 60;

    /// <summary>Extension headers that are looked behind (RFC 8200 4.1); a packet with more has the protocol of the last one seen.</summary>
    private const int MaximumExtensions = 6;

    /// <summary>Compiles the classes of <paramref name="policy"/>.</summary>
    /// <param name="policy">The policy-map.</param>
    /// <param name="minors">Numbers of its classes and those nested in them, in order.</param>
    /// <param name="defaultMinor">Class of what no class-map takes.</param>
    public static ImmutableArray<BpfInstruction> Compile(PolicyMap policy, Queue<ushort> minors, out ushort defaultMinor)
    {
        var draft = new ClassifierDraft();
        var body = draft.NewLabel();
        if (Looks(policy)) Prepare(draft, body);
        draft.Mark(body);
        defaultMinor = Classes(draft, policy, minors);
        return draft.Finish();
    }

    private static bool Looks(PolicyMap policy) => policy.Classes.Any(static c => c.Class is { Any: false } || (c.Nested is { } nested && Looks(nested)));

    /// <returns>The minor of the innermost default class.</returns>
    private static ushort Classes(ClassifierDraft draft, PolicyMap policy, Queue<ushort> minors)
    {
        ushort last = 0;
        foreach (var one in QosCompiler.WithDefault(policy))
        {
            last = minors.Dequeue();
            var (yes, no) = (draft.NewLabel(), draft.NewLabel());
            if (one.Class is { } map) Match(draft, map, yes, no);
            draft.Mark(yes);
            if (one.Nested is { } nested) last = Classes(draft, nested, minors);
            else draft.Give(QosTree.Major | last);
            draft.Mark(no);
        }

        return last;
    }

    private static void Match(ClassifierDraft draft, ClassMap map, int yes, int no)
    {
        var conditions = new List<Action<int, int>>();
        if (!map.Dscp.IsEmpty) conditions.Add((fits, fails) => OneOf(draft, Dscp, map.Dscp.Select(static d => (uint)d), fits, fails));
        if (!map.Protocols.IsEmpty) conditions.Add((fits, fails) => Protocols(draft, map.Protocols, fits, fails));
        if (!map.AccessGroups.IsEmpty) conditions.Add((fits, fails) => AccessGroups(draft, map.AccessGroups, fits, fails));
        if (map.Any && (!map.MatchesAll || conditions.Count == 0))
        {
            draft.Jump(yes);
            return;
        }

        foreach (var condition in conditions)
        {
            var next = draft.NewLabel();
            if (map.MatchesAll) condition(next, no);
            else condition(yes, next);
            draft.Mark(next);
        }

        draft.Jump(map.MatchesAll ? yes : no);
    }

    private static void OneOf(ClassifierDraft draft, uint cell, IEnumerable<uint> values, int yes, int no)
    {
        draft.LoadCell(cell);
        foreach (var value in values) draft.JumpIf(Test.Equal, value, yes);
        draft.Jump(no);
    }

    private static void Protocols(ClassifierDraft draft, ImmutableArray<QosProtocol> protocols, int yes, int no)
    {
        foreach (var protocol in protocols)
        {
            draft.LoadCell(protocol is QosProtocol.Ip or QosProtocol.Ipv6 ? Version : Protocol);
            draft.JumpIf(Test.Equal, protocol switch { QosProtocol.Ip => Ipv4, QosProtocol.Ipv6 => Ipv6, QosProtocol.Tcp => Tcp, QosProtocol.Udp => Udp, _ => Icmp }, yes);
            if (protocol == QosProtocol.Icmp) draft.JumpIf(Test.Equal, Icmpv6, yes);
        }

        draft.Jump(no);
    }

    /// <summary>Fills the cells.</summary>
    private static void Prepare(ClassifierDraft draft, int body)
    {
        var six = draft.NewLabel();
        draft.LoadOctet(0);
        draft.Compute(Operation.ShiftRight, 4);
        draft.StoreCell(Version);
        draft.JumpIf(Test.Equal, Ipv6, six);

        draft.LoadOctet(1);
        draft.Compute(Operation.ShiftRight, 2);
        draft.StoreCell(Dscp);
        draft.LoadOctet(9);
        draft.StoreCell(Protocol);
        draft.LoadHeaderLengthToIndex(0);
        draft.StoreIndexCell(Transport);
        // RFC 791 3.1: ports stand in the fragment with offset 0 alone.
        draft.LoadTwoOctets(6);
        draft.Compute(Operation.And, 0x1fff);
        StoreIsZero(draft);
        draft.Jump(body);

        draft.Mark(six);
        draft.LoadTwoOctets(0);
        draft.Compute(Operation.ShiftRight, 6);
        draft.Compute(Operation.And, 0x3f);
        draft.StoreCell(Dscp);
        draft.LoadOctet(6);
        draft.StoreCell(Protocol);
        draft.LoadConstant(Ipv6HeaderLength);
        draft.StoreCell(Transport);
        draft.LoadConstant(1);
        draft.StoreCell(HasTransport);
        for (var i = 0; i < MaximumExtensions; i++) Extension(draft, body);
    }

    /// <summary>Steps over one extension header of IPv6, or leaves for <paramref name="body"/> where there is none.</summary>
    private static void Extension(ClassifierDraft draft, int body)
    {
        var (options, fragment, next) = (draft.NewLabel(), draft.NewLabel(), draft.NewLabel());
        draft.LoadCell(Protocol);
        foreach (var header in new[] { HopByHop, Routing, DestinationOptions }) draft.JumpIf(Test.Equal, header, options);
        draft.JumpIf(Test.Equal, Fragment, fragment);
        draft.Jump(body);

        // RFC 8200 4.2: Next Header, then the length in units of 8 octets without the first.
        draft.Mark(options);
        draft.LoadCellToIndex(Transport);
        draft.LoadOctetBehindIndex(0);
        draft.StoreCell(Protocol);
        draft.LoadOctetBehindIndex(1);
        draft.Compute(Operation.Add, 1);
        draft.Compute(Operation.ShiftLeft, 3);
        draft.Compute(Operation.AddIndex);
        draft.StoreCell(Transport);
        draft.Jump(next);

        // RFC 8200 4.5: Next Header, a reserved octet, 13 bits of offset.
        draft.Mark(fragment);
        draft.LoadCellToIndex(Transport);
        draft.LoadTwoOctetsBehindIndex(2);
        draft.Compute(Operation.And, 0xfff8);
        StoreIsZero(draft);
        draft.LoadOctetBehindIndex(0);
        draft.StoreCell(Protocol);
        draft.LoadConstant(8);
        draft.Compute(Operation.AddIndex);
        draft.StoreCell(Transport);
        // What stands behind a later fragment's header is data, whatever it looks like.
        draft.LoadCell(HasTransport);
        draft.JumpIf(Test.Equal, 0, body);
        draft.Mark(next);
    }

    private static void StoreIsZero(ClassifierDraft draft)
    {
        var (zero, done) = (draft.NewLabel(), draft.NewLabel());
        draft.JumpIf(Test.Equal, 0, zero);
        draft.LoadConstant(0);
        draft.Jump(done);
        draft.Mark(zero);
        draft.LoadConstant(1);
        draft.Mark(done);
        draft.StoreCell(HasTransport);
    }
}
