using System.Buffers.Binary;
using System.Net;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Tests.DataPlane;

/// <summary>Offsets are those of linux/xfrm.h on 64-bit machines; the machine of the tests is little-endian, as all that we publish for are.</summary>
public sealed class XfrmCodecTests
{
    private static readonly TransportAddress Ours = TransportAddress.From(IPAddress.Parse("192.0.2.1"), 4500);
    private static readonly TransportAddress Theirs = TransportAddress.From(IPAddress.Parse("198.51.100.9"), 61000);

    [Fact]
    public void A_state_says_what_struct_xfrm_usersa_info_says()
    {
        var message = XfrmCodec.AddSa(State());
        var body = message.AsSpan(16);
        Assert.Equal(Xfrm.XFRM_MSG_NEWSA, BitConverter.ToUInt16(message, 4));
        Assert.Equal([198, 51, 100, 9], body[56..60].ToArray());
        Assert.Equal(0xc0ffee01u, BinaryPrimitives.ReadUInt32BigEndian(body[72..]));
        Assert.Equal(50, body[76]);
        Assert.Equal([192, 0, 2, 1], body[80..84].ToArray());
        Assert.Equal(1000ul, BitConverter.ToUInt64(body[96..]));
        Assert.Equal(ulong.MaxValue, BitConverter.ToUInt64(body[104..]));
        Assert.Equal(7u, BitConverter.ToUInt32(body[208..]));
        Assert.Equal(2, BitConverter.ToUInt16(body[212..]));
        Assert.Equal(1, body[214]);
        Assert.Equal(0, body[215]);
        Assert.Equal(32, XfrmCodec.AddSa(State() with { ReplayWindow = 32 })[16 + 215]);
        Assert.Equal(Xfrm.XFRM_STATE_AF_UNSPEC, body[216]);
        Assert.Equal(Xfrm.XFRM_STATE_AF_UNSPEC | Xfrm.XFRM_STATE_NOPMTUDISC, XfrmCodec.AddSa(State() with { ClearsDontFragment = true })[16 + 216]);
    }

    [Fact]
    public void Its_attributes_carry_algorithm_replay_window_encapsulation_and_interface()
    {
        var attributes = XfrmCodec.AddSa(State()).AsSpan(16 + XfrmCodec.SaLength);
        Assert.True(XfrmCodec.TryFind(attributes, Xfrm.XFRMA_ALG_AEAD, out var aead));
        Assert.Equal("rfc4106(gcm(aes))", System.Text.Encoding.ASCII.GetString(aead[..64]).TrimEnd('\0'));
        Assert.Equal((288, 128, 72 + 36), (BitConverter.ToInt32(aead[64..]), BitConverter.ToInt32(aead[68..]), aead.Length));
        Assert.True(XfrmCodec.TryFind(attributes, Xfrm.XFRMA_REPLAY_ESN_VAL, out var replay));
        Assert.Equal((32, 1024, 24 + 128), (BitConverter.ToInt32(replay), BitConverter.ToInt32(replay[20..]), replay.Length));
        Assert.True(XfrmCodec.TryFind(attributes, Xfrm.XFRMA_ENCAP, out var encapsulation));
        Assert.Equal((2, 4500, 61000), (BitConverter.ToUInt16(encapsulation), BinaryPrimitives.ReadUInt16BigEndian(encapsulation[2..]), BinaryPrimitives.ReadUInt16BigEndian(encapsulation[4..])));
        Assert.True(XfrmCodec.TryFind(attributes, Xfrm.XFRMA_IF_ID, out var id));
        Assert.Equal(7u, BitConverter.ToUInt32(id));
    }

    [Fact]
    public void A_moved_state_keeps_keys_and_replay_state_under_new_addresses()
    {
        var made = XfrmCodec.AddSa(State());
        Assert.True(XfrmCodec.TryReadSa(made.AsSpan(16), out var report));
        Assert.Equal((0xc0ffee01u, 7u), (report.Spi, report.InterfaceId));
        var elsewhere = TransportAddress.From(IPAddress.Parse("203.0.113.77"), 4501);
        var moved = XfrmCodec.MoveSa(report, Ours, elsewhere, EspEncapsulation.Udp, isOutbound: false).AsSpan(16);
        Assert.Equal([203, 0, 113, 77], moved[56..60].ToArray());
        Assert.True(XfrmCodec.TryFind(moved[XfrmCodec.SaLength..], Xfrm.XFRMA_ENCAP, out var encapsulation));
        Assert.Equal(4501, BinaryPrimitives.ReadUInt16BigEndian(encapsulation[4..]));
        foreach (var kept in new[] { Xfrm.XFRMA_ALG_AEAD, Xfrm.XFRMA_REPLAY_ESN_VAL, Xfrm.XFRMA_IF_ID })
        {
            Assert.True(XfrmCodec.TryFind(made.AsSpan(16 + XfrmCodec.SaLength), kept, out var before));
            Assert.True(XfrmCodec.TryFind(moved[XfrmCodec.SaLength..], kept, out var after));
            Assert.Equal(before.ToArray(), after.ToArray());
        }
    }

