using System.Collections.Frozen;
using System.Net;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Admin;
using Headend.Clients;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Pki.Verification;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Telemetry;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>
/// The one place where the leaves are joined into a running headend. Made by <c>StartAsync</c>, ended by <see cref="StopAsync"/>, which tells clients and
/// accounting; disposing without it drops everything at once.
/// </summary>
internal sealed partial class HeadendHost : IAsyncDisposable
{
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan AccountingTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BindPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan GoodbyeCheck = TimeSpan.FromMilliseconds(20);

    private readonly UdpListener listener;
    private readonly IDataPlane dataPlane;
    private readonly OpenedDataPlane opened;
    private readonly RadiusComposition radius;
    private readonly AccountingComposition accounting;
    private readonly SessionInterfaces interfaces;
    private readonly HeadendMetrics metrics;
    private readonly TelemetryServer telemetry;
    private readonly CryptoWorkers crypto;
    private readonly LocalAaaComposition localFiles;
    private readonly ClientCertificateComposition certificates;
    private readonly RevocationClient revocation;
    private readonly VirtualTemplateStore templates;
    private readonly KernelWorker kernel;
    private readonly InterimSchedule interims;
    private readonly DhcpClient dhcp;
    private readonly SessionTable table;
    private readonly TicketTable tickets;
    private readonly SessionLifecycle lifecycle;
    private readonly DynamicAuthorizationComposition? dynamicAuthorization;
    private readonly List<IkeShard> shards = [];
    private readonly FrozenDictionary<string, ClientServiceFile> clientFiles;
    private readonly IkeCredential? clientCredential;
    private readonly ILogger logger;
    private readonly bool keepsAtStop;
    private AdminServer? admin;
    private ClientServiceServer? clientServices;

