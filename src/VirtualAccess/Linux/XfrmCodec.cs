using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Linux;

/// <summary>XFRM_POLICY_IN, _OUT and _FWD.</summary>
internal enum XfrmDirection : byte
{
    In = 0,
    Out = 1,
    Forward = 2,
}

/// <summary>What a policy applies to: one prefix and block of ports on each side, of one protocol.</summary>
/// <param name="Source">Source addresses.</param>
/// <param name="Destination">Destination addresses, of the same family.</param>
/// <param name="Protocol">IP protocol; 0 = any.</param>
internal readonly record struct XfrmSelector(XfrmBlock Source, XfrmBlock Destination, byte Protocol)
{
    public XfrmSelector Reversed => new(Destination, Source, Protocol);

    public bool Holds(in IpPacket ip) =>
        (Protocol == 0 || Protocol == ip.Protocol) && Source.Holds(ip.Source, !ip.IsIPv6, ip.SourcePort) && Destination.Holds(ip.Destination, !ip.IsIPv6, ip.DestinationPort);
}

/// <summary>A prefix and a block of ports.</summary>
/// <param name="Address">128 bits; IPv4 mapped.</param>
/// <param name="IsIPv4">The family.</param>
/// <param name="PrefixLength">In bits of the family.</param>
/// <param name="Port">First port of the block.</param>
/// <param name="PortMask">0 = any port.</param>
internal readonly record struct XfrmBlock(UInt128 Address, bool IsIPv4, byte PrefixLength, ushort Port, ushort PortMask)
{
    public bool Holds(UInt128 address, bool isIPv4, ushort port)
    {
        var host = (IsIPv4 ? 32 : 128) - PrefixLength;
        return isIPv4 == IsIPv4 && (port & PortMask) == Port && (host == 128 || address >> host == Address >> host);
    }
}

/// <summary>One direction of an ESP SA for the kernel.</summary>
internal sealed record XfrmSa
{
    public required uint Spi { get; init; }

    public required TransportAddress Source { get; init; }

    public required TransportAddress Destination { get; init; }

    public required EspEncapsulation Encapsulation { get; init; }

    public required uint InterfaceId { get; init; }

    public required XfrmTransform Transform { get; init; }

    /// <summary>Packets; 0 where nothing is received.</summary>
    public required int ReplayWindow { get; init; }

    /// <summary>DF of outer IPv4 headers is clear; otherwise the kernel copies it.</summary>
    public bool ClearsDontFragment { get; init; }

    /// <summary>0 = none.</summary>
    public long SoftOctets { get; init; }

    /// <summary>0 = none.</summary>
    public long SoftPackets { get; init; }
}

/// <summary>A state as the kernel reports it; <see cref="Message"/> is the whole body, keys included, for whoever writes it back.</summary>
internal readonly ref struct XfrmSaReport(ReadOnlySpan<byte> body)
{
    public ReadOnlySpan<byte> Message { get; } = body;

    public uint Spi => BinaryPrimitives.ReadUInt32BigEndian(Message[(XfrmCodec.SelectorLength + 16)..]);

    public TransportAddress Destination => XfrmCodec.ReadAddress(Message[XfrmCodec.SelectorLength..], BitConverter.ToUInt16(Message[XfrmCodec.FamilyOffset..]));

    public ulong Octets => BitConverter.ToUInt64(Message[XfrmCodec.CurrentOffset..]);

    public ulong Packets => BitConverter.ToUInt64(Message[(XfrmCodec.CurrentOffset + 8)..]);

    public uint RequestId => BitConverter.ToUInt32(Message[(XfrmCodec.FamilyOffset - 4)..]);

    public uint InterfaceId => XfrmCodec.TryFind(Message[XfrmCodec.SaLength..], Xfrm.XFRMA_IF_ID, out var value) && value.Length >= 4 ? BitConverter.ToUInt32(value) : 0;
}

/// <summary>
/// Writes and reads messages of NETLINK_XFRM; pure. Numbers are in the machine's order but for SPIs, ports and addresses. Messages with keys are to be zeroed by
/// whoever sent them.
/// </summary>
internal static class XfrmCodec
{
    public const int SelectorLength = 56;
    public const int SaLength = 224;
    public const int LifetimeOffset = SelectorLength + 24 + 16;
    public const int CurrentOffset = LifetimeOffset + 64;
    public const int FamilyOffset = CurrentOffset + 32 + 12 + 4 + 4;