    /// <summary>An SA that sends leaves out the numbers that may have gone out since it was read: none may come twice (RFC 4303 3.3.3).</summary>
    [Theory]
    [InlineData(0u, 0u, 1024u, 0u)]
    [InlineData(uint.MaxValue - 23, 7u, 1000u, 8u)]
    public void A_moved_state_that_sends_goes_on_behind_its_last_number(uint low, uint high, uint movedLow, uint movedHigh)
    {
        var made = XfrmCodec.AddSa(State() with { Transform = State().Transform with { IsEsn = true } });
        var at = made.AsSpan().IndexOf(BitConverter.GetBytes(1024).AsSpan()) - 20;
        BitConverter.TryWriteBytes(made.AsSpan(at + 4), low);
        BitConverter.TryWriteBytes(made.AsSpan(at + 12), high);
        Assert.True(XfrmCodec.TryReadSa(made.AsSpan(16), out var report));
        var moved = XfrmCodec.MoveSa(report, Ours, Theirs, EspEncapsulation.Udp, isOutbound: true).AsSpan(16 + XfrmCodec.SaLength);
        Assert.True(XfrmCodec.TryFind(moved, Xfrm.XFRMA_REPLAY_ESN_VAL, out var replay));
        Assert.Equal((movedLow, movedHigh), (BitConverter.ToUInt32(replay[4..]), BitConverter.ToUInt32(replay[12..])));
    }

    [Fact]
    public void A_moved_state_goes_on_counting()
    {
        var made = XfrmCodec.AddSa(State());
        BitConverter.TryWriteBytes(made.AsSpan(16 + XfrmCodec.CurrentOffset), 4711UL);
        BitConverter.TryWriteBytes(made.AsSpan(16 + XfrmCodec.CurrentOffset + 8), 11UL);
        Assert.True(XfrmCodec.TryReadSa(made.AsSpan(16), out var report));
        var moved = XfrmCodec.MoveSa(report, Theirs, Ours, EspEncapsulation.Udp, isOutbound: false).AsSpan(16 + XfrmCodec.SaLength);
        Assert.True(XfrmCodec.TryFind(moved, Xfrm.XFRMA_LTIME_VAL, out var counted));
        Assert.Equal((32, 4711UL, 11UL), (counted.Length, BitConverter.ToUInt64(counted), BitConverter.ToUInt64(counted[8..])));
    }

    [Fact]
    public void An_expiry_names_the_interface_behind_the_state()
    {
        var state = XfrmCodec.AddSa(State()).AsSpan(16, XfrmCodec.SaLength).ToArray();
        byte[] body = [.. state, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, (byte)Xfrm.XFRMA_IF_ID, 0, 7, 0, 0, 0];
        Assert.True(XfrmCodec.TryReadExpiry(body, out var report, out var interfaceId));
        Assert.Equal((0xc0ffee01u, 7u), (report.Spi, interfaceId));
        Assert.False(XfrmCodec.TryReadExpiry(state, out _, out _));
    }

    [Fact]
    public void A_policy_names_selector_direction_template_and_interface()
    {
        var selector = new XfrmSelector(Block("10.10.0.0", 24), Block("10.99.0.7", 32), 6);
        var body = XfrmCodec.SetPolicy(XfrmDirection.Out, selector, 7, Ours, Theirs, 0xc0ffee01, isTransportMode: false, priority: 77).AsSpan(16);
        Assert.Equal([10, 99, 0, 7], body[..4].ToArray());
        Assert.Equal([10, 10, 0, 0], body[16..20].ToArray());
        Assert.Equal((2, 32, 24, 6), (BitConverter.ToUInt16(body[40..]), body[42], body[43], body[44]));
        Assert.Equal(77, BitConverter.ToInt32(body[152..]));
        Assert.Equal(1, body[160]);
        Assert.True(XfrmCodec.TryFind(body[168..], Xfrm.XFRMA_TMPL, out var template));
        Assert.Equal((64, 0xc0ffee01u, 1), (template.Length, BinaryPrimitives.ReadUInt32BigEndian(template[16..]), template[48]));
        Assert.Equal([192, 0, 2, 1], template[28..32].ToArray());
    }

