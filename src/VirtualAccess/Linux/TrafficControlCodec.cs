using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Linux;

/// <summary>Counters of one class, from a dump.</summary>
/// <param name="Minor">Its number.</param>
/// <param name="Octets">Sent.</param>
/// <param name="Packets">Sent; a segmentation offload's packets count one each.</param>
/// <param name="Drops">Packets that found no room.</param>
/// <param name="Waiting">Packets in the queue now.</param>
/// <param name="OctetsPerSecond">Smoothed over half a minute.</param>
internal readonly record struct ClassCounters(ushort Minor, ulong Octets, ulong Packets, uint Drops, uint Waiting, ulong OctetsPerSecond);

/// <summary>Writes and reads messages of rtnetlink's traffic control (linux/pkt_sched.h, pkt_cls.h) and of ifb devices; pure.</summary>
internal static class TrafficControlCodec
{
    private const ushort NewQdisc = 36, DeleteQdisc = 37, NewClass = 40, DeleteClassMessage = 41, GetClass = 42, NewFilter = 44;
    private const ushort Kind = 1, OptionsAttribute = 2, RateAttribute = 5, Stats2 = 7;
    private const uint Root = 0xffffffff, Ingress = 0xfffffff1, IngressHandle = 0xffff0000;
    private const int TrafficBody = 20;
    private const int LinkBody = 16;

    private const ushort HtbParameters = 1, HtbInit = 2, HtbRate64 = 6, HtbCeiling64 = 7;
    private const ushort BpfAction = 1, BpfLength = 4, BpfProgram = 5;
    private const ushort ActionKind = 1, ActionOptions = 2, MirredParameters = 2;
    private const ushort StatsBasic = 1, StatsRate = 2, StatsQueue = 3, StatsRate64 = 5, StatsPackets64 = 8;
    private const ushort LinkName = 3, LinkInfo = 18, LinkTransmitQueues = 31, LinkInfoKind = 1;

    private const ushort Request = Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK;
    private const ushort CreateExclusive = Request | Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_EXCL;
    private const ushort CreateOrReplace = Request | Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_REPLACE;

    /// <summary>TC_LINKLAYER_ETHERNET: the kernel then wants no rate tables.</summary>
    private const byte LinkLayer = 1;

