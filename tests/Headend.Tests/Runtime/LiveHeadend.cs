using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Accounting;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Store;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.Tests.Pki;

namespace Headend.Tests.Runtime;

/// <summary>
/// One headend in this process, without a data plane on loopback, of a configuration in a directory of its own. It can be stopped or dropped and started again, and the next one can
/// go on with what the disk held of the one before.
/// </summary>
/// <param name="time">Its clock; null: the system's.</param>
/// <param name="state">State directory, below the configuration's or anywhere else.</param>
internal sealed class LiveHeadend(SkippingTime? time = null, string state = "state") : IAsyncDisposable
{
    /// <summary>How often a wait looks, 30 seconds in all.</summary>
    private const int Looks = 600;

    /// <summary>How often it looks where a second is skipped each time.</summary>
    private const int SkippingLooks = 100;

    private const int FirstPort = 20_000, EphemeralPort = 32_768;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static int lastPort = FirstPort;

    private HeadendHost? host;
    private string sections = "";
    private string state = state;

    /// <summary>The configuration's directory. State of the headend is in <see cref="State"/> below it.</summary>
    public TemporaryDirectory Directory { get; } = new();

    public LineLog Log { get; } = new();

    /// <summary>Where clients find it.</summary>
    public IPEndPoint Gateway { get; } = new(IPAddress.Loopback, FreePort());

    public string State => Directory.File(state);

    public HeadendHost Host => host ?? throw new InvalidOperationException("no headend runs");

    public IAdminBackend Backend => Host.Backend;

    private TimeProvider Clock => time ?? TimeProvider.System;