    [Fact]
    public void A_mapping_tells_where_packets_come_from_now()
    {
        var body = new byte[64];
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(16), 0xc0ffee01);
        BitConverter.TryWriteBytes(body.AsSpan(20), (ushort)2);
        ((ReadOnlySpan<byte>)[192, 0, 2, 1]).CopyTo(body);
        BitConverter.TryWriteBytes(body.AsSpan(24), 0x12300007u);
        ((ReadOnlySpan<byte>)[203, 0, 113, 77]).CopyTo(body.AsSpan(44));
        BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(62), 4711);
        Assert.True(XfrmMapping.TryRead(body, out var mapping));
        Assert.Equal((0xc0ffee01u, "192.0.2.1:0", 0x12300007u, "203.0.113.77:4711"), (mapping.Spi, mapping.Destination.ToString(), mapping.RequestId, mapping.Source.ToString()));
        Assert.False(XfrmMapping.TryRead(body.AsSpan(0, 63), out _));
    }

    [Fact]
    public void States_and_policies_tell_interface_and_reqid()
    {
        Assert.True(XfrmCodec.TryReadSa(XfrmCodec.AddSa(State()).AsSpan(16), out var report));
        Assert.Equal((State().InterfaceId, State().InterfaceId), (report.InterfaceId, report.RequestId));
        var selector = new XfrmSelector(Block("10.10.0.0", 24), Block("10.99.0.7", 32), 6);
        Assert.True(XfrmCodec.TryReadPolicy(XfrmCodec.SetPolicy(XfrmDirection.Out, selector, 7, Ours, Theirs, 1, isTransportMode: false, 1).AsSpan(16), out var interfaceId, out var requestId));
        Assert.Equal((7u, 7u), (interfaceId, requestId));
    }

    [Fact]
    public void A_link_tells_its_interface_id()
    {
        var link = NetlinkCodec.CreateXfrmLink("vi1", 0x12300001, "headend a: alice").AsSpan(16);
        Assert.Equal(0x12300001u, XfrmLinkCodec.ReadInterfaceId(link));
        Assert.True(NetlinkCodec.TryReadLink(link, out var record));
        Assert.Equal("headend a: alice", record.Alias);
        Assert.Equal(0u, XfrmLinkCodec.ReadInterfaceId(VrfLinkCodec.CreateVrf("vrf1", 7).AsSpan(16)));
        Assert.Equal(0u, XfrmLinkCodec.ReadInterfaceId(link[..8]));
    }

    [Fact]
    public void Leftovers_are_what_has_our_mark_or_nobodys_interface()
    {
        Assert.True(XfrmMark.TryGetId("mine", 1, out var first));
        Assert.True(XfrmMark.TryGetId("mine", 2, out var second));
        Assert.True(XfrmMark.TryGetId("mine", 3, out var third));
        var links = new Dictionary<uint, string> { [first] = "headend mine: alice", [second] = "headend mine2: bob" };
        Assert.True(XfrmMark.IsLeftover(first, first, links, "mine"));
        Assert.True(XfrmMark.IsLeftover(third, third, links, "mine"));
        // The interface of another headend that shares the upper bits, a state with a reqid as other programs give it, an id without these bits.
        Assert.False(XfrmMark.IsLeftover(second, second, links, "mine"));
        Assert.False(XfrmMark.IsLeftover(third, 1, links, "mine"));
        Assert.False(XfrmMark.IsLeftover(first ^ 0x10_0000 ^ 0x20_0000, first ^ 0x10_0000 ^ 0x20_0000, links, "mine"));
        Assert.False(XfrmMark.IsLeftover(0, 0, links, "mine"));
    }

    private static XfrmBlock Block(string address, byte length) => new(TransportAddress.ToBits(IPAddress.Parse(address)), true, length, 0, 0);

    private static XfrmSa State() => new()
    {
        Spi = 0xc0ffee01,
        Source = Ours,
        Destination = Theirs,
        Encapsulation = EspEncapsulation.Udp,
        InterfaceId = 7,
        Transform = new XfrmTransform { EncryptionName = "rfc4106(gcm(aes))", EncryptionKey = Enumerable.Range(0, 36).Select(n => (byte)n).ToArray(), IsAead = true, IcvBits = 128 },
        ReplayWindow = 1024,
        SoftOctets = 1000,
    };
}
