using System.Net;
using System.Net.Sockets;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;
using Headend.Aaa.Server;
using Headend.Configuration;
using Headend.Runtime;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>The dynamic authorization server as the configuration describes it; owns its sockets and the clients' secrets.</summary>
internal sealed partial class DynamicAuthorizationComposition : IAsyncDisposable, IDynamicAuthorizationObserver
{
    private readonly List<RadiusSecret> secrets = [];
    private readonly HeadendMetrics metrics;
    private readonly UnauthenticatedLogLimits limits;
    private readonly ILogger logger;
    private readonly DynamicAuthorizationServer server;

    /// <summary>Binds the ports; <see cref="Start"/> begins to receive.</summary>
    /// <exception cref="HeadendStartException">A port cannot be had.</exception>
    public DynamicAuthorizationComposition(
        DynamicAuthorOptions options, IDynamicAuthorizationHandler handler, TimeProvider time, HeadendMetrics metrics, UnauthenticatedLogLimits limits, ILogger logger)
    {
        this.metrics = metrics;
        this.limits = limits;
        this.logger = logger;
        var checks = new DynamicAuthorizationChecks(
            new DynamicAuthorizationOptions { Clients = [.. options.Clients.Select(Translate)], EventTimestampWindow = options.EventTimestampWindow }, time);
        var endPoints =
            from address in options.Addresses
            where address.AddressFamily != AddressFamily.InterNetworkV6 || Socket.OSSupportsIPv6 || options.Addresses.Count == 1
            from port in options.Ports
            select new IPEndPoint(address, port);
        try
        {
            server = new DynamicAuthorizationServer(endPoints, checks, handler, this);
        }
        catch (SocketException error)
        {
            throw new HeadendStartException($"radius.dynamic-author: ports {string.Join(", ", options.Ports)}: {error.Message}", error);
        }
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints => server.EndPoints;

    public void Start()
    {
        server.Start();
        var endPoints = string.Join(' ', server.EndPoints);
        LogServing(logger, endPoints);
    }

    public void Discarded(IPEndPoint source, DynamicDiscard reason)
    {
        var word = WordOf(reason);
        metrics.DynamicAuthorizationDiscarded(word);
        // A repeated request that is still being performed is everyday business.
        if (reason == DynamicDiscard.InProgress || !limits.TryAdmit(source.Address, $"dynamic-authorization {word}", out var suppressed))
            return;
        var address = source.ToString();
        LogDiscarded(logger, address, word, suppressed);
    }

    public void Repeated(IPEndPoint source) => metrics.DynamicAuthorizationDiscarded("repeated");

    public void Overloaded(IPEndPoint source)
    {
        metrics.DynamicAuthorizationDiscarded("overloaded");
        if (!limits.TryAdmit(source.Address, "dynamic-authorization overloaded", out var suppressed))
            return;
        var address = source.ToString();
        LogDiscarded(logger, address, "overloaded", suppressed);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        foreach (var secret in secrets)
            secret.Dispose();
    }

    private static string WordOf(DynamicDiscard reason) => reason switch
    {
        DynamicDiscard.UnknownClient => "unknown-client",
        DynamicDiscard.Malformed => "malformed",
        DynamicDiscard.UnexpectedCode => "unexpected-code",
        DynamicDiscard.BadAuthenticator => "bad-authenticator",
        DynamicDiscard.MissingMessageAuthenticator => "missing-message-authenticator",
        DynamicDiscard.BadMessageAuthenticator => "bad-message-authenticator",
        DynamicDiscard.MissingEventTimestamp => "missing-event-timestamp",
        DynamicDiscard.StaleEventTimestamp => "stale-event-timestamp",
        DynamicDiscard.TooMuchToEcho => "too-much-to-echo",
        _ => "in-progress",
    };

    private DynamicAuthorizationClientOptions Translate(DynamicAuthorClientOptions client)
    {
        var secret = new RadiusSecret(client.Secret.Octets);
        secrets.Add(secret);
        if (!client.RequireMessageAuthenticator)
        {
            var network = client.Address.ToString();
            LogUnprotected(logger, network);
        }

        return new DynamicAuthorizationClientOptions(client.Address, secret)
        {
            RequireMessageAuthenticator = client.RequireMessageAuthenticator,
            RequireEventTimestamp = client.RequireEventTimestamp,
        };
    }

    [LoggerMessage(EventId = 1403, EventName = "dynamic-authorization-serving", Level = LogLevel.Information, Message = "listen={EndPoints}")]
    private static partial void LogServing(ILogger logger, string endPoints);

    [LoggerMessage(EventId = 1404, EventName = "dynamic-authorization-discarded", Level = LogLevel.Warning, Message = "client={Client} reason={Reason} suppressed={Suppressed}")]
    private static partial void LogDiscarded(ILogger logger, string client, string reason, long suppressed);

    [LoggerMessage(
        EventId = 1405, EventName = "dynamic-authorization-unprotected", Level = LogLevel.Warning,
        Message = "client={Client}: require-message-authenticator is off: MD5 alone protects its requests (CVE-2024-3596)")]
    private static partial void LogUnprotected(ILogger logger, string client);
}