    /// <summary>
    /// A port of loopback that nobody has, and that nobody gets before the caller takes it: below those that the kernel gives to sockets without a port of
    /// their own, and not given to another test.
    /// </summary>
    public static int FreePort(SocketType kind = SocketType.Dgram)
    {
        while (true)
        {
            var port = Interlocked.Increment(ref lastPort);
            Assert.InRange(port, FirstPort, EphemeralPort - 1);
            using var probe = new Socket(AddressFamily.InterNetwork, kind, ProtocolType.Unspecified);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Another program's.
            }
        }
    }

    /// <summary>What a session keeps when its client comes back to it.</summary>
    public static (string Id, string? Interface, string? AuditSessionId, string? AcctSessionId, string? User, string Addresses) Kept(SessionRecord session) =>
        (session.Id, session.Interface, session.AuditSessionId, session.AcctSessionId, session.User, string.Join(' ', session.AssignedAddresses));

    /// <summary>Makes gw.pem and gw.key. Without it the first start makes one of ECDSA, by itself.</summary>
    /// <param name="key">The headend's.</param>
    /// <param name="authority">Who signs; null: it does so itself.</param>
    public void WriteCertificate(AsymmetricAlgorithm key, TestAuthority? authority = null)
    {
        using var certificate = authority?.Issue(new TestSubject("CN=gw.example") { DnsNames = ["gw.example"], Usages = ["1.3.6.1.5.5.7.3.1"] }, key) ?? SelfSigned(key);
        Directory.Write("gw.pem", certificate.ExportCertificatePem());
        File.SetUnixFileMode(Directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem()), UnixFileMode.UserRead);
    }

    /// <param name="configuration">The sections that <see cref="HostYaml.Whole"/> has not; null: those of the last start.</param>
    public async Task StartAsync(string? configuration = null)
    {
        if (!File.Exists(Directory.File("gw.pem")))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            WriteCertificate(key);
        }

        sections = configuration ?? sections;
        Directory.Write("headend.yaml", HostYaml.Whole(Gateway.Port, State, Directory.File("a.sock"), sections));
        host = await HeadendHost.StartAsync(Load(), Log, Clock, CancellationToken.None);
    }

    /// <summary>The configuration of the last start.</summary>
    public HeadendConfiguration Load()
    {
        var outcome = ConfigurationParser.Load(Directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Diagnostics);
        return outcome.Configuration!;
    }

    /// <summary>Tells clients and accounting.</summary>
    public async Task StopAsync()
    {
        await Host.StopAsync();
        await DropAsync();
    }

    /// <summary>Ends it without a word to anybody.</summary>
    public async Task DropAsync()
    {
        if (host is not null)
            await host.DisposeAsync();
        host = null;
    }

    /// <summary>What the disk holds once the sessions of now are on it goes on, and nothing that the process did later.</summary>
    /// <param name="configuration">Of the next headend; null: as before.</param>
    /// <param name="between">What happens while there is none.</param>
    public async Task CrashAsync(string? configuration = null, Action? between = null)
    {
        var next = $"{state}-next";
        // Behind the commit of the sessions that are up: an answered request was written.
        await Task.Delay(SealedStore.Gathering + TimeSpan.FromMilliseconds(400));
        // However slow the disk: what is put behind them is written with them or later. A disk that takes nothing has taken nothing.
        if (Host.Store.Sealed is { } records)
            await Task.WhenAny(records.PutAsync("test", "crash", [], Clock.GetUtcNow() + TimeSpan.FromSeconds(1)), Task.Delay(TimeSpan.FromSeconds(10)));
        CopyState(next);
        await DropAsync();
        state = next;
        between?.Invoke();
        await StartAsync(configuration);
    }

    /// <summary>Copies what the disk holds at this moment.</summary>
    public void CopyState(string to)
    {
        System.IO.Directory.CreateDirectory(Directory.File(to));
        foreach (var file in System.IO.Directory.GetFiles(State))
            File.Copy(file, Directory.File(to, Path.GetFileName(file)));
    }

    public LoopbackClient Client(TestInitiatorOptions options, IPAddress? from = null) => new(Gateway, options, from);

    public LoopbackClient Client(string user, string password) => Client(ClientOptions.ByPassword(user, password));

    /// <summary>Nobody who fails learns why, but the log says so.</summary>
    public void MustRefuse(LoopbackClient client, string reason)
    {
        client.MustBeRefused();
        Log.MustSay(reason);
    }

    public async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await Backend.GetSessionsAsync(CancellationToken.None);

    /// <summary>Addresses of the pool that somebody has.</summary>
    public async Task<long> LeasesAsync() => Assert.Single(await Backend.GetPoolsAsync(CancellationToken.None)).InUse;

    /// <summary>Skips a piece of its clock.</summary>
    public void Skip(TimeSpan span) => (time ?? throw new InvalidOperationException("its clock skips nothing")).Skip(span);

    /// <summary>Wakes every shard, so that it sees what came due in the time that was skipped.</summary>
    public async Task PokeAsync() => await Backend.GetIkeSasAsync(CancellationToken.None);

    /// <summary>Until the one session sleeps: the headend has asked its client and got no answer.</summary>
    public async Task<SessionRecord> AsleepAsync()
    {
        for (var i = 0; i < (time is null ? Looks : SkippingLooks); i++)
        {
            if (await SessionsAsync() is [{ Status: SessionStatus.Inactive } asleep])
                return asleep;
            if (time is not null)
            {
                time.Skip(TimeSpan.FromSeconds(1));
                await PokeAsync();
            }

            await Task.Delay(Pause);
        }

        throw new TimeoutException("the session does not sleep");
    }

    /// <summary>Until there is no session.</summary>
    public async Task NoneAsync()
    {
        for (var i = 0; i < Looks && (await SessionsAsync()).Count > 0; i++)
            await Task.Delay(Pause);
        Assert.Empty(await SessionsAsync());
    }

    /// <summary>What accounting has in a state directory.</summary>
    /// <param name="from">Below the configuration's; null: the headend's own.</param>
    public SpoolContent Spool(string? from = null)
    {
        using var store = EmbeddedStore.Open(Directory.File(from ?? state, StoreComposition.FileName), DateTimeOffset.UtcNow);
        return new EmbeddedAccountingSpool(store).Load();
    }

    /// <summary>Stops the headend, where it runs, and reads what it left to send.</summary>
    public async Task<IReadOnlyList<SpooledRecord>> RecordsAsync()
    {
        if (host is not null)
            await StopAsync();
        var content = Spool();
        Assert.True(Load().Store.KeepsSessionsAtStop || content.OpenSessions.Count == 0);
        return content.Records;
    }

    /// <summary>The same, of sessions alone.</summary>
    /// <param name="session">Acct-Session-Id; null: of all.</param>
    public async Task<IEnumerable<AcctStatusType>> StatusesAsync(string? session = null) =>
        (await RecordsAsync()).Where(r => session is null || r.SessionId == session).Select(r => r.Status).Where(s => s != AcctStatusType.AccountingOn && s != AcctStatusType.AccountingOff);

    public async ValueTask DisposeAsync()
    {
        await DropAsync();
        Log.Dispose();
        Directory.Dispose();
    }

    private static X509Certificate2 SelfSigned(AsymmetricAlgorithm key)
    {
        var signer = TestAuthority.GeneratorOf(key);
        var request = new CertificateRequest(new X500DistinguishedName("CN=gw.example"), signer.PublicKey, HashAlgorithmName.SHA256);
        return request.Create(request.SubjectName, signer, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
    }
}
