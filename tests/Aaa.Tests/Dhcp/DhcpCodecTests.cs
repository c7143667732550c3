using System.Net;
using Headend.Aaa.Dhcp;
using static Headend.Aaa.Tests.Dhcp.DhcpWire;

namespace Headend.Aaa.Tests.Dhcp;

public sealed class DhcpCodecTests
{
    private static readonly byte[] End = [255];
    private static readonly byte[] Ack = [.. Option(53, 5), .. Option(54, First)];

    [Fact]
    public void A_request_is_written_as_RFC_2131_2_draws_it()
    {
        var packet = DhcpCodec.Write(new DhcpRequest
        {
            Type = DhcpMessageType.Request,
            TransactionId = 0x01020304,
            Seconds = 7,
            Relay = Relay,
            Client = Alice,
            RequestedAddress = Address,
            ServerIdentifier = First,
        });
        Assert.Equal(300, packet.Length);
        Assert.Equal("010106010102030400070000", Convert.ToHexStringLower(packet[..12]));
        // ciaddr, yiaddr and siaddr are 0; giaddr and chaddr follow.
        Assert.Equal("000000000000000000000000" + "0a0a0001", Convert.ToHexStringLower(packet[12..28]));
        Assert.Equal(Alice.HardwareAddress.ToArray(), packet[28..34]);
        Assert.All(packet[34..236], octet => Assert.Equal(0, octet));
        var identifier = Convert.ToHexStringLower(Alice.Identifier.Span);
        Assert.StartsWith("63825363" + "350103" + "3d17" + identifier + "32040a610014" + "36040a0a0043" + "390205c0" + "37070106" + "0f33363a3b" + "ff00", Convert.ToHexStringLower(packet[236..]), StringComparison.Ordinal);
    }

