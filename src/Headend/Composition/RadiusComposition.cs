using Headend.Aaa.Accounting;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Configuration;
using Headend.Sessions;
using RadiusGroupOptions = Headend.Aaa.Client.RadiusGroupOptions;
using RadiusServerOptions = Headend.Aaa.Client.RadiusServerOptions;

namespace Headend.Composition;

/// <summary>The RADIUS side as the configuration describes it: client, groups, method lists, accounting queues.</summary>
internal sealed class RadiusComposition : IAsyncDisposable
{
    private readonly Dictionary<string, RadiusServerOptions> servers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RadiusServerGroup> groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AccountingBinding> accounting = new(StringComparer.Ordinal);
    private readonly Dictionary<RadiusServerGroup, AccountingQueue> queues = [];
    private readonly List<RadiusSecret> secrets = [];
    private readonly HeadendConfiguration configuration;

    public RadiusComposition(HeadendConfiguration configuration, TimeProvider time, IRadiusObserver radiusObserver, IAccountingObserver accountingObserver)
    {
        this.configuration = configuration;
        if (configuration.Radius.Servers.Count == 0)
            return;
        Client = new RadiusClient(new RadiusClientOptions(), time, radiusObserver);
        foreach (var server in configuration.Radius.Servers)
            servers.Add(server.Name, Translate(server));
        foreach (var group in configuration.Radius.Groups)
            groups[group.Name] = Client.CreateGroup(new RadiusGroupOptions(group.Name, [.. group.Servers.Select(s => servers[s])]) { DeadTime = group.DeadTime, LoadBalance = group.LoadBalance });
        foreach (var list in configuration.Aaa.Accounting)
            AddAccounting(list, time, accountingObserver);
    }

    /// <summary>Null where no server is configured.</summary>
    public RadiusClient? Client { get; }

    public IReadOnlyDictionary<RadiusServerGroup, AccountingQueue> Queues => queues;

    public AccountingBinding AccountingOf(string list) => accounting[list];

    public IReadOnlyList<AaaMethod> MethodsOf(MethodListOptions list) => [.. list.Methods.Select(m => new AaaMethod(m.Group is null ? null : groups[m.Group]))];

    /// <summary>A configured server as a group of its own, which never passes it over.</summary>
    public RadiusServerGroup Alone(string server) => Client!.CreateGroup(new RadiusGroupOptions(server, [servers[server]]) { DeadTime = TimeSpan.Zero });

    /// <summary>Waits until every record is delivered, at most <paramref name="deadline"/>; answers how many are left.</summary>
    public async Task<int> FlushAsync(TimeSpan deadline)
    {
        var left = await Task.WhenAll(queues.Values.Select(q => q.FlushAsync(deadline)));
        return left.Sum();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var queue in queues.Values)
            await queue.DisposeAsync();
        if (Client is not null)
            await Client.DisposeAsync();
        foreach (var secret in secrets)
            secret.Dispose();
    }

    // The servers of all the list's groups, in order, are one group that fails over from one to the next.
    private void AddAccounting(AccountingListOptions list, TimeProvider time, IAccountingObserver observer)
    {
        var named = list.Methods.Select(m => configuration.Radius.Groups.First(g => g.Name == m.Group)).ToList();
        var members = named.SelectMany(g => g.Servers).Distinct(StringComparer.Ordinal).Select(s => servers[s]);
        var group = Client!.CreateGroup(new RadiusGroupOptions(list.Name, [.. members]) { DeadTime = named[0].DeadTime, LoadBalance = named[0].LoadBalance });
        accounting[list.Name] = new AccountingBinding(group, list.InterimInterval);
        queues[group] = new AccountingQueue(Client, group, time, new AccountingQueueOptions(), observer);
    }

    private RadiusServerOptions Translate(Configuration.RadiusServerOptions server)
    {
        var secret = new RadiusSecret(server.Secret.Octets);
        secrets.Add(secret);
        return new RadiusServerOptions(server.Name, server.Address, secret)
        {
            AuthPort = server.AuthPort,
            AcctPort = server.AcctPort,
            Timeout = server.Timeout,
            Retransmit = server.Retransmit,
            MaximumTimeout = server.MaximumTimeout,
            Login = server.Login,
            Authorization = server.Authorization,
            Accounting = server.Accounting,
            MfaWait = server.MfaWait,
            RequireMessageAuthenticator = server.RequireMessageAuthenticator,
            StatusServer = server.StatusServer,
            StatusInterval = server.StatusInterval,
            SourceAddress = server.SourceAddress,
            SourceInterface = server.SourceInterface,
            RadSec = server.Tls is { } tls ? RadSecCredential.Load(server.Name, tls) : null,
        };
    }
}