    private HeadendHost(HeadendConfiguration configuration, TelemetryServer telemetry, ILoggerFactory loggers, TimeProvider time, TimeSpan bindPatience, CancellationToken cancellation)
    {
        this.telemetry = telemetry;
        keepsAtStop = configuration.Store.KeepsSessionsAtStop;
        logger = loggers.CreateLogger("headend");
        var clock = new MonotonicClock(time);
        var limits = new UnauthenticatedLogLimits(time);
        revocation = new RevocationClient(new RevocationClientLimits(), time);
        metrics = new HeadendMetrics();
        var aaaObserver = new AaaEventObserver(metrics, limits, logger, configuration.Radius.Dictionary);
        radius = new RadiusComposition(configuration, time, aaaObserver);
        // Everything that the files decide comes before the first socket: a mistake in them leaves no trace.
        templates = new VirtualTemplateStore(configuration.VirtualTemplates);
        var compiler = new ProfileCompiler(configuration, radius, templates, aaaObserver, time);
        var profiles = compiler.Compile();
        clientFiles = ClientServiceFile.All(profiles.Select(p => ((ProfileBinding)p.Tag!).AnyConnect).OfType<AnyConnectBinding>().Select(a => (a.Login.Complete, a.ClientProfile)));
        clientCredential = profiles.FirstOrDefault(p => p.Name == configuration.ClientServices?.Profile)?.Credential;
        localFiles = new LocalAaaComposition(configuration, compiler.Users, profiles, time, logger);
        certificates = new ClientCertificateComposition(configuration.Ikev2.Profiles, profiles, logger);
        var pools = PoolCompiler.Compile(configuration.Pools, time);

        listener = UdpListener.Bind(configuration.Listen, time, bindPatience, logger, cancellation);
        table = new SessionTable();
        var accessLists = PolicyComposition.AccessLists(configuration.AccessLists);
        var policies = QosPolicyCompiler.Compile(configuration.Qos, accessLists);
        opened = DataPlaneComposition.Open(configuration, accessLists, [.. policies.Values], listener, table, time, logger);
        dataPlane = opened.Plane;
        var filters = new SessionFilterCompiler(accessLists, opened.Filters?.Missing);
        Store = OpenStore(configuration, time, bindPatience, cancellation);
        var left = SessionRestoration.Read(Store.Sealed, logger);
        accounting = new AccountingComposition(
            configuration, radius, aaaObserver, Store.Embedded, time, logger, left.Select(s => s.Names.AcctSessionId).ToHashSet(StringComparer.Ordinal));
        crypto = new CryptoWorkers(Environment.ProcessorCount, new SystemCryptoProvider(), logger);
        LocalAaa = localFiles.Serve(crypto);
        kernel = new KernelWorker(inline: dataPlane is NullDataPlane, opened.Filters, logger);
        var addressEvents = new AddressEventObserver(limits, logger);
        var addresses = new AddressAssignment(pools, addressEvents);
        interfaces = new SessionInterfaces(dataPlane, kernel, clock, PolicyComposition.NamesOf(configuration), filters, new SessionPolicyTable(policies), addresses, logger);
        interims = new InterimSchedule(time, interfaces.CountersOf);
        dhcp = new DhcpClient(new DhcpClientOptions(), time);
        var grants = MakeGrants(accessLists, filters, addresses, time);
        var reconnects = new ReconnectTable(clock);
        tickets = new TicketTable(TicketKeyStore.Open(Store.Sealed, time, ReturnTable.LongestTicket), time);
        var kept = new KeptSessionTable(Store.Sealed, reconnects, clock);
        var services = new SessionServices
        {
            Clock = clock,
            Table = table,
            Numbers = new SessionNumbers(time, accounting.Epoch),
            Addressing = new SessionAddressing(addresses, dhcp, addressEvents, time),
            Interfaces = interfaces,
            Authorizer = new SessionAuthorizer(compiler.Authorization, grants),
            Certificates = new CertificateVerifier(crypto, revocation, time),
            Simultaneous = new SimultaneousSessionTable(interfaces, clock),
            Interims = interims,
            Reconnects = reconnects,
            Tickets = tickets,
            Kept = kept,
            Local = LocalAaa,
            ProfileObserver = aaaObserver,
            Radius = radius.Client,
            Accounting = accounting.Client,
            Metrics = metrics,
            LogLimits = limits,
            Logger = logger,
        };
        lifecycle = new SessionLifecycle(services);
        var dispatcher = new EffectDispatcher(listener, crypto, lifecycle);
        MakeShards(configuration, profiles, clock, dispatcher, new IkeEventObserver(metrics, table, limits, logger));
        new SessionRestoration(services, lifecycle, profiles, shards, radius.FindGroup, Store.Sealed?.LastAlive).Restore(left);
        Backend = new SessionAdmin(configuration, clock, table, interfaces, addresses, radius.Client, shards, LocalAaa)
        {
            Accounting = accounting.Describe,
            Reconnects = () => reconnects.Statistics,
            Metrics = metrics,
            Interfaces = new InterfaceAdmin(table, interfaces, templates, clock) { Translations = device => opened.Nat?.Read(device) ?? [] },
            PolicyMaps = new SessionPolicyAdmin(table, (device, isInput) => opened.Qos?.Read(device, isInput) ?? []).Describe,
            Filters = () => opened.Filters?.GetStatistics() ?? FilterStatistics.Empty,
        };
        aaaObserver.EndOverdueSessions = ids => EndSessions(ids);
        Observe(addresses);
        if (configuration.Radius.DynamicAuthor is { } dynamicAuthor)
        {
            var performer = new SessionDynamicAuthorization(
                new SessionLookup(table, configuration.Radius.NasIdentifier ?? Environment.MachineName),
                new SessionReauthorization(interfaces, grants, interims, kept, time), radius.Client, clock, metrics, logger);
            try
            {
                dynamicAuthorization = new DynamicAuthorizationComposition(dynamicAuthor, performer, time, metrics, limits, logger);
            }
            catch (HeadendStartException)
            {
                // The store's lock must not outlive a start that failed.
                accounting.DisposeAsync().AsTask().GetAwaiter().GetResult();
                Store.DisposeAsync().AsTask().GetAwaiter().GetResult();
                listener.Dispose();
                dataPlane.Dispose();
                throw;
            }
        }
    }

    /// <summary>Where the HTTPS service for AnyConnect clients listens; null for nowhere.</summary>
    internal IPEndPoint? ClientServices => clientServices?.EndPoint;

    /// <summary>Local users and their lockouts.</summary>
    internal LocalAaa LocalAaa { get; }

    /// <summary>Answers the admin API's questions.</summary>
    public IAdminBackend Backend { get; }

    internal StoreComposition Store { get; }

    /// <summary>Builds everything and begins to serve.</summary>
    /// <exception cref="HeadendStartException">Says in a line or several what is missing.</exception>
    /// <exception cref="AdminSocketException">The admin socket cannot be used.</exception>
    public static Task<HeadendHost> StartAsync(HeadendConfiguration configuration, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellation) =>
        StartAsync(configuration, loggers, time, BindPatience, cancellation);

