using Headend.Admin;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Admin;

/// <summary>A running admin API at a socket of its own, over records that the test gives.</summary>
internal sealed class SocketBackend : IAdminBackend, IAsyncDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("headend-admin").FullName;
    private AdminServer? server;

    public string Path => System.IO.Path.Combine(directory, "sub", "admin.sock");

    public List<SessionRecord> Sessions { get; } = [];

    public List<ClearSessionsRecord> Clears { get; } = [];

    public static SessionRecord Session(string id, string user) => new()
    {
        Id = id,
        Profile = "remote-workers",
        Status = SessionStatus.UpActive,
        User = user,
        RemoteAddress = "2001:db8::7",
        RemotePort = 4500,
        LocalAddress = "192.0.2.1",
        LocalPort = 4500,
        Interface = "Virtual-Access7",
        Device = "vi7",
        AssignedAddresses = ["10.99.0.7"],
        UptimeSeconds = 90061,
        InOctets = ulong.MaxValue,
        OutOctets = 1,
        InPackets = 2,
        OutPackets = 3,
        IkeSa = new IkeSaRecord { LocalSpi = "0011223344556677", RemoteSpi = "8899aabbccddeeff", Nat = "remote", Encryption = "AES_GCM_16_256" },
        ChildSas = [new ChildSaRecord { InSpi = "c0000001", OutSpi = "c0000002", Transform = "AES_GCM_16_256", Mode = "tunnel", LocalSelectors = ["10.10.0.0/24"] }],
    };

    public static PolicyMapRecord Policy() => new()
    {
        Interface = "Virtual-Access7",
        Direction = "output",
        Policy = "outer",
        Classes =
        [
            new PolicyClassRecord
            {
                Policy = "outer", Class = "default", Depth = 1, Match = ["any"], MatchAll = false, Packets = 12, Octets = 3456, DroppedPackets = 0, QueuedPackets = 0, RateBps = 8000,
                LimitBps = 8_000_000, ShapeBps = 8_000_000, ServicePolicy = "inner",
            },
            new PolicyClassRecord
            {
                Policy = "inner", Class = "voice", Depth = 2, Match = ["dscp ef"], MatchAll = true, Packets = 2, Octets = 300, DroppedPackets = 1, QueuedPackets = 3, RateBps = 0,
                LimitBps = 1_000_000, PoliceBps = 1_000_000, PoliceBurstOctets = 31_250, Priority = true, PriorityBps = 2_000_000, BandwidthPercent = 20,
            },
        ],
    };

    public async Task<SocketBackend> StartAsync()
    {
        server = await AdminServer.StartAsync(Path, this, NullLoggerFactory.Instance, CancellationToken.None);
        return this;
    }

    public ValueTask<IReadOnlyList<SessionRecord>> GetSessionsAsync(CancellationToken cancellation) => new(Sessions);

    /// <summary>The user of AnyConnect-EAP whose IKE SA stands; null for a client without EAP.</summary>
    public string? AnyConnectUser { get; set; }

    public ValueTask<IReadOnlyList<IkeSaDetailRecord>> GetIkeSasAsync(CancellationToken cancellation) => new([new IkeSaDetailRecord
    {
        State = "ESTABLISHED",
        RemoteIdentity = "*$AnyConnectClient$*",
        EapIdentity = AnyConnectUser,
        User = AnyConnectUser,
        RemoteAddress = "192.0.2.9",
        RemotePort = 500,
        LocalAddress = "192.0.2.1",
        LocalPort = 500,
        AgeSeconds = 5,
        RekeyInSeconds = 100,
        IkeSa = new IkeSaRecord { LocalSpi = "1", RemoteSpi = "2", Nat = "none", Encryption = "AES_CBC_256", Integrity = "HMAC_SHA2_256_128" },
    }]);

    public ValueTask<IReadOnlyList<AaaServerRecord>> GetAaaServersAsync(CancellationToken cancellation) =>
        new([new AaaServerRecord { Name = "radius1", Address = "198.51.100.2", AuthPort = 1812, AcctPort = 1813, State = "dead", DeadForSeconds = 61, Timeouts = 4 }]);

    public List<AaaUserRecord> AaaUsers { get; } = [];

    public ValueTask<IReadOnlyList<AaaUserRecord>> GetAaaUsersAsync(string? user, CancellationToken cancellation) => new([.. AaaUsers.Where(u => user is null || u.User == user)]);

    public ValueTask<AccountingSpoolRecord> GetAccountingAsync(CancellationToken cancellation) => new(new AccountingSpoolRecord
    {
        File = "/var/lib/headend/headend.db",
        State = "failed",
        Failure = "database or disk is full",
        Waiting = 7,
        WaitingOctets = 3500,
        Unsaved = 2,
        MaximumRecords = 100_000,
        MaximumOctets = 256_000_000,
        Lists = [new AccountingListRecord { Name = "acct-list", State = "silent", SilentForSeconds = 61, Waiting = 5 }],
    });

    public ValueTask<IReadOnlyList<AddressPoolRecord>> GetPoolsAsync(CancellationToken cancellation) =>
        new([
            new AddressPoolRecord
            {
                Name = "p4",
                First = "10.99.0.1",
                Last = "10.98.0.9",
                Ranges = [new("10.99.0.1", "10.99.255.254"), new("10.98.0.1", "10.98.0.9")],
                Size = "65543",
                Free = "65536",
                InUse = 3,
                HeldDown = 4,
                HighWater = 9,
                Exhausted = 77,
            },
        ]);

    public ValueTask<IReadOnlyList<AccessListRecord>> GetAccessListsAsync(CancellationToken cancellation) => new(
        AccessListRecordCompiler.Compile(new FilterStatistics(
            [
                new AccessListCounters(List("lan-only", false, "permit ip any host 10.10.0.2", "20 deny tcp any any log"), null, new Dictionary<int, long> { [10] = 1, [20] = 5, [0] = 2 }, 1),
                new AccessListCounters(List("Virtual-Access1#2601", true, "permit 1.1.1.1"), "vi1", new Dictionary<int, long>(), 2),
            ],
            [new InterfaceFilterCounters("vi1", new InterfaceFilter([List("Virtual-Access1#2601", true, "permit 1.1.1.1")], [List("lan-only", false)]), 7, 3, 8, 2)])));

    private static AccessList List(string name, bool isOfSession, params string[] lines)
    {
        Assert.True(AccessListParser.TryParse(name, lines, out var list, out var error), error);
        return list with { IsOfSession = isOfSession };
    }

    public ValueTask<ClearedSessionsRecord> ClearSessionsAsync(ClearSessionsRecord which, CancellationToken cancellation)
    {
        Clears.Add(which);
        return new(new ClearedSessionsRecord(Sessions.RemoveAll(s => which.All || s.Id == which.Id || s.User == which.User || s.RemoteAddress == which.Remote), NotRevoked));
    }

    public int NotRevoked { get; init; }

    public List<LockoutRecord> Lockouts { get; } = [];

    public ValueTask<IReadOnlyList<LockoutRecord>> GetLockoutsAsync(CancellationToken cancellation) => new(Lockouts);

    public ValueTask<bool> ClearLockoutAsync(string user, CancellationToken cancellation) => new(Lockouts.RemoveAll(l => l.User == user) > 0);

    public ValueTask<InterfaceRecord?> GetInterfaceAsync(int number, CancellationToken cancellation) => new(number == 7 ? Interface : null);

    public ValueTask<IReadOnlyList<VirtualTemplateRecord>> GetTemplatesAsync(CancellationToken cancellation) =>
        new([
            new VirtualTemplateRecord { Number = 1, Mode = "auto", ActiveInterfaces = 2, IsLocked = true, InterfacesBeforeChange = 1 },
            new VirtualTemplateRecord { Number = 200, Mode = "configured", ActiveInterfaces = 0, IsLocked = false, InterfacesBeforeChange = 0 },
        ]);

    private static InterfaceRecord Interface { get; } = new()
    {
        Number = 7,
        Interface = "Virtual-Access7",
        Device = "vi7",
        VirtualTemplate = 1,
        Description = "a\u001b[2Jb",
        User = "alice",
        Profile = "remote-workers",
        ClientAddresses = ["10.99.0.7"],
        Routes = ["10.30.0.0/16"],
        IpMtu = 1200,
        Ipv6Mtu = 1280,
        TunnelSource = "172.16.1.2",
        TunnelDestination = "172.16.1.1",
        TunnelProtocol = "IPSEC/IP",
        InOctets = 10,
        OutOctets = 20,
        InPackets = 1,
        OutPackets = 2,
        LastInSeconds = 61,
        Sas = [new InterfaceSaRecord("c0000001", "c0000002", 1, 2, 10, 20, IsSending: true)],
        DerivedConfig = [new DerivedCommandRecord("ip mtu 1200", "aaa user alice"), new DerivedCommandRecord("tunnel destination 172.16.1.1", "session")],
    };

    public ValueTask<IReadOnlyList<PolicyMapRecord>> GetPolicyMapsAsync(int number, CancellationToken cancellation) => new(number == 7 ? [Policy()] : []);

    public ValueTask<IkeStatisticsRecord> GetIkeStatisticsAsync(CancellationToken cancellation) => new(new IkeStatisticsRecord
    {
        IkeSas = 7,
        HalfOpen = 2,
        ChildSas = 6,
        ActiveSessions = 5,
        InactiveSessions = 2,
        Shards = 4,
        ShardsDemandingCookies = 1,
        Logins = [new("rejected", "authentication-failed", 3), new("success", null, 20)],
        SessionsEnded = [new("peer-deleted", 13)],
        Exchanges = [new("IKE_AUTH", 90, 0), new("INFORMATIONAL", 4, 11)],
        Rekeys = [new("child", 1, 2)],
        RetransmissionsReceived = 8,
        RetransmissionsSent = 9,
        Discards = [new("cookie-demanded", 50), new("half-open-limit", 0)],
        Reconnects = new ReconnectStatisticsRecord(20, 19, 1, 5, 2),
    });

    public ValueTask<ReconnectStatisticsRecord> GetReconnectsAsync(CancellationToken cancellation) => ValueTask.FromResult(new ReconnectStatisticsRecord(20, 20, 0, 5, 2));

    public ValueTask<HealthRecord> GetHealthAsync(CancellationToken cancellation) => new(new HealthRecord("ok", "0", 1, Sessions.Count));

    public async ValueTask StopAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        server = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(directory, recursive: true);
    }
}