    /// <summary>Of one state: algorithms with keys, the largest replay window, the rest.</summary>
    public const int LongestAttributes = 2048;
    private const int CurrentLength = 32;
    private const int ExpiryLength = SaLength + 8;
    private const int PolicyLength = 168;

    /// <summary>Seconds between two reports of the same new address of a client.</summary>
    private const int MappingSeconds = 1;

    /// <summary>Sequence numbers left out by an SA of ours that moves: those of packets that go out while it is read and written.</summary>
    private const uint SequenceGap = 1024;
    private const int TemplateLength = 64;
    private const int AlgorithmName = 64;
    private const ushort Acknowledged = Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK;

    /// <summary>Adds a state; one with the same SPI, destination and protocol is an error (EEXIST).</summary>
    public static byte[] AddSa(XfrmSa sa)
    {
        var message = new NetlinkMessage(Xfrm.XFRM_MSG_NEWSA, Acknowledged | Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_EXCL, SaLength);
        var body = message.Body;
        WriteId(body[SelectorLength..], sa.Destination, sa.Spi);
        WriteAddress(body[(SelectorLength + 24)..], sa.Source);
        WriteLifetime(body[LifetimeOffset..], sa.SoftOctets, sa.SoftPackets);
        BitConverter.TryWriteBytes(body[(FamilyOffset - 4)..], sa.InterfaceId);
        BitConverter.TryWriteBytes(body[FamilyOffset..], Family(sa.Destination));
        var transform = sa.Transform;
        body[FamilyOffset + 2] = transform.IsTransportMode ? Xfrm.XFRM_MODE_TRANSPORT : Xfrm.XFRM_MODE_TUNNEL;
        var hasReplayState = transform.IsEsn || sa.ReplayWindow > 32;
        // The kernel takes the window from one place only (EINVAL for both).
        body[FamilyOffset + 3] = (byte)(hasReplayState ? 0 : sa.ReplayWindow);
        // Inner packets of either family pass a tunnel. DF of outer packets is copied or clear (RFC 4301 8.1), the inner DSCP stays as it is, ECN is carried both ways (RFC 7296 2.24).
        body[FamilyOffset + 4] = (byte)((transform.IsTransportMode ? 0 : Xfrm.XFRM_STATE_AF_UNSPEC) | (transform.IsEsn ? Xfrm.XFRM_STATE_ESN : 0) | (sa.ClearsDontFragment ? Xfrm.XFRM_STATE_NOPMTUDISC : 0));
        AddAlgorithms(message, transform);
        if (hasReplayState) message.Add(Xfrm.XFRMA_REPLAY_ESN_VAL, ReplayState(sa.ReplayWindow));
        AddEncapsulation(message, sa.Source, sa.Destination, sa.Encapsulation);
        message.Add(Xfrm.XFRMA_IF_ID, BitConverter.GetBytes(sa.InterfaceId));
        return ToArray(message);
    }

    /// <summary>
    /// Writes a reported state back under other addresses: algorithms, keys, lifetimes, what it has counted and replay state stay (as RFC 4301 asks of an SA that moves).
    /// </summary>
    /// <param name="report">As the kernel told it.</param>
    /// <param name="source">Of outer packets.</param>
    /// <param name="destination">Of outer packets.</param>
    /// <param name="encapsulation">How they travel.</param>
    /// <param name="isOutbound">A sequence number that went out since the report must not come a second time.</param>
    public static byte[] MoveSa(in XfrmSaReport report, TransportAddress source, TransportAddress destination, EspEncapsulation encapsulation, bool isOutbound)
    {
        var message = new NetlinkMessage(Xfrm.XFRM_MSG_NEWSA, Acknowledged | Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_EXCL, SaLength);
        var body = message.Body;
        report.Message[..SaLength].CopyTo(body);
        WriteId(body[SelectorLength..], destination, report.Spi);
        WriteAddress(body[(SelectorLength + 24)..], source);
        BitConverter.TryWriteBytes(body[FamilyOffset..], Family(destination));
        var attributes = report.Message[SaLength..];
        while (NetlinkCodec.TryAttribute(ref attributes, out var type, out var value))
        {
            if (type is Xfrm.XFRMA_ALG_AUTH_TRUNC or Xfrm.XFRMA_ALG_CRYPT or Xfrm.XFRMA_ALG_AEAD or Xfrm.XFRMA_REPLAY_VAL or Xfrm.XFRMA_REPLAY_ESN_VAL or Xfrm.XFRMA_SA_EXTRA_FLAGS or Xfrm.XFRMA_IF_ID)
                message.Add(type, isOutbound && type is (Xfrm.XFRMA_REPLAY_VAL or Xfrm.XFRMA_REPLAY_ESN_VAL) ? SkipNumbers(type, value) : value);
        }

        message.Add(Xfrm.XFRMA_LTIME_VAL, report.Message.Slice(CurrentOffset, CurrentLength));
        AddEncapsulation(message, source, destination, encapsulation);
        return ToArray(message);
    }