    /// <summary>The same with another patience for ports that are in use.</summary>
    internal static async Task<HeadendHost> StartAsync(
        HeadendConfiguration configuration, ILoggerFactory loggers, TimeProvider time, TimeSpan bindPatience, CancellationToken cancellation)
    {
        PrepareStateDirectory(configuration.StateDirectory);
        var telemetry = await TelemetryServer.StartAsync(configuration.Telemetry, loggers, cancellation);
        HeadendHost host;
        try
        {
            host = new HeadendHost(configuration, telemetry, loggers, time, bindPatience, cancellation);
        }
        catch (HeadendStartException)
        {
            await telemetry.DisposeAsync();
            throw;
        }

        try
        {
            // Before the first datagram is served: a second headend on the same socket must not take sessions.
            host.admin = await AdminServer.StartAsync(configuration.AdminSocket, host.Backend, loggers, cancellation);
            if (configuration.ClientServices is { } services)
                host.clientServices = await ClientServiceServer.StartAsync(services.Listen, host.clientCredential!, host.clientFiles, loggers, cancellation);
        }
        catch (AdminSocketException)
        {
            await host.DisposeAsync();
            throw;
        }

        catch (IOException error)
        {
            await host.DisposeAsync();
            throw new HeadendStartException(error.Message, error);
        }

        host.Serve();
        return host;
    }

    /// <summary>
    /// Reads the local users' file, authorities and revocation lists again, and takes the virtual-templates of a configuration that was read again. Sessions stay; what cannot
    /// be used leaves what was before.
    /// </summary>
    /// <param name="configuration">Null where there is none, or it has errors.</param>
    public void Reload(HeadendConfiguration? configuration = null)
    {
        localFiles.Reload();
        if (certificates.Reload() is { } profiles)
        {
            foreach (var shard in shards)
                shard.Post(new SwapProfilesCommand(profiles));
        }

        if (configuration is not null)
            templates.Reload(configuration.VirtualTemplates, table.All, logger);
    }

    /// <summary>
    /// Ends every session: Delete to each client, Accounting Stop to RADIUS, both waited for within bounds. Where the configuration keeps sessions over a stop, those that clients may come back
    /// to hear nothing and wait in the store.
    /// </summary>
    public async Task StopAsync()
    {
        LogStopping(logger, table.UpCount);
        var continuing = keepsAtStop ? await lifecycle.SuspendAllAsync() : 0;
        foreach (var shard in shards)
            shard.Post(new ShutdownCommand(SessionEndReason.Shutdown));
        foreach (var shard in shards)
            await shard.InvokeAsync(static (_, _) => { });
        lifecycle.EndAllInactive(keepsAtStop);
        // The shards' counts are those of their last turn, so the first look waits for the command's. Returns that break off meanwhile leave sessions asleep.
        for (var waited = TimeSpan.Zero; waited < GoodbyeTimeout; waited += GoodbyeCheck)
        {
            await Task.Delay(GoodbyeCheck);
            lifecycle.EndAllInactive(keepsAtStop);
            if (table.All.All(s => keepsAtStop && s.Inactivity is not null) && shards.TrueForAll(s => s.Counts.IkeSas == 0))
                break;
        }

        foreach (var shard in shards)
            shard.Dispose();
        kernel.Dispose();
        await accounting.StopAsync(AccountingTimeout, continuing > 0);
    }

    public async ValueTask DisposeAsync()
    {
        if (admin is not null)
            await admin.DisposeAsync();
        if (clientServices is not null)
            await clientServices.DisposeAsync();
        if (dynamicAuthorization is not null)
            await dynamicAuthorization.DisposeAsync();
        listener.Stop();
        foreach (var shard in shards)
            shard.Dispose();
        interims.Dispose();
        tickets.Dispose();
        crypto.Dispose();
        revocation.Dispose();
        kernel.Dispose();
        // Behind the last session's end, which gives its lease back.
        await dhcp.DisposeAsync();
        dataPlane.Dispose();
        listener.Dispose();
        await accounting.DisposeAsync();
        await Store.DisposeAsync();
        await radius.DisposeAsync();
        await telemetry.DisposeAsync();
        metrics.Dispose();
    }

