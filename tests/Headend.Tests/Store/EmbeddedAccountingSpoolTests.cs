using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Store;
using Headend.Tests.Pki;

namespace Headend.Tests.Store;

/// <summary>The accounting client on the real store: round trip, and crashes at any moment.</summary>
public sealed class EmbeddedAccountingSpoolTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Everything_comes_back_as_it_was_written()
    {
        var records = new SpooledRecord[]
        {
            new(7, "acct", "s\u00e9ance", AcctStatusType.Start, Now, new byte[] { 0, 1, 255 }),
            new(9, "other", "", AcctStatusType.InterimUpdate, Now.AddMilliseconds(1), ReadOnlyMemory<byte>.Empty),
        };
        var open = new OpenSessionRecord("s1", "acct", Now, Now.AddSeconds(9), TimeSpan.FromMilliseconds(9001), new TrafficCounters(ulong.MaxValue, 1, 2, 3), new byte[] { 42 });
        using (var store = EmbeddedStore.Open(File(0), Now))
        {
            var spool = new EmbeddedAccountingSpool(store);
            Assert.True(spool.TryCommit(new SpoolBatch([records[0]], [], [open with { Counters = default }], [], null), out _));
            Assert.Null(spool.Load().AliveAt);
            // A batch that comes again with what was added to it.
            Assert.True(spool.TryCommit(new SpoolBatch([records[0], records[1]], [], [open], ["unknown"], Now), out _));
        }
        using (var store = EmbeddedStore.Open(File(0), Now))
        {
            var content = new EmbeddedAccountingSpool(store).Load();
            Assert.Equal(Now, content.AliveAt);
            Assert.Equal(records.Select(Describe), content.Records.Select(Describe));
            var session = Assert.Single(content.OpenSessions);
            Assert.Equal((open.SessionId, open.List, open.StartedAt, open.SeenAt, open.SessionTime, open.Counters, 42), (session.SessionId, session.List, session.StartedAt, session.SeenAt, session.SessionTime, session.Counters, session.Description.Span[0]));
            Assert.True(new EmbeddedAccountingSpool(store).TryCommit(new SpoolBatch([], [7, 8, 9], [], ["s1"], null), out _));
            content = new EmbeddedAccountingSpool(store).Load();
            Assert.Empty(content.Records);
            Assert.Empty(content.OpenSessions);
        }

        static string Describe(SpooledRecord r) => $"{r.Id} {r.List} {r.SessionId} {r.Status} {r.EventAt:O} {Convert.ToHexString(r.Attributes.Span)}";
    }

    // The files are copied while sessions come and go and the server loses a third: what a kill at that moment leaves. Every copy in turn becomes the headend that
    // starts next. In the end each session that was told of has one Start and one Stop, and its counters never went back.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Crashes_at_any_moment_lose_and_double_nothing(int seed)
    {
        const int Lives = 6;
        var random = new Random(seed);
        var told = new ConcurrentDictionary<string, ConcurrentQueue<(uint Status, ulong Octets, string Content)>>(StringComparer.Ordinal);
        var established = new HashSet<string>(StringComparer.Ordinal);
        for (var life = 0; life < Lives; life++)
        {
            using var server = new CountingServer(random.Next(), told);
            await using var radius = new RadiusClient(new RadiusClientOptions(), TimeProvider.System);
            var group = radius.CreateGroup(new RadiusGroupOptions("acct", [server.Options]));
            using var store = EmbeddedStore.Open(File(life), Now);
            Assert.Null(store.SetAside);
            var epoch = store.UpdateSetting("epoch", last => (last ?? 0) + 1);
            await using var client = new AccountingClient(radius, new EmbeddedAccountingSpool(store), [new AccountingListOptions("acct", [group])], TimeProvider.System);
            client.Announce(AcctStatusType.AccountingOn, $"boot{epoch}", "gw1", null);
            client.Start();
            if (life == Lives - 1)
            {
                for (var i = 0; i < 1200 && client.Waiting > 0; i++) await Task.Delay(100);
                Assert.Equal((0, 0), (client.Waiting, client.GetStatistics().OpenSessions));
                break;
            }
            var durable = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
            var sessions = Enumerable.Range(0, 40).Select(i => RunSession(client, $"{epoch}-{i}", durable, random.Next())).ToList();
            await Task.Delay(random.Next(5, 80));
            // The dead process is not heard from here on, and what it promises from here on counts for nothing.
            server.Deaf = true;
            established.UnionWith(durable.Keys);
            Crash(life);
            await Task.WhenAll(sessions);
        }
        Assert.NotEmpty(established);
        foreach (var session in told)
        {
            Assert.Equal([1u, 2u], session.Value.Select(t => t.Status).Where(s => s != 3).Distinct());
            // Retransmissions of a Start or a Stop are the same record.
            Assert.Single(session.Value.Where(t => t.Status == 1).Select(t => t.Content).Distinct());
            Assert.Single(session.Value.Where(t => t.Status == 2).Select(t => t.Content).Distinct());
            var octets = session.Value.Where(t => t.Status != 1).Select(t => t.Octets).ToList();
            Assert.Equal(octets.Order(), octets);
        }
        Assert.Empty(established.Except(told.Keys));
    }

    private static async Task RunSession(AccountingClient client, string id, ConcurrentDictionary<string, bool> durable, int seed)
    {
        var random = new Random(seed);
        var endpoint = new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500);
        var nas = new NasSessionRecord { UserName = id, AuditSessionId = id, AcctSessionId = id, NasPort = 1, RemoteEndpoint = endpoint, LocalEndpoint = endpoint };
        var session = new AccountingSession(nas, SessionProfile.Empty, [], AcctAuthentic.Radius, Now);
        await Task.Delay(random.Next(20));
        await client.Enqueue("acct", session.Start());
        durable[id] = true;
        var octets = 0ul;
        for (var i = random.Next(4); i > 0; i--)
        {
            octets += (ulong)random.Next(1000);
            client.Checkpoint([(id, TimeSpan.FromSeconds(octets), new TrafficCounters(octets, 0, 0, 0))]);
            await client.Enqueue("acct", session.Interim(Now.AddSeconds(i), TimeSpan.FromSeconds(octets), new TrafficCounters(octets, 0, 0, 0)));
            await Task.Delay(random.Next(10));
        }
        if (random.Next(2) == 0) await client.Enqueue("acct", session.Stop(Now.AddSeconds(60), TimeSpan.FromSeconds(octets), new TrafficCounters(octets, 0, 0, 0), AcctTerminateCause.UserRequest));
    }

    private string File(int life) => Path.Combine(directory.Path, $"life{life}.db");

    // The database before the log, and both of one generation of the log: then the log holds whatever the copy of the database lacks.
    private void Crash(int life)
    {
        var log = File(life) + "-wal";
        while (true)
        {
            var before = Generation(log);
            System.IO.File.Copy(File(life), File(life + 1), overwrite: true);
            System.IO.File.Copy(log, File(life + 1) + "-wal", overwrite: true);
            if (Generation(log) == before) return;
        }
    }

    private static string Generation(string log)
    {
        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var header = new byte[32];
        var length = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        return Convert.ToHexString(header.AsSpan(0, length));
    }

    /// <summary>Takes accounting records on the loopback, loses a third of them and a sixth of its answers.</summary>
    private sealed class CountingServer : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly RadiusSecret secret = RadiusSecret.FromText("a-secret-of-24-octets-xy");
        private readonly Random random;
        private readonly ConcurrentDictionary<string, ConcurrentQueue<(uint Status, ulong Octets, string Content)>> told;

        public CountingServer(int seed, ConcurrentDictionary<string, ConcurrentQueue<(uint Status, ulong Octets, string Content)>> told)
        {
            random = new Random(seed);
            this.told = told;
            socket.ReceiveBufferSize = 4 << 20;
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Options = new RadiusServerOptions("acct", IPAddress.Loopback, secret)
            {
                AcctPort = ((IPEndPoint)socket.LocalEndPoint!).Port,
                Timeout = TimeSpan.FromMilliseconds(200),
                Retransmit = 12,
            };
            new Thread(Serve) { IsBackground = true }.Start();
        }

        public RadiusServerOptions Options { get; }

        /// <summary>Waits for the record that is being noted.</summary>
        public bool Deaf
        {
            get => deaf;
            set
            {
                lock (told) deaf = value;
            }
        }

        public void Dispose() => socket.Dispose();

        private void Serve()
        {
            var buffer = new byte[4096];
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            try
            {
                while (true)
                {
                    var length = socket.ReceiveFrom(buffer, ref from);
                    if (random.Next(3) == 0 || !RadiusPacket.TryParse(buffer.AsSpan(0, length), out var packet, out _)) continue;
                    if (packet.Code != RadiusCode.AccountingRequest || !Note(packet)) continue;
                    if (random.Next(6) > 0) socket.SendTo(Answer(buffer.AsSpan(0, 20)), from);
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
            }
        }

        private bool Note(RadiusPacket packet)
        {
            var attributes = new List<string>();
            uint status = 0;
            ulong octets = 0;
            var session = "";
            foreach (var attribute in packet.Attributes)
            {
                attribute.TryGetUInt32(out var number);
                if (attribute.Type == RadiusAttributeType.AcctStatusType) status = number;
                if (attribute.Type == RadiusAttributeType.AcctInputOctets) octets = number;
                if (attribute.Type == RadiusAttributeType.AcctSessionId) session = Encoding.UTF8.GetString(attribute.Value.Span);
                if (attribute.Type != RadiusAttributeType.AcctDelayTime) attributes.Add($"{attribute.Type}={Convert.ToHexString(attribute.Value.Span)}");
            }
            lock (told)
            {
                if (deaf) return false;
                if (status is not (7 or 8)) told.GetOrAdd(session, _ => new()).Enqueue((status, octets, string.Join(' ', attributes)));
                return true;
            }
        }

        private volatile bool deaf;

        private byte[] Answer(ReadOnlySpan<byte> request)
        {
            var answer = new byte[20];
            answer[0] = 5;
            answer[1] = request[1];
            answer[3] = 20;
            request.Slice(4, 16).CopyTo(answer.AsSpan(4));
#pragma warning disable CA5351 // RFC 2866 3
            MD5.HashData([.. answer, .. "a-secret-of-24-octets-xy"u8]).CopyTo(answer, 4);
#pragma warning restore CA5351
            return answer;
        }
    }
}