    public static byte[] DeleteSa(TransportAddress destination, uint spi) => SaId(Xfrm.XFRM_MSG_DELSA, Acknowledged, destination, spi);

    public static byte[] GetSa(TransportAddress destination, uint spi) => SaId(Xfrm.XFRM_MSG_GETSA, Acknowledged, destination, spi);

    public static byte[] DumpSas() => new NetlinkMessage(Xfrm.XFRM_MSG_GETSA, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, 0).ToArray();

    public static byte[] DumpPolicies() => new NetlinkMessage(Xfrm.XFRM_MSG_GETPOLICY, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, 0).ToArray();

    /// <summary>Makes a policy or replaces the one with the same selector, direction and interface.</summary>
    /// <param name="direction">In and Forward hold for what came out of the tunnel, Out for what goes in.</param>
    /// <param name="selector">As the packets have it.</param>
    /// <param name="interfaceId">Of the xfrm interface.</param>
    /// <param name="source">Outer source; default = any.</param>
    /// <param name="destination">Outer destination; default = any.</param>
    /// <param name="spi">The state that carries the packets; 0 = any of the interface.</param>
    /// <param name="isTransportMode">Instead of tunnel mode.</param>
    /// <param name="priority">The lowest number wins where selectors overlap.</param>
    public static byte[] SetPolicy(
        XfrmDirection direction, in XfrmSelector selector, uint interfaceId, TransportAddress source, TransportAddress destination, uint spi, bool isTransportMode, uint priority)
    {
        var message = new NetlinkMessage(Xfrm.XFRM_MSG_UPDPOLICY, Acknowledged, PolicyLength);
        WriteSelector(message.Body, selector);
        WriteLifetime(message.Body[SelectorLength..], 0, 0);
        BitConverter.TryWriteBytes(message.Body[152..], priority);
        message.Body[160] = (byte)direction;
        var template = new byte[TemplateLength];
        WriteId(template, destination, spi);
        var outer = destination == default ? (selector.Source.IsIPv4 ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6) : Family(destination);
        BitConverter.TryWriteBytes(template.AsSpan(24), outer);
        WriteAddress(template.AsSpan(28), source);
        BitConverter.TryWriteBytes(template.AsSpan(44), interfaceId);
        template[48] = isTransportMode ? Xfrm.XFRM_MODE_TRANSPORT : Xfrm.XFRM_MODE_TUNNEL;
        template.AsSpan(52, 12).Fill(0xff);
        message.Add(Xfrm.XFRMA_TMPL, template);
        message.Add(Xfrm.XFRMA_IF_ID, BitConverter.GetBytes(interfaceId));
        return message.ToArray();
    }

    public static byte[] DeletePolicy(XfrmDirection direction, in XfrmSelector selector, uint interfaceId)
    {
        var message = new NetlinkMessage(Xfrm.XFRM_MSG_DELPOLICY, Acknowledged, SelectorLength + 8);
        WriteSelector(message.Body, selector);
        message.Body[SelectorLength + 4] = (byte)direction;
        message.Add(Xfrm.XFRMA_IF_ID, BitConverter.GetBytes(interfaceId));
        return message.ToArray();
    }

    /// <summary>Deletes a policy as a dump reported it.</summary>
    public static byte[] DeletePolicy(ReadOnlySpan<byte> reported, uint interfaceId)
    {
        var message = new NetlinkMessage(Xfrm.XFRM_MSG_DELPOLICY, Acknowledged, SelectorLength + 8);
        reported[..SelectorLength].CopyTo(message.Body);
        message.Body[SelectorLength + 4] = reported[160];
        message.Add(Xfrm.XFRMA_IF_ID, BitConverter.GetBytes(interfaceId));
        return message.ToArray();
    }

