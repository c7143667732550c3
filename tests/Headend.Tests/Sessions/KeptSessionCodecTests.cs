using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using System.Reflection;
using System.Text;
using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Sessions;
using Headend.VirtualAccess.Configuration;

namespace Headend.Tests.Sessions;

/// <summary>What a session is made of again after a restart is what it was.</summary>
public sealed class KeptSessionCodecTests
{
    private static readonly IPAddress Four = IPAddress.Parse("10.99.0.7");
    private static readonly IPAddress Six = IPAddress.Parse("2001:db8:99::7");
    private static readonly IPNetwork Net = IPNetwork.Parse("10.20.0.0/16");
    private static readonly IPNetwork Net6 = IPNetwork.Parse("2001:db8:1::/48");
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Fact]
    public void Everything_survives()
    {
        var session = Sample();
        var octets = Encode(session);
        Assert.True(KeptSessionCodec.TryDecode(octets, out var read));
        Assert.Equal(Encoding.UTF8.GetString(octets), Encoding.UTF8.GetString(Encode(read)));
        AssertSame(session, read, nameof(KeptSession));
        AssertSame(session.Login, read.Login, nameof(KeptLogin));
        AssertSame(session.Grant, read.Grant, nameof(SessionGrant));
        AssertSame(session.Addresses, read.Addresses, nameof(AssignedAddresses));
        AssertSame(session.Authorization, read.Authorization, nameof(SessionProfile));
        AssertSame(session.Sources[0].Profile, read.Sources[0].Profile, nameof(AuthorizationSource));
        Assert.Equal(session.Sources[0].Origin, read.Sources[0].Origin);
    }

    [Fact]
    public void Empty_lists_and_what_is_computed_take_no_room()
    {
        var session = Sample() with { Authorization = SessionProfile.Empty, Filters = null, Sources = [], Leases = [], Tickets = [] };
        var text = Encoding.UTF8.GetString(Encode(session));
        Assert.Contains("\"Authorization\":{\"Ipv4Choice\":0,\"ChargeableUserIdentity\":\"\"}", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Tickets", text, StringComparison.Ordinal);
        Assert.Contains("\"Leases\":[]", text, StringComparison.Ordinal);
        Assert.True(KeptSessionCodec.TryDecode(Encode(session), out var read));
        AssertSame(session, read, nameof(KeptSession));
        AssertSame(session.Authorization, read.Authorization, nameof(SessionProfile));
        Assert.Empty(read.Sources);
        Assert.Empty(read.Tickets);
    }

    /// <summary>A record that cannot be taken up would stop every start.</summary>
    [Fact]
    public void A_session_without_tokens_or_without_addresses_survives()
    {
        var session = Sample() with { Reconnect = new KeptReconnect("AB", 2, []), Addresses = new AssignedAddresses(null, null, null, 0) };
        Assert.True(KeptSessionCodec.TryDecode(Encode(session), out var read));
        Assert.Empty(read.Reconnect!.Tokens);
        Assert.Equal((null, null), (read.Addresses.IPv4, read.Addresses.IPv6));
        var text = Encoding.UTF8.GetString(Encode(session));
        var bare = text.Replace(",\"Tokens\":[]", "", StringComparison.Ordinal);
        Assert.NotEqual(text, bare);
        Assert.True(KeptSessionCodec.TryDecode(Encoding.UTF8.GetBytes(bare), out read));
        Assert.Empty(read.Reconnect!.Tokens);
    }

    /// <summary>A property that is added later has no value in records of before.</summary>
    [Fact]
    public void What_a_record_does_not_say_is_what_a_new_session_has()
    {
        var octets = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Encode(Sample() with { Authorization = SessionProfile.Empty })));
        var text = Encoding.UTF8.GetString(octets);
        var begin = text.IndexOf("\"Authorization\":{", StringComparison.Ordinal);
        var bare = string.Concat(text.AsSpan(0, begin), "\"Authorization\":{}", text.AsSpan(text.IndexOf('}', begin) + 1));
        Assert.True(KeptSessionCodec.TryDecode(Encoding.UTF8.GetBytes(bare), out var read));
        AssertSame(SessionProfile.Empty, read.Authorization, nameof(SessionProfile));
    }

    [Fact]
    public void Other_versions_and_damage_are_refused_and_nothing_is_thrown()
    {
        var octets = Encode(Sample());
        Assert.False(KeptSessionCodec.TryDecode([2, .. octets[1..]], out _));
        Assert.False(KeptSessionCodec.TryDecode([], out _));
        for (var length = 1; length < octets.Length; length += 7)
            Assert.False(KeptSessionCodec.TryDecode(octets.AsSpan(0, length), out _));
        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            byte[] changed = [.. octets];
            changed[1 + random.Next(changed.Length - 1)] = (byte)random.Next(256);
            KeptSessionCodec.TryDecode(changed, out _);
        }
    }

    /// <summary>The store's thread makes them, which a name that no UTF-8 can say must not end.</summary>
    [Theory]
    [InlineData("\ud800")]
    [InlineData("a\udc00b")]
    [InlineData("\0\u001b\uffff\u202e")]
    public void No_name_stops_the_encoder(string name)
    {
        var session = Sample();
        var octets = Encode(session with { Login = session.Login with { User = name, EapIdentity = name, ClientSoftware = name } });
        Assert.True(KeptSessionCodec.TryDecode(octets, out var read));
        Assert.Equal(name.Replace('\ud800', '\ufffd').Replace('\udc00', '\ufffd'), read.Login.User);
    }

    /// <summary>The store lets a record that throws one of these fail alone; anything else would end its thread.</summary>
    [Fact]
    public void A_session_that_cannot_be_encoded_throws_what_the_store_expects()
    {
        foreach (var session in new[] { Sample() with { Sources = default }, Sample() with { Leases = default }, Sample() with { Reconnect = new KeptReconnect("AB", 2, default) }, Sample() with { Names = null! } })
        {
            var fault = Record.Exception(() => Encode(session));
            Assert.True(fault is null or System.Text.Json.JsonException or NotSupportedException or InvalidOperationException or ArgumentException or NullReferenceException, $"{fault}");
        }
    }

    private static byte[] Encode(KeptSession session)
    {
        var output = new ArrayBufferWriter<byte>();
        KeptSessionCodec.Encode(session, output);
        return output.WrittenSpan.ToArray();
    }

    [Fact]
    public void Tokens_are_not_shown()
    {
        Assert.DoesNotContain("token-of-alice", $"{Sample()} {Sample().Reconnect} {Sample().Reconnect!.Tokens[0]}", StringComparison.Ordinal);
    }

    private static void AssertSame(object expected, object actual, string what)
    {
        foreach (var property in expected.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
        {
            var (one, other) = (property.GetValue(expected), property.GetValue(actual));
            Assert.True(Shown(one) == Shown(other), $"{what}.{property.Name}: {Shown(one)} became {Shown(other)}");
        }
    }

    private static string Shown(object? value) => value switch
    {
        null => "null",
        string text => text,
        ReadOnlyMemory<byte> octets => Convert.ToHexString(octets.Span),
        System.Collections.IEnumerable many => $"[{string.Join(", ", many.Cast<object?>().Select(Shown))}]",
        KeyValuePair<ushort, ReadOnlyMemory<byte>> pair => $"{pair.Key}={Convert.ToHexString(pair.Value.Span)}",
        AuthorizationSource source => source.Origin.ToString(),
        // Compared by their own properties.
        KeptLogin or SessionGrant or AssignedAddresses or SessionProfile => value.GetType().Name,
        KeptReconnect reconnect => $"{reconnect.Hash} {reconnect.Last} {string.Join(' ', reconnect.Tokens.Select(t => $"{t.Number}={Encoding.ASCII.GetString(t.Value)}"))}",
        _ => value.ToString()!,
    };

    private static KeptSession Sample() => new()
    {
        Names = new SessionNames(7, "0A0000010000000170000000", "7000000000000001"),
        Aliases = [new SessionNames(8, "0A0000010000000270000001", "7000000000000002")],
        Profile = "remote",
        IdentityType = 11,
        Identity = [0, 1, 255],
        Login = new KeptLogin
        {
            User = "alice",
            EapIdentity = "anonymous",
            Method = "AnyConnect-EAP",
            RemoteMethod = RemoteMethod.AnyConnectEap,
            LocalMethod = "RSA",
            LocalIdentity = "gw.example",
            ProfileMatch = "any",
            KeyEntry = "kr1",
            IsLocal = true,
            ClientSoftware = "a client",
            NatDetected = true,
            IsAnyConnect = true,
            TunnelGroup = "staff",
            CertificatePair = new("subject", "x"),
            CertificateSubject = "CN=laptop, O=Example",
            Device = [new("device-type", "\"x\"")],
        },
        Local = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4500),
        Remote = new IPEndPoint(Six, 40000),
        NonEspMarker = true,
        AddressAtLogin = Six,
        Sources = [new AuthorizationSource(new AuthorizationOrigin(AuthorizationKind.ChangeOfAuthorization, "dac") { Server = "radius1", List = "author" }, Profile())],
        Authorization = Profile(),
        Filters = SessionProfile.Empty,
        AuthorizedBy = "corp",
        Addresses = new AssignedAddresses(Four, IPAddress.Broadcast, Six, 64) { DnsServers = [Four], DefaultDomain = "corp.example", Prefixes = [Net6] },
        FramedPrefix = Net6,
        DelegatedPrefix = Net6,
        Leases = [Net, Net6],
        NatAddresses = ImmutableDictionary<string, IPAddress>.Empty.Add("pool", Four),
        Subnets = [Net],
        Encapsulation = TunnelEncapsulation.Gre,
        Grant = new SessionGrant
        {
            DnsServers = [Four, Six],
            Subnets = [Net, Net6],
            DefaultDomain = "corp.example",
            CiscoAttributes = [new(28672, "banner"u8.ToArray())],
            SplitDomains = ["a.example"],
            NbnsServers = [Four],
            RemoteNetworks = [Net],
            AcceptRemoteNetworks = true,
            OwnNetworks = [Net6],
            Encapsulation = EncapsulationRule.Gre,
            SessionTimeout = TimeSpan.FromHours(8),
            ReauthenticateAtTimeout = true,
            IdleTimeout = TimeSpan.FromMinutes(20),
            FlowLimit = 3,
        },
        UpAt = At,
        AsOf = At,
        SilentSince = At,
        ExpiresAt = At,
        IdleAt = At,
        KeptFor = TimeSpan.FromMinutes(30),
        AccountingList = "acct",
        InterimInterval = TimeSpan.FromMinutes(5),
        Tickets = ["CD", "EF"],
        Reconnect = new KeptReconnect("AB", 2, [new KeptToken(1, "token-of-alice"u8.ToArray()), new KeptToken(2, "token2"u8.ToArray())]),
    };

    private static SessionProfile Profile()
    {
        var profile = new SessionProfile
        {
            UserName = "alice",
            Ipv4Choice = AddressChoice.Fixed,
            Ipv4Address = Four,
            Ipv4Netmask = IPAddress.Broadcast,
            Ipv4Pool = "p4",
            DhcpServers = [Four],
            DhcpGiaddr = Four,
            DhcpTimeout = TimeSpan.FromSeconds(3),
            Ipv6Address = Six,
            Ipv6Prefix = Net6,
            Ipv6PrefixLength = 64,
            Ipv6Pool = "p6",
            DnsServers = [Four, Six],
            NbnsServers = [Four],
            DefaultDomain = "corp.example",
            SplitDns = ["a.example"],
            Routes = [Net],
            RouteInterfaces = ["lan0", ""],
            RouteAccessLists = [new AccessListReference("list", true)],
            PeerRoutes = [new PeerRoute(Net, Four, 5, 7), new PeerRoute(Net6)],
            DelegatedIpv6Prefix = Net6,
            DelegatedIpv6PrefixPool = "pd",
            RouteAcceptance = new RouteAcceptance(1, 2),
            Banner = "Welcome\n\u00e9",
            BackupGateways = ["b.example"],
            Pfs = true,
            IncludeLocalLan = true,
            SmartcardRemovalDisconnect = false,
            ConfigurationUrl = "https://x",
            ConfigurationVersion = 3,
            SessionTimeout = TimeSpan.FromHours(8),
            IdleTimeout = TimeSpan.FromMinutes(20),
            TerminationAction = TerminationAction.RadiusRequest,
            InterimInterval = TimeSpan.FromMinutes(5),
            FlowLimit = 2,
            PortLimit = 1,
            GroupLock = "staff",
            Classes = [new byte[] { 0, 1, 254 }, new byte[] { 5 }],
            ChargeableUserIdentity = new byte[] { 9, 8 },
            InterfaceCommands = ["ip mtu 1300"],
            InboundAccessList = "in",
            OutboundAccessList = "out",
            InboundEntries = ["permit ip any any"],
            OutboundEntries = ["deny ip any any"],
            FilterRules = ["permit in ip from any to any"],
            DownloadableAccessList = "#ACSACL#-x",
            DownloadedEntries = ["permit udp any any"],
            ServicePolicyIn = "gold-in",
            ServicePolicyOut = "gold-out",
            RateUp = new RateLimit(1000, 2000, 1500, 4),
            RateDown = new RateLimit(3000),
        };
        // Whoever adds a property adds it here, or it would be lost at the next restart without anybody noticing.
        foreach (var property in typeof(SessionProfile).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
            Assert.True(Shown(property.GetValue(profile)) != Shown(property.GetValue(SessionProfile.Empty)), $"{property.Name} has no value in this test");
        return profile;
    }
}
