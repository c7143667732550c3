using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Configuration;
using Headend.Sessions;
using AccountingListOptions = Headend.Aaa.Accounting.AccountingListOptions;
using RadiusGroupOptions = Headend.Aaa.Client.RadiusGroupOptions;
using RadiusServerOptions = Headend.Aaa.Client.RadiusServerOptions;

namespace Headend.Composition;

/// <summary>The RADIUS side as the configuration describes it: client, groups, method lists.</summary>
internal sealed class RadiusComposition : IAsyncDisposable
{
    private readonly Dictionary<string, RadiusServerOptions> servers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RadiusServerGroup> groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AccountingBinding> accounting = new(StringComparer.Ordinal);
    private readonly List<AccountingListOptions> accountingLists = [];
    private readonly List<RadiusSecret> secrets = [];
    private readonly HeadendConfiguration configuration;

    public RadiusComposition(HeadendConfiguration configuration, TimeProvider time, IRadiusObserver radiusObserver)
    {
        this.configuration = configuration;
        if (configuration.Radius.Servers.Count == 0)
            return;
        Client = new RadiusClient(new RadiusClientOptions(), time, radiusObserver);
        foreach (var server in configuration.Radius.Servers)
            servers.Add(server.Name, Translate(server));
        NasAddress = configuration.Radius.NasAddress ?? FindNasAddress();
        foreach (var group in configuration.Radius.Groups)
            groups[group.Name] = Client.CreateGroup(new RadiusGroupOptions(group.Name, [.. group.Servers.Select(s => servers[s])]) { DeadTime = group.DeadTime, LoadBalance = group.LoadBalance });
        foreach (var list in configuration.Aaa.Accounting)
        {
            accounting[list.Name] = new AccountingBinding(list.Name, list.InterimInterval);
            accountingLists.Add(new AccountingListOptions(list.Name, [.. list.Methods.Select(m => groups[m.Group!])]) { EndSessionsAfter = list.EndSessionsAfter });
        }
    }

    /// <summary>Null where no server is configured.</summary>
    public RadiusClient? Client { get; }

    /// <summary>
    /// NAS-IP-Address or NAS-IPv6-Address of every request. The same in the records of sessions and in Accounting-On and -Off, by which servers find the sessions
    /// to close; null where there is none, and each session says the address that its client came to.
    /// </summary>
    public IPAddress? NasAddress { get; }

    public IReadOnlyList<AccountingListOptions> AccountingLists => accountingLists;

    public AccountingBinding AccountingOf(string list) => accounting[list];

    /// <summary>The group of this name, or null.</summary>
    public RadiusServerGroup? FindGroup(string name) => groups.GetValueOrDefault(name);

    public IReadOnlyList<AaaMethod> MethodsOf(MethodListOptions list) => [.. list.Methods.Select(m => new AaaMethod(m.Group is null ? null : groups[m.Group]))];

    /// <summary>A configured server as a group of its own, which never passes it over.</summary>
    public RadiusServerGroup Alone(string server) => Client!.CreateGroup(new RadiusGroupOptions(server, [servers[server]]) { DeadTime = TimeSpan.Zero });

    public async ValueTask DisposeAsync()
    {
        if (Client is not null)
            await Client.DisposeAsync();
        foreach (var secret in secrets)
            secret.Dispose();
    }

    // A server on this machine sees loopback, which identifies nobody.
    private IPAddress? FindNasAddress() =>
        servers.Values.Select(RadiusClient.FindSource).Concat(configuration.Listen.Addresses)
            .FirstOrDefault(a => a is not null && !IPAddress.IsLoopback(a) && !a.Equals(IPAddress.Any) && !a.Equals(IPAddress.IPv6Any));

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