    /// <param name="body">As a dump reported it.</param>
    /// <param name="interfaceId">0 = none.</param>
    /// <param name="requestId">Of its first template; 0 = none.</param>
    public static bool TryReadPolicy(ReadOnlySpan<byte> body, out uint interfaceId, out uint requestId)
    {
        (interfaceId, requestId) = (0, 0);
        if (body.Length < PolicyLength) return false;
        if (TryFind(body[PolicyLength..], Xfrm.XFRMA_TMPL, out var template) && template.Length >= TemplateLength) requestId = BitConverter.ToUInt32(template[44..]);
        if (TryFind(body[PolicyLength..], Xfrm.XFRMA_IF_ID, out var value) && value.Length >= 4) interfaceId = BitConverter.ToUInt32(value);
        return true;
    }

    public static bool TryReadSa(ReadOnlySpan<byte> body, out XfrmSaReport report)
    {
        report = body.Length >= SaLength ? new XfrmSaReport(body) : default;
        return body.Length >= SaLength;
    }

    /// <summary>struct xfrm_user_expire: a state that has reached a limit, and the interface that it belongs to; 0 = none.</summary>
    public static bool TryReadExpiry(ReadOnlySpan<byte> body, out XfrmSaReport report, out uint interfaceId)
    {
        report = default;
        interfaceId = 0;
        if (body.Length < ExpiryLength) return false;
        report = new XfrmSaReport(body[..SaLength]);
        if (TryFind(body[ExpiryLength..], Xfrm.XFRMA_IF_ID, out var value) && value.Length >= 4) interfaceId = BitConverter.ToUInt32(value);
        return true;
    }