    // RFC 2131 table 5: DHCPRELEASE has ciaddr and the server identifier; the parameter request list and the maximum message size MUST NOT be in it, nor the requested address.
    [Fact]
    public void A_release_has_nothing_that_it_must_not_have()
    {
        var packet = DhcpCodec.Write(new DhcpRequest
        {
            Type = DhcpMessageType.Release,
            TransactionId = 1,
            Relay = Relay,
            Client = Alice,
            ClientAddress = Address,
            ServerIdentifier = First,
        });
        Assert.Equal("0a610014", Convert.ToHexStringLower(packet[12..16]));
        Assert.StartsWith("63825363" + "350107" + "3d17" + Convert.ToHexStringLower(Alice.Identifier.Span) + "36040a0a0043" + "ff00", Convert.ToHexStringLower(packet[236..]), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_of_a_lease_is_read()
    {
        var reply = Read(Full(DhcpMessageType.Ack, 0xA1B2C3D4));
        Assert.Equal((DhcpMessageType.Ack, 0xA1B2C3D4, Address, First), (reply.Type, reply.TransactionId, reply.YourAddress, reply.ServerIdentifier));
        Assert.Equal((3600.0, 1000.0, 2000.0), (reply.LeaseTime!.Value.TotalSeconds, reply.RenewalTime!.Value.TotalSeconds, reply.RebindingTime!.Value.TotalSeconds));
        Assert.Equal(("255.255.255.0", "corp.example"), (reply.Netmask!.ToString(), reply.Domain));
        Assert.Equal(["10.10.0.53", "10.10.0.54"], reply.DnsServers.Select(d => d.ToString()));
        Assert.True(Alice.HardwareAddress.Span.SequenceEqual(reply.HardwareAddress.Span));
    }

    [Fact]
    public void Infinity_and_absence_are_told_apart()
    {
        Assert.Equal(Timeout.InfiniteTimeSpan, Read(Reply(1, Address, Ack, Seconds(51, uint.MaxValue), End)).LeaseTime);
        Assert.Null(Read(Reply(1, Address, Ack, End)).LeaseTime);
    }

    // RFC 2131 4.1: "the options in the 'file' field MUST be interpreted next, if the 'options' field contains an 'option overload' option"; then 'sname'.
    [Theory]
    [InlineData(1, "10.10.0.53")]
    [InlineData(2, "10.10.0.54")]
    [InlineData(3, "10.10.0.53 10.10.0.54")]
    public void Options_go_on_in_file_and_sname_where_the_server_says_so(byte overload, string dns)
    {
        var packet = Reply(1, Address, Ack, Option(52, overload), End);
        ((byte[])[.. Option(6, 10, 10, 0, 53), 255]).CopyTo(packet, 108);
        ((byte[])[.. Option(6, 10, 10, 0, 54), 255]).CopyTo(packet, 44);
        // RFC 3396: pieces of one option are one value, in this order of fields.
        Assert.Equal(dns, string.Join(' ', Read(packet).DnsServers));
    }

    [Fact]
    public void Without_overload_a_file_name_is_no_option()
    {
        var packet = Reply(1, Address, Ack, End);
        "pxelinux.0"u8.CopyTo(packet.AsSpan(108));
        Assert.Empty(Read(packet).DnsServers);
    }

    [Fact]
    public void A_field_that_overload_names_must_end()
    {
        var packet = Reply(1, Address, Ack, Option(52, 1), End);
        packet.AsSpan(108, 128).Clear();
        Assert.Equal(DhcpError.Truncated, Refused(packet));
    }

    public static TheoryData<string, DhcpError> Malformed => new()
    {
        { "", DhcpError.Truncated },
        { "350105", DhcpError.Truncated },
        { "350105" + "36040a0a0043", DhcpError.Truncated },
        { "350105" + "36040a0a0043" + "33", DhcpError.Truncated },
        { "350105" + "36040a0a0043" + "3304000000", DhcpError.Truncated },
        { "350105" + "36040a0a0043" + "3303000000ff", DhcpError.Option },
        { "35020505" + "36040a0a0043ff", DhcpError.Option },
        { "350105" + "350105" + "36040a0a0043ff", DhcpError.Option },
        { "3500" + "36040a0a0043ff", DhcpError.Option },
        { "350105" + "36080a0a00430a0a0043ff", DhcpError.Option },
        { "350105" + "36040a0a0043" + "0603000000ff", DhcpError.Option },
        { "350105" + "36040a0a0043" + "0600ff", DhcpError.Option },
        { "350105" + "36040a0a0043" + "0105ffffff0000ff", DhcpError.Option },
        { "350105" + "36040a0a0043" + "340104ff", DhcpError.Option },
        { "350105" + "36040a0a0043" + "34020101ff", DhcpError.Option },
        { "36040a0a0043ff", DhcpError.Missing },
        { "350105ff", DhcpError.Missing },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Options_that_cannot_be_make_no_message(string options, DhcpError error) => Assert.Equal(error, Refused(Reply(1, Address, Convert.FromHexString(options))));

    [Fact]
    public void Headers_that_cannot_be_make_no_message()
    {
        var good = Reply(1, Address, Ack, End);
        Assert.Equal(DhcpError.Length, Refused(good[..239]));
        Assert.Equal(DhcpError.Length, Refused([.. good, .. new byte[1473 - good.Length]]));
        foreach (var (at, error) in new[] { (0, DhcpError.Header), (1, DhcpError.Header), (2, DhcpError.Header), (236, DhcpError.Cookie), (239, DhcpError.Cookie) })
        {
            var bad = good.ToArray();
            bad[at] ^= 0x40;
            Assert.Equal(error, Refused(bad));
        }
    }

    // What comes with a lease is a convenience: without it there is still an address.
    [Fact]
    public void Optional_values_that_make_no_sense_are_left_out()
    {
        var reply = Read(Reply(
            1, Address, Ack, Option(1, 255, 0, 255, 0), Option(6, 0, 0, 0, 0, 224, 0, 0, 1, 10, 10, 0, 53, 10, 10, 0, 53), Option(15, "no domain!"u8.ToArray()),
            Option(56, "go\u001b[2Jaway\0"u8.ToArray()), End));
        Assert.Null(reply.Netmask);
        Assert.Equal("10.10.0.53", Assert.Single(reply.DnsServers).ToString());
        Assert.Null(reply.Domain);
        Assert.Equal("go?[2Jaway", reply.Message);
    }

    [Fact]
    public void Octets_behind_the_end_are_nobodys() => Assert.Null(Read(Reply(1, Address, Ack, End, [51, 200, 1])).LeaseTime);

    [Fact]
    public void Identities_are_stable_apart_and_of_RFC_4361s_form()
    {
        var again = DhcpClientIdentity.Derive("alice", Relay, 0);
        Assert.Equal(Alice.ToString(), again.ToString());
        Assert.Equal(Alice.HardwareAddress.ToArray(), again.HardwareAddress.ToArray());
        // Type 255, IAID, DUID type 4 and a UUID.
        Assert.StartsWith("ff:00:00:00:00:00:04:", Alice.ToString(), StringComparison.Ordinal);
        Assert.Equal(23, Alice.Identifier.Length);
        // Locally administered and no group: RFC 2131's chaddr is a unicast address.
        Assert.Equal(2, Alice.HardwareAddress.Span[0] & 3);
        string[] others =
        [
            DhcpClientIdentity.Derive("bob", Relay, 0).ToString(), DhcpClientIdentity.Derive("alice", First, 0).ToString(), DhcpClientIdentity.Derive("alice", Relay, 1).ToString(),
        ];
        Assert.Equal(4, others.Append(Alice.ToString()).Distinct().Count());
        // The second session differs by its IAID alone (RFC 4361 6.1), and by its hardware address.
        Assert.Equal(Alice.ToString()[15..], others[2][15..]);
        Assert.NotEqual(Alice.HardwareAddress.ToArray(), DhcpClientIdentity.Derive("alice", Relay, 1).HardwareAddress.ToArray());
    }

    // Seeded, so that a failure is found again. Whatever comes out is within its bounds; nothing throws.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Mutations_are_read_or_refused(int seed)
    {
        byte[][] corpus =
        [
            Full(DhcpMessageType.Offer, 7), Full(DhcpMessageType.Ack, 7), Reply(7, IPAddress.Any, Option(53, 6), Option(54, First), Option(56, "no"u8.ToArray()), End),
            Reply(7, Address, Ack, Option(52, 3), Seconds(51, 60), End),
        ];
        var random = new Random(seed);
        var accepted = 0;
        for (var round = 0; round < 100_000; round++)
        {
            var packet = Mutate(corpus[random.Next(corpus.Length)], random);
            if (!DhcpCodec.TryRead(packet, out var reply, out var error))
            {
                Assert.NotEqual(DhcpError.None, error);
                Assert.Null(reply);
                continue;
            }
            accepted++;
            Assert.InRange(reply.DnsServers.Count, 0, DhcpCodec.MaximumDnsServers);
            Assert.All(reply.DnsServers, server => Assert.True(DhcpCodec.IsHost(server)));
            Assert.Equal(6, reply.HardwareAddress.Length);
            Assert.DoesNotContain(reply.Message ?? "", char.IsControl);
            Assert.True(DhcpCodec.TryReadTransaction(packet, out var transaction) && transaction == reply.TransactionId);
        }
        // Both ways out are taken, or the mutations test nothing.
        Assert.InRange(accepted, 1_000, 99_000);
    }

    private static byte[] Mutate(byte[] from, Random random)
    {
        var packet = from.ToList();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            // Mostly behind the header, where the structure is.
            var at = random.Next(4) == 0 ? random.Next(packet.Count) : random.Next(Math.Min(236, packet.Count - 1), packet.Count);
            switch (random.Next(5))
            {
                case 0: packet[at] = (byte)random.Next(256); break;
                case 1: packet[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: packet.Insert(at, (byte)random.Next(256)); break;
                case 3: packet.RemoveAt(at); break;
                default: packet.RemoveRange(at, random.Next(packet.Count - at)); break;
            }
            if (packet.Count == 0) break;
        }
        return [.. packet];
    }

    private static DhcpError Refused(byte[] packet)
    {
        Assert.False(DhcpCodec.TryRead(packet, out var reply, out var error));
        Assert.Null(reply);
        return error;
    }
}
