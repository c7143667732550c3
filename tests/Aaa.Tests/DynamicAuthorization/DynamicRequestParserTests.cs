using System.Net;
using System.Text;
using Headend.Aaa.DynamicAuthorization;
using static Headend.Aaa.Tests.DynamicAuthorization.DynamicWire;

namespace Headend.Aaa.Tests.DynamicAuthorization;

public sealed class DynamicRequestParserTests
{
    private static readonly SessionKeyRecord Session = new()
    {
        AuditSessionId = "C0000201000000AA66AB0000",
        AcctSessionId = "66AB0000000000AA",
        UserName = "alice",
        CallingStation = IPAddress.Parse("203.0.113.7"),
        CallingStationAtLogin = IPAddress.Parse("203.0.113.6"),
        CalledStation = IPAddress.Parse("192.0.2.1"),
        FramedIpAddress = IPAddress.Parse("10.99.0.7"),
        FramedIpv6Address = IPAddress.Parse("2001:db8:99::7"),
        FramedIpv6Prefix = IPNetwork.Parse("2001:db8:99::/64"),
        NasPort = 7,
        NasPortId = "Virtual-Access7",
        ChargeableUserIdentity = "cui"u8.ToArray(),
    };

    /// <summary>Each key by itself: what matches, and what does not.</summary>
    public static TheoryData<byte[], byte[]> Keys => new()
    {
        { Wire.CiscoPair("audit-session-id=C0000201000000AA66AB0000"), Wire.CiscoPair("audit-session-id=C0000201000000AA66AB0001") },
        { Wire.Text(44, "66AB0000000000AA"), Wire.Text(44, "66AB0000000000AB") },
        { Wire.Text(1, "ALICE"), Wire.Text(1, "alice2") },
        { Wire.Text(31, "203.0.113.7"), Wire.Text(31, "203.0.113.8") },
        { Wire.Text(31, "203.0.113.6"), Wire.Text(31, "somebody") },
        { Wire.Attribute(8, 10, 99, 0, 7), Wire.Attribute(8, 10, 99, 0, 8) },
        { Wire.Attribute(168, IPAddress.Parse("2001:db8:99::7").GetAddressBytes()), Wire.Attribute(168, IPAddress.Parse("2001:db8:99::8").GetAddressBytes()) },
        { Prefix("2001:db8:99::", 64), Prefix("2001:db8:99::", 56) },
        { Prefix("2001:db8:99::7", 128), Prefix("2001:db8:99::8", 128) },
        { UInt32(5, 7), UInt32(5, 8) },
        { Wire.Text(87, "Virtual-Access7"), Wire.Text(87, "Virtual-Access70") },
        { Wire.Text(89, "cui"), Wire.Text(89, "cu") },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void Each_key_names_the_session_and_all_must_match(byte[] matching, byte[] other)
    {
        Assert.True(Parse(Disconnect, matching).Keys.Matches(Session));
        Assert.False(Parse(Disconnect, other).Keys.Matches(Session));
        Assert.False(Parse(Disconnect, other, UInt32(61, 5), Wire.Text(30, "192.0.2.1")).Keys.Matches(Session));
        Assert.True(Parse(Disconnect, matching, UInt32(61, 5), Wire.Text(30, "192.0.2.1")).Keys.Matches(Session));
        // Another key that does not fit undoes the one that does.
        Assert.False(Parse(Disconnect, matching, UInt32(61, 15)).Keys.Matches(Session));
    }

    [Fact]
    public void Keys_that_the_session_lacks_do_not_match()
    {
        var bare = Session with { FramedIpAddress = null, FramedIpv6Address = null, FramedIpv6Prefix = null, ChargeableUserIdentity = default };
        Assert.False(Parse(Disconnect, Wire.Attribute(8, 0, 0, 0, 0)).Keys.Matches(bare));
        Assert.False(Parse(Disconnect, Wire.Text(89, "cui")).Keys.Matches(bare));
        Assert.False(Parse(Disconnect, Wire.Text(50, "x")).Keys.Matches(bare));
    }

    /// <summary>RFC 5176 3.5 and spec/aaa.md: what is wrong with a request, and the Error-Cause it gets.</summary>
    public static TheoryData<string, byte, uint, byte[][]> Refused => new()
    {
        { "no key", Disconnect, 402, [] },
        { "only the NAS", Disconnect, 402, [Wire.Text(32, "gw1"), Wire.Attribute(4, 192, 0, 2, 1)] },
        { "nothing to change", Coa, 402, [AcctSessionId] },
        { "Session-Timeout in a Disconnect-Request", Disconnect, 401, [AcctSessionId, UInt32(27, 60)] },
        { "Class in a Disconnect-Request", Disconnect, 401, [AcctSessionId, Wire.Text(25, "x")] },
        { "Service-Type in a Disconnect-Request", Disconnect, 401, [AcctSessionId, UInt32(6, 17)] },
        { "Framed-Route", Coa, 401, [AcctSessionId, Wire.Text(22, "10.0.0.0/8")] },
        { "User-Password", Coa, 401, [AcctSessionId, Wire.Attribute(2, new byte[16])] },
        { "EAP-Message", Coa, 401, [AcctSessionId, Wire.Attribute(79, 1, 0, 0, 4)] },
        { "an attribute of another vendor", Coa, 401, [AcctSessionId, UInt32(27, 60), Wire.Vendor(311, 28, [1, 2, 3, 4])] },
        { "a vendor with a format of its own", Coa, 401, [AcctSessionId, Wire.Attribute(26, 0, 0, 1, 173, 0, 0, 0)] },
        { "an unknown mandatory pair", Coa, 401, [AcctSessionId, Wire.CiscoPair("ip:vrf-id=red")] },
        { "a pair without =", Coa, 407, [AcctSessionId, Wire.CiscoPair("interface-config")] },
        { "Session-Timeout of two octets", Coa, 407, [AcctSessionId, Wire.Attribute(27, 0, 60)] },
        { "NAS-Port of two octets", Disconnect, 407, [Wire.Attribute(5, 0, 60)] },
        { "User-Name that is no text", Disconnect, 407, [Wire.Attribute(1, 0xFF, 0xFE)] },
        { "an empty Acct-Session-Id", Disconnect, 407, [Wire.Attribute(44)] },
        { "User-Name twice", Disconnect, 404, [Wire.Text(1, "alice"), Wire.Text(1, "bob")] },
        { "audit-session-id twice", Disconnect, 404, [Wire.CiscoPair("audit-session-id=1"), Wire.CiscoPair("audit-session-id=2")] },
        { "a malformed Cisco attribute", Coa, 404, [AcctSessionId, Wire.Attribute(26, 0, 0, 0, 9, 1, 200, 65)] },
        { "Service-Type Login", Coa, 405, [AcctSessionId, UInt32(6, 1)] },
        { "Authorize Only without State", Coa, 402, [AcctSessionId, UInt32(6, 17)] },
        { "changes beside Authorize Only", Coa, 401, [AcctSessionId, UInt32(6, 17), Wire.Attribute(24, 1), UInt32(27, 60)] },
        { "an unknown command", Coa, 406, [AcctSessionId, Wire.CiscoPair("subscriber:command=account-logon")] },
        { "changes beside a command", Coa, 401, [AcctSessionId, Wire.CiscoPair("subscriber:command=reauthenticate"), UInt32(27, 60)] },
        { "a command in a Disconnect-Request", Disconnect, 401, [AcctSessionId, Wire.CiscoPair("subscriber:command=reauthenticate")] },
        { "an unknown reauthenticate-type", Coa, 407, [AcctSessionId, Wire.CiscoPair("subscriber:command=reauthenticate"), Wire.CiscoPair("subscriber:reauthenticate-type=never")] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_cannot_be_performed_names_its_cause(string what, byte code, uint cause, byte[][] attributes)
    {
        Assert.False(DynamicRequestParser.TryParse(Wire.Parse(Request(code, 1, attributes)), out _, out var failure), what);
        Assert.Equal(cause, failure.Cause.Value);
        Assert.NotEmpty(failure.Detail);
    }

    [Fact]
    public void Every_change_attribute_is_read_by_the_reader_of_profiles()
    {
        var content = Parse(
            Coa, AcctSessionId, UInt32(27, 600), UInt32(28, 60), UInt32(85, 300), Wire.Text(25, "one"), Wire.Text(25, "two"),
            Wire.CiscoPair("ip:interface-config=ip mtu 1300"), Wire.CiscoPair("ip:interface-config=ip tcp adjust-mss 1200"), Wire.CiscoPair("ip:unknown*optional"));
        var change = content.Change;
        Assert.Equal(
            SessionChangeKinds.SessionTimeout | SessionChangeKinds.IdleTimeout | SessionChangeKinds.InterimInterval | SessionChangeKinds.Class | SessionChangeKinds.InterfaceConfig, change.Kinds);
        Assert.Equal(TimeSpan.FromSeconds(600), change.Values.SessionTimeout);
        Assert.Equal(TimeSpan.FromSeconds(60), change.Values.IdleTimeout);
        Assert.Equal(TimeSpan.FromSeconds(300), change.Values.InterimInterval);
        Assert.Equal(["one", "two"], change.Values.Classes.Select(c => Encoding.ASCII.GetString(c.Span)));
        Assert.Equal(["ip mtu 1300", "ip tcp adjust-mss 1200"], change.Values.InterfaceCommands.AsEnumerable());
        // A key is no change, though the reader of profiles would take it for one.
        Assert.Null(change.Values.UserName);
    }

    [Fact]
    public void Zero_takes_a_limit_away()
    {
        var change = Parse(Coa, AcctSessionId, UInt32(27, 0)).Change;
        Assert.True(change.Has(SessionChangeKinds.SessionTimeout));
        Assert.Null(change.Values.SessionTimeout);
    }

    [Theory]
    [InlineData("ip:inacl#1=permit ip any any", SessionChangeKinds.AccessList)]
    [InlineData("ip:outacl=lan-only", SessionChangeKinds.AccessList)]
    [InlineData("ip:sub-qos-policy-in=gold", SessionChangeKinds.ServicePolicyIn)]
    [InlineData("ip:sub-policy-Out=gold", SessionChangeKinds.ServicePolicyOut)]
    [InlineData("ip:sub-qos-policy-out=gold", SessionChangeKinds.ServicePolicyOut)]
    public void Pairs_of_access_lists_and_policies_are_known_as_such(string pair, SessionChangeKinds kind)
    {
        var change = Parse(Coa, AcctSessionId, Wire.CiscoPair(pair)).Change;
        Assert.Equal(kind, change.Kinds);
        Assert.StartsWith(pair[..8], change.Names[kind], StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Rates_and_filters_are_known_as_such()
    {
        var content = Parse(Coa, AcctSessionId, Wire.Text(11, "lan-only.in"), Wire.Vendor(14122, 8, [0, 15, 0x42, 0x40]), Wire.Vendor(14988, 8, "1M/2M"u8.ToArray()));
        Assert.Equal(SessionChangeKinds.AccessList | SessionChangeKinds.RateUp | SessionChangeKinds.RateDown, content.Change.Kinds);
        Assert.Equal("Filter-Id", content.Change.Names[SessionChangeKinds.AccessList]);
    }

    [Theory]
    [InlineData("reauthenticate", SubscriberCommand.Reauthenticate)]
    [InlineData("disable-host-port", SubscriberCommand.DisableHostPort)]
    [InlineData("bounce-host-port", SubscriberCommand.BounceHostPort)]
    public void Subscriber_commands_are_read(string word, SubscriberCommand command)
        => Assert.Equal(command, Parse(Coa, AcctSessionId, Wire.CiscoPair($"subscriber:command={word}"), Wire.CiscoPair("subscriber:reauthenticate-type=last")).Command);

    [Fact]
    public void Authorize_only_keeps_its_state()
    {
        var content = Parse(Coa, AcctSessionId, UInt32(6, 17), Wire.Attribute(24, 1, 2, 3));
        Assert.True(content.AuthorizeOnly);
        Assert.Equal([1, 2, 3], content.State.ToArray());
    }

    [Fact]
    public void What_an_ise_sends_is_understood()
    {
        // The attributes of a Cisco ISE session trace: NAS address, Calling-Station-Id, Event-Timestamp, pairs, Acct-Terminate-Cause in the Disconnect-Request.
        var content = Parse(
            Coa, Wire.Attribute(4, 192, 0, 2, 1), Wire.Text(31, "203.0.113.7"), UInt32(55, 1_767_225_600), Wire.CiscoPair("subscriber:command=reauthenticate"),
            Wire.CiscoPair("audit-session-id=C0000201000000AA66AB0000"), Wire.CiscoPair("subscriber:reauthenticate-type=rerun"));
        Assert.True(content.Keys.Matches(Session));
        Assert.True(Parse(Disconnect, Wire.Text(31, "203.0.113.7"), UInt32(49, 6), Wire.Text(18, "good bye")).Keys.Matches(Session));
    }

    [Fact]
    public void An_accept_changes_what_can_be_changed_and_nothing_else()
    {
        var accept = Wire.Parse(Wire.Packet(2, 1, new byte[16], Wire.Text(1, "bob"), Wire.Attribute(8, 10, 0, 0, 9), UInt32(27, 60), Wire.Text(88, "p9"), Wire.CiscoPair("ip:interface-config=ip mtu 1300")));
        Assert.True(DynamicRequestParser.TryParseAccept(accept, out var change, out _));
        Assert.Equal(SessionChangeKinds.SessionTimeout | SessionChangeKinds.InterfaceConfig, change.Kinds);
        Assert.Null(change.Values.UserName);
        Assert.Null(change.Values.Ipv4Pool);
    }

    private static byte[] Prefix(string address, byte length) => Wire.Attribute(97, [0, length, .. IPAddress.Parse(address).GetAddressBytes()]);

    private static DynamicRequestContent Parse(byte code, params byte[][] attributes)
    {
        Assert.True(DynamicRequestParser.TryParse(Wire.Parse(Request(code, 1, attributes)), out var content, out var failure), failure?.Detail);
        return content;
    }
}