    public static TransportAddress ReadAddress(ReadOnlySpan<byte> octets, ushort family) => family == Rtnetlink.AF_INET
        ? TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(octets), 0)
        : new TransportAddress(BinaryPrimitives.ReadUInt128BigEndian(octets), 0);

    public static bool TryFind(ReadOnlySpan<byte> attributes, ushort wanted, out ReadOnlySpan<byte> value)
    {
        while (NetlinkCodec.TryAttribute(ref attributes, out var type, out value))
        {
            if (type == wanted) return true;
        }

        value = default;
        return false;
    }

    private static byte[] SaId(ushort type, ushort flags, TransportAddress destination, uint spi)
    {
        var message = new NetlinkMessage(type, flags, 24);
        WriteId(message.Body, destination, spi);
        BitConverter.TryWriteBytes(message.Body[20..], Family(destination));
        message.Body[22] = Xfrm.IPPROTO_ESP;
        return message.ToArray();
    }

    private static void AddAlgorithms(NetlinkMessage message, XfrmTransform transform)
    {
        if (transform.IsAead)
        {
            AddAlgorithm(message, Xfrm.XFRMA_ALG_AEAD, transform.EncryptionName, transform.EncryptionKey.Span, transform.IcvBits);
            return;
        }

        AddAlgorithm(message, Xfrm.XFRMA_ALG_CRYPT, transform.EncryptionName, transform.EncryptionKey.Span, null);
        AddAlgorithm(message, Xfrm.XFRMA_ALG_AUTH_TRUNC, transform.IntegrityName, transform.IntegrityKey.Span, transform.IcvBits);
    }

    /// <summary>struct xfrm_algo, xfrm_algo_aead or xfrm_algo_auth: name, key length in bits, ICV length in bits where there is one, key.</summary>
    private static void AddAlgorithm(NetlinkMessage message, ushort type, string name, ReadOnlySpan<byte> key, int? icvBits)
    {
        var head = AlgorithmName + 4 + (icvBits is null ? 0 : 4);
        var octets = new byte[head + key.Length];
        Encoding.ASCII.GetBytes(name, octets);
        BitConverter.TryWriteBytes(octets.AsSpan(AlgorithmName), key.Length * 8);
        if (icvBits is { } bits) BitConverter.TryWriteBytes(octets.AsSpan(AlgorithmName + 4), bits);
        key.CopyTo(octets.AsSpan(head));
        message.Add(type, octets);
        CryptographicOperations.ZeroMemory(octets);
    }

    /// <summary>struct xfrm_replay_state_esn: also what windows beyond 32 packets need without extended sequence numbers.</summary>
    private static byte[] ReplayState(int window)
    {
        var words = Math.Max(1, (window + 31) / 32);
        var state = new byte[24 + (words * 4)];
        BitConverter.TryWriteBytes(state, words);
        BitConverter.TryWriteBytes(state.AsSpan(20), window);
        return state;
    }

    /// <summary>A reported replay state further on. Without the upper half of extended numbers it ends at the last one.</summary>
    private static byte[] SkipNumbers(ushort type, ReadOnlySpan<byte> value)
    {
        var octets = value.ToArray();
        var isPlain = type == Xfrm.XFRMA_REPLAY_VAL;
        if (octets.Length < (isPlain ? 4 : 16)) return octets;
        var low = octets.AsSpan(isPlain ? 0 : 4);
        var further = BitConverter.ToUInt32(low) + (ulong)SequenceGap;
        var carries = further > uint.MaxValue;
        BitConverter.TryWriteBytes(low, carries && isPlain ? uint.MaxValue : unchecked((uint)further));
        if (carries && !isPlain) BitConverter.TryWriteBytes(octets.AsSpan(12), BitConverter.ToUInt32(octets.AsSpan(12)) + 1);
        return octets;
    }

    private static byte[] ToArray(NetlinkMessage message)
    {
        var octets = message.ToArray();
        message.Forget();
        return octets;
    }

    private static void AddEncapsulation(NetlinkMessage message, TransportAddress source, TransportAddress destination, EspEncapsulation encapsulation)
    {
        if (encapsulation != EspEncapsulation.Udp) return;
        message.Add(Xfrm.XFRMA_ENCAP, Encapsulation(source.Port, destination.Port));
        // Kernels before 5.17 do not know it and report each packet.
        message.Add(Xfrm.XFRMA_MTIMER_THRESH, BitConverter.GetBytes(MappingSeconds));
    }

    private static byte[] Encapsulation(ushort sourcePort, ushort destinationPort)
    {
        var octets = new byte[24];
        BitConverter.TryWriteBytes(octets, Xfrm.UDP_ENCAP_ESPINUDP);
        BinaryPrimitives.WriteUInt16BigEndian(octets.AsSpan(2), sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(octets.AsSpan(4), destinationPort);
        return octets;
    }

    private static void WriteId(Span<byte> octets, TransportAddress destination, uint spi)
    {
        WriteAddress(octets, destination);
        BinaryPrimitives.WriteUInt32BigEndian(octets[16..], spi);
        octets[20] = Xfrm.IPPROTO_ESP;
    }

    private static void WriteAddress(Span<byte> octets, TransportAddress address)
    {
        octets[..16].Clear();
        if (address == default) return;
        if (address.IsIPv4) BinaryPrimitives.WriteUInt32BigEndian(octets, (uint)address.Address);
        else BinaryPrimitives.WriteUInt128BigEndian(octets, address.Address);
    }

    private static void WriteLifetime(Span<byte> octets, long softOctets, long softPackets)
    {
        BitConverter.TryWriteBytes(octets, softOctets > 0 ? (ulong)softOctets : Xfrm.XFRM_INF);
        BitConverter.TryWriteBytes(octets[8..], Xfrm.XFRM_INF);
        BitConverter.TryWriteBytes(octets[16..], softPackets > 0 ? (ulong)softPackets : Xfrm.XFRM_INF);
        BitConverter.TryWriteBytes(octets[24..], Xfrm.XFRM_INF);
    }

    private static void WriteSelector(Span<byte> octets, in XfrmSelector selector)
    {
        WriteAddress(octets, new TransportAddress(selector.Destination.Address, 0));
        WriteAddress(octets[16..], new TransportAddress(selector.Source.Address, 0));
        BinaryPrimitives.WriteUInt16BigEndian(octets[32..], selector.Destination.Port);
        BinaryPrimitives.WriteUInt16BigEndian(octets[34..], selector.Destination.PortMask);
        BinaryPrimitives.WriteUInt16BigEndian(octets[36..], selector.Source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(octets[38..], selector.Source.PortMask);
        BitConverter.TryWriteBytes(octets[40..], (ushort)(selector.Source.IsIPv4 ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6));
        octets[42] = selector.Destination.PrefixLength;
        octets[43] = selector.Source.PrefixLength;
        octets[44] = selector.Protocol;
    }

    private static ushort Family(TransportAddress address) => address.IsIPv4 ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6;
}