    private static void PrepareStateDirectory(string path)
    {
        try
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HeadendStartException($"state-directory {path}: {error.Message}", error);
        }
    }

    private SessionGrantCompiler MakeGrants(
        IReadOnlyDictionary<string, AccessList> accessLists, SessionFilterCompiler filters, AddressAssignment addresses, TimeProvider time) => new(
        radius.Client is null ? null : new DownloadableAccessListClient(radius.Client),
        accessLists,
        filters,
        new InterfaceNetworks(time, InterfaceNetworks.Detect),
        () => addresses.Pools);

    private void MakeShards(
        HeadendConfiguration configuration, IReadOnlyList<IkeProfile> profiles, MonotonicClock clock, EffectDispatcher dispatcher, IkeEventObserver observer)
    {
        var count = Math.Clamp(Environment.ProcessorCount, 1, 64);
        var mailboxLimits = new ShardMailboxLimits { ProvenPerSource = PerShard(configuration.Admission.HalfOpenPerSource, count) };
        var gate = new AdmissionGate(new AdmissionGateLimits(), () => crypto.WaitingLogins, () => radius.Client is { } client ? client.InFlight - client.AwaitingPeople : 0);
        for (var i = 0; i < count; i++)
        {
            var options = new IkeEndpointOptions
            {
                Shard = i,
                ShardCount = count,
                Profiles = profiles,
                HalfOpenLimit = PerShard(configuration.Admission.HalfOpen, count),
                HalfOpenPerSourceLimit = PerShard(configuration.Admission.HalfOpenPerSource, count),
                CookieThreshold = PerShard(configuration.Admission.CookieThreshold, count),
            };
            var endpoint = new IkeEndpoint(options, new SystemCryptoProvider(), observer);
            shards.Add(new IkeShard(i, endpoint, clock, mailboxLimits, dispatcher.Perform, gate.IsOpen, logger));
        }
    }

    // Clients spread over the shards by a hash; the configured bound is on their sum.
    private static int PerShard(int total, int shards) => (total + shards - 1) / shards;

    private StoreComposition OpenStore(HeadendConfiguration configuration, TimeProvider time, TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            return StoreComposition.Open(configuration, radius.AccountingLists.Count > 0, time, patience, logger, cancellation);
        }
        catch (HeadendStartException)
        {
            dataPlane.Dispose();
            listener.Dispose();
            throw;
        }
    }

    private void EndSessions(IReadOnlyList<string> acctSessionIds)
    {
        var overdue = acctSessionIds.ToHashSet(StringComparer.Ordinal);
        foreach (var session in table.All.Where(s => overdue.Contains(s.Names.AcctSessionId)))
            session.Shard.Post(new EndSessionCommand(session.Id, SessionEndReason.AaaUnavailable, "no RADIUS server took its accounting"));
    }

    private void Observe(AddressAssignment addresses) => metrics.Observe(new MetricsObserver
    {
        ActiveSessions = () => table.UpCount,
        InactiveSessions = () => table.InactiveCount,
        HalfOpen = () => shards.Sum(s => s.Counts.HalfOpen),
        Pools = () => [.. addresses.Pools.Select(p => p.GetStatistics())],
        Dhcp = dhcp.GetStatistics,
        Accounting = () => accounting.Client?.GetStatistics(),
        Esp = () => table.Totals(interfaces.LiveCountersOf),
        EspDrops = () => dataPlane.GetDrops().Select((count, index) => (Reason: (EspDrop)index, Count: count)).Where(d => d.Reason != EspDrop.None)
            .ToDictionary(d => d.Reason.ToString(), d => d.Count, StringComparer.Ordinal),
    });

    private void Serve()
    {
        accounting.Start(table, interfaces.CountersOf);
        foreach (var shard in shards)
            shard.Start();
        listener.Start(shards, dataPlane);
        dynamicAuthorization?.Start();
        var endPoints = string.Join(' ', listener.EndPoints);
        LogServing(logger, endPoints, dataPlane.Kind, shards.Count);
        if (dataPlane is not NullDataPlane)
            WarnAboutForwarding();
    }

    private void WarnAboutForwarding()
    {
        foreach (var path in new[] { "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding" })
        {
            if (File.Exists(path) && File.ReadAllText(path).Trim() == "0")
                LogNoForwarding(logger, path);
        }
    }

    [LoggerMessage(EventId = 1301, EventName = "serving", Level = LogLevel.Information, Message = "listen={EndPoints} dataPlane={DataPlane} shards={Shards}")]
    private static partial void LogServing(ILogger logger, string endPoints, string dataPlane, int shards);

    [LoggerMessage(EventId = 1302, EventName = "stopping", Level = LogLevel.Information, Message = "sessions={Sessions}")]
    private static partial void LogStopping(ILogger logger, int sessions);

    [LoggerMessage(EventId = 1305, EventName = "no-forwarding", Level = LogLevel.Warning, Message = "{Path} is 0: packets of clients go no further than this machine; set it to 1")]
    private static partial void LogNoForwarding(ILogger logger, string path);
}