    /// <summary>A tick of the packet scheduler is 64 ns (PSCHED_SHIFT).</summary>
    private const int TickShift = 6;

    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Adds an ifb device, which is down.</summary>
    public static byte[] AddIfb(string name)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, CreateExclusive, LinkBody);
        message.Add(LinkName, Text(name));
        message.Add(LinkTransmitQueues, BitConverter.GetBytes(1));
        message.Add(LinkInfo, Nested(nested => nested.Add(LinkInfoKind, Encoding.ASCII.GetBytes("ifb"))));
        return message.ToArray();
    }

    /// <summary>The alias alone.</summary>
    public static byte[] SetAlias(string name, string alias)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, Request, LinkBody);
        message.Add(LinkName, Text(name));
        message.Add(Rtnetlink.IFLA_IFALIAS, Encoding.UTF8.GetBytes(alias));
        return message.ToArray();
    }

    /// <summary>htb at the root of a device; what no filter gives a class passes without one.</summary>
    public static byte[] AddHtb(int index)
    {
        var message = Message(NewQdisc, CreateOrReplace, index, QosTree.Major, Root, 0);
        message.Add(Kind, Text("htb"));
        var glob = new byte[20];
        BitConverter.TryWriteBytes(glob, 3); // version
        BitConverter.TryWriteBytes(glob.AsSpan(4), 10); // rate2quantum, unused: each class names its quantum
        message.Add(OptionsAttribute, Nested(nested => nested.Add(HtbInit, glob)));
        return message.ToArray();
    }

    public static byte[] DeleteRoot(int index) => Message(DeleteQdisc, Request, index, 0, Root, 0).ToArray();

    /// <summary>fq_codel at the root of a device.</summary>
    public static byte[] SetRootFairQueue(int index)
    {
        var message = Message(NewQdisc, CreateOrReplace, index, 0, Root, 0);
        message.Add(Kind, Text("fq_codel"));
        return message.ToArray();
    }

    /// <summary>Adds a class, or gives one that stands other rates: its queue and its counters stay.</summary>
    public static byte[] SetClass(int index, QosClass one)
    {
        var message = Message(NewClass, CreateOrReplace, index, QosTree.Major | one.Minor, QosTree.Major | one.Parent, 0);
        message.Add(Kind, Text("htb"));
        var parameters = new byte[44];
        WriteRate(parameters, one.Rate);
        WriteRate(parameters.AsSpan(12), one.Ceiling);
        BitConverter.TryWriteBytes(parameters.AsSpan(24), Ticks(one.Burst, one.Rate));
        BitConverter.TryWriteBytes(parameters.AsSpan(28), Ticks(one.CeilingBurst, one.Ceiling));
        BitConverter.TryWriteBytes(parameters.AsSpan(32), one.Quantum);
        BitConverter.TryWriteBytes(parameters.AsSpan(40), one.Priority);
        message.Add(OptionsAttribute, Nested(nested =>
        {
            nested.Add(HtbParameters, parameters);
            if (one.Rate > uint.MaxValue) nested.Add(HtbRate64, BitConverter.GetBytes(one.Rate));
            if (one.Ceiling > uint.MaxValue) nested.Add(HtbCeiling64, BitConverter.GetBytes(one.Ceiling));
        }));
        // struct tc_estimator: a sample every 4 s (interval 2 of 250 ms << 2 + n), the last 2^3 of them count.
        message.Add(RateAttribute, [2, 3]);
        return message.ToArray();
    }

    public static byte[] DeleteClass(int index, QosClass one) => Message(DeleteClassMessage, Request, index, QosTree.Major | one.Minor, 0, 0).ToArray();

    /// <summary>The queue of a class without classes of its own; fq_codel has its own limit.</summary>
    public static byte[] SetQueue(int index, QosClass one)
    {
        var message = Message(NewQdisc, CreateOrReplace, index, 0, QosTree.Major | one.Minor, 0);
        if (one.Queue == QosQueue.Fair)
        {
            message.Add(Kind, Text("fq_codel"));
            return message.ToArray();
        }

        message.Add(Kind, Text("pfifo"));
        message.Add(OptionsAttribute, BitConverter.GetBytes(one.QueueLimit));
        return message.ToArray();
    }

    /// <summary>A filter of the tree, or another program for one that stands, at once for all packets behind.</summary>
    /// <param name="index">The device.</param>
    /// <param name="order">Which of the filters, from 1.</param>
    /// <param name="program">Its result is the class.</param>
    public static byte[] SetClassifier(int index, ushort order, ImmutableArray<BpfInstruction> program)
    {
        var message = Filter(index, QosTree.Major, order);
        message.Add(OptionsAttribute, Nested(nested => AddProgram(nested, program)));
        return message.ToArray();
    }

    /// <summary>The way in: what comes from a device can be filtered.</summary>
    public static byte[] AddIngress(int index)
    {
        var message = Message(NewQdisc, CreateExclusive, index, IngressHandle, Ingress, 0);
        message.Add(Kind, Text("ingress"));
        return message.ToArray();
    }

    public static byte[] DeleteIngress(int index) => Message(DeleteQdisc, Request, index, IngressHandle, Ingress, 0).ToArray();

    /// <summary>Everything that comes from a device goes through another one's queues first (act_mirred, redirect to egress).</summary>
    public static byte[] Redirect(int from, int to)
    {
        var message = Filter(from, IngressHandle, 1);
        var mirred = new byte[28];
        BitConverter.TryWriteBytes(mirred.AsSpan(8), 4); // TC_ACT_STOLEN
        BitConverter.TryWriteBytes(mirred.AsSpan(20), 1); // TCA_EGRESS_REDIR
        BitConverter.TryWriteBytes(mirred.AsSpan(24), to);
        message.Add(OptionsAttribute, Nested(nested =>
        {
            nested.Add(BpfAction, Nested(list => list.Add(1, Nested(action =>
            {
                action.Add(ActionKind, Text("mirred"));
                action.Add(ActionOptions, Nested(options => options.Add(MirredParameters, mirred)));
            }))));
            AddProgram(nested, [new BpfInstruction(0x06, 0, 0, uint.MaxValue)]);
        }));
        return message.ToArray();
    }

    public static byte[] DumpClasses(int index) => Message(GetClass, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, index, 0, 0, 0).ToArray();

    /// <summary>Reads one message of <see cref="DumpClasses"/>.</summary>
    public static bool TryReadClass(ushort type, ReadOnlySpan<byte> body, out ClassCounters counters)
    {
        counters = default;
        if (type != NewClass || body.Length < TrafficBody) return false;
        var attributes = body[TrafficBody..];
        counters = counters with { Minor = (ushort)BitConverter.ToUInt32(body[8..]) };
        while (NetlinkCodec.TryAttribute(ref attributes, out var kind, out var value))
        {
            if (kind != Stats2) continue;
            while (NetlinkCodec.TryAttribute(ref value, out var which, out var stats)) Read(which, stats, ref counters);
        }

        return true;
    }

    private static void Read(ushort which, ReadOnlySpan<byte> stats, ref ClassCounters counters)
    {
        counters = (which, stats.Length) switch
        {
            (StatsBasic, >= 12) => counters with { Octets = BitConverter.ToUInt64(stats), Packets = Math.Max(counters.Packets, BitConverter.ToUInt32(stats[8..])) },
            (StatsPackets64, >= 8) => counters with { Packets = BitConverter.ToUInt64(stats) },
            (StatsRate, >= 8) => counters with { OctetsPerSecond = Math.Max(counters.OctetsPerSecond, BitConverter.ToUInt32(stats)) },
            (StatsRate64, >= 8) => counters with { OctetsPerSecond = BitConverter.ToUInt64(stats) },
            (StatsQueue, >= 20) => counters with { Waiting = BitConverter.ToUInt32(stats), Drops = BitConverter.ToUInt32(stats[8..]) },
            _ => counters,
        };
    }

    private static void AddProgram(NetlinkMessage options, ImmutableArray<BpfInstruction> program)
    {
        var octets = new byte[program.Length * 8];
        for (var i = 0; i < program.Length; i++)
        {
            var one = octets.AsSpan(i * 8);
            BitConverter.TryWriteBytes(one, program[i].Code);
            one[2] = program[i].JumpTrue;
            one[3] = program[i].JumpFalse;
            BitConverter.TryWriteBytes(one[4..], program[i].K);
        }

        options.Add(BpfLength, BitConverter.GetBytes((ushort)program.Length));
        options.Add(BpfProgram, octets);
    }

    /// <summary>struct tc_ratespec; of rates beyond 32 bits the attribute beside it counts.</summary>
    private static void WriteRate(Span<byte> target, long rate)
    {
        target[1] = LinkLayer;
        BitConverter.TryWriteBytes(target[8..], (uint)Math.Min(rate, uint.MaxValue));
    }

    private static uint Ticks(long octets, long rate) => (uint)Math.Min((double)octets * NanosecondsPerSecond / rate / (1 << TickShift), int.MaxValue);

    /// <summary>A filter for packets of all protocols, in the filter's info beside its order.</summary>
    private static NetlinkMessage Filter(int index, uint parent, ushort order)
    {
        const ushort everyProtocol = 3; // ETH_P_ALL
        var message = Message(NewFilter, CreateOrReplace, index, 1, parent, (uint)order << 16 | BinaryPrimitives.ReverseEndianness(everyProtocol));
        message.Add(Kind, Text("bpf"));
        return message;
    }

    private static NetlinkMessage Message(ushort type, ushort flags, int index, uint handle, uint parent, uint info)
    {
        var message = new NetlinkMessage(type, flags, TrafficBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        BitConverter.TryWriteBytes(message.Body[8..], handle);
        BitConverter.TryWriteBytes(message.Body[12..], parent);
        BitConverter.TryWriteBytes(message.Body[16..], info);
        return message;
    }

    private static byte[] Nested(Action<NetlinkMessage> fill)
    {
        var nested = new NetlinkMessage(0, 0, 0);
        fill(nested);
        return nested.ToArray()[NetlinkCodec.HeaderLength..];
    }

    private static byte[] Text(string text) => [.. Encoding.ASCII.GetBytes(text), 0];
}
