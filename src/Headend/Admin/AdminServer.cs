using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Headend.Admin;

/// <summary>
/// The admin API: HTTP over a Unix socket that only the owner may open. Reading endpoints answer snapshots; those that write take a
/// <see cref="ClearSessionsRecord"/> or a <see cref="ClearLockoutRecord"/>. Every answer is JSON.
/// </summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private const long MaximumBody = 4096;

    private readonly WebApplication application;
    private readonly string path;

    private AdminServer(WebApplication application, string path)
    {
        this.application = application;
        this.path = path;
    }

    /// <summary>Listens at <paramref name="path"/>, taking the place of a socket that nobody answers at.</summary>
    /// <exception cref="AdminSocketException">Another headend answers there, or the path cannot be used.</exception>
    public static async Task<AdminServer> StartAsync(string path, IAdminBackend backend, ILoggerFactory loggers, CancellationToken cancellation)
    {
        await AdminSocket.PrepareAsync(path, cancellation);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Limit(kestrel, path));
        builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = AdminSocket.Bind);
        var application = builder.Build();
        application.Run(context => DispatchAsync(context, backend));
        try
        {
            await application.StartAsync(cancellation);
        }
        catch (Exception error) when (error is IOException or SocketException or UnauthorizedAccessException)
        {
            await application.DisposeAsync();
            throw new AdminSocketException($"cannot listen at {path}: {error.Message}", error);
        }
        return new AdminServer(application, path);
    }

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
        File.Delete(path);
    }

    private static void Limit(KestrelServerOptions kestrel, string path)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 64;
        kestrel.Limits.MaxRequestBodySize = MaximumBody;
        kestrel.Limits.MaxRequestLineSize = 1024;
        kestrel.Limits.MaxRequestBufferSize = 16 * 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        kestrel.Limits.MaxRequestHeaderCount = 32;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        kestrel.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http1);
    }

    private static async Task DispatchAsync(HttpContext context, IAdminBackend backend)
    {
        var stop = context.RequestAborted;
        switch (context.Request.Method, context.Request.Path.Value)
        {
            case ("GET", AdminPaths.Sessions):
                await WriteAsync(context, await backend.GetSessionsAsync(stop), AdminJsonContext.Default.IReadOnlyListSessionRecord);
                break;
            case ("GET", AdminPaths.IkeSas):
                await WriteAsync(context, await backend.GetIkeSasAsync(stop), AdminJsonContext.Default.IReadOnlyListIkeSaDetailRecord);
                break;
            case ("GET", AdminPaths.AaaServers):
                await WriteAsync(context, await backend.GetAaaServersAsync(stop), AdminJsonContext.Default.IReadOnlyListAaaServerRecord);
                break;
            case ("GET", AdminPaths.AaaUsers):
                await WriteAsync(context, await backend.GetAaaUsersAsync(context.Request.Query["user"], stop), AdminJsonContext.Default.IReadOnlyListAaaUserRecord);
                break;
            case ("GET", AdminPaths.Accounting):
                await WriteAsync(context, await backend.GetAccountingAsync(stop), AdminJsonContext.Default.AccountingSpoolRecord);
                break;
            case ("GET", AdminPaths.Pools):
                await WriteAsync(context, await backend.GetPoolsAsync(stop), AdminJsonContext.Default.IReadOnlyListAddressPoolRecord);
                break;
            case ("GET", AdminPaths.Templates):
                await WriteAsync(context, await backend.GetTemplatesAsync(stop), AdminJsonContext.Default.IReadOnlyListVirtualTemplateRecord);
                break;
            case ("GET", { } named) when named.StartsWith(AdminPaths.Interfaces, StringComparison.Ordinal):
                await WriteInterfaceAsync(context, named[AdminPaths.Interfaces.Length..], backend);
                break;
            case ("GET", AdminPaths.AccessLists):
                await WriteAsync(context, await backend.GetAccessListsAsync(stop), AdminJsonContext.Default.IReadOnlyListAccessListRecord);
                break;
            case ("GET", AdminPaths.Health):
                await WriteAsync(context, await backend.GetHealthAsync(stop), AdminJsonContext.Default.HealthRecord);
                break;
            case ("GET", AdminPaths.IkeStatistics):
                await WriteAsync(context, await backend.GetIkeStatisticsAsync(stop), AdminJsonContext.Default.IkeStatisticsRecord);
                break;
            case ("GET", AdminPaths.Reconnects):
                await WriteAsync(context, await backend.GetReconnectsAsync(stop), AdminJsonContext.Default.ReconnectStatisticsRecord);
                break;
            case ("GET", AdminPaths.Lockouts):
                await WriteAsync(context, await backend.GetLockoutsAsync(stop), AdminJsonContext.Default.IReadOnlyListLockoutRecord);
                break;
            case ("GET", AdminPaths.PolicyMaps):
                await PolicyMapsAsync(context, backend);
                break;
            case ("POST", AdminPaths.ClearSessions):
                await ClearAsync(context, backend);
                break;
            case ("POST", AdminPaths.ClearLockout):
                await ClearLockoutAsync(context, backend);
                break;
            case (_, AdminPaths.Sessions or AdminPaths.IkeSas or AdminPaths.AaaServers or AdminPaths.AaaUsers or AdminPaths.Accounting or AdminPaths.Pools or AdminPaths.AccessLists or AdminPaths.Lockouts or AdminPaths.Templates or AdminPaths.PolicyMaps or AdminPaths.IkeStatistics or AdminPaths.Reconnects or AdminPaths.Health):
                await RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "use GET");
                break;
            case (_, AdminPaths.ClearSessions or AdminPaths.ClearLockout):
                await RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "use POST");
                break;
            default:
                await RefuseAsync(context, StatusCodes.Status404NotFound, "no such resource");
                break;
        }
    }

    private static async Task WriteInterfaceAsync(HttpContext context, string text, IAdminBackend backend)
    {
        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        if (isNumber && await backend.GetInterfaceAsync(number, context.RequestAborted) is { } found)
            await WriteAsync(context, found, AdminJsonContext.Default.InterfaceRecord);
        else
            await RefuseAsync(context, StatusCodes.Status404NotFound, isNumber ? $"there is no Virtual-Access{number}" : "no such resource");
    }

    private static async Task PolicyMapsAsync(HttpContext context, IAdminBackend backend)
    {
        if (int.TryParse(context.Request.Query["interface"], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            await WriteAsync(context, await backend.GetPolicyMapsAsync(number, context.RequestAborted), AdminJsonContext.Default.IReadOnlyListPolicyMapRecord);
        else
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "give interface, the number of a virtual-access interface");
    }

    private static async Task ClearAsync(HttpContext context, IAdminBackend backend)
    {
        var (read, which) = await ReadAsync(context, AdminJsonContext.Default.ClearSessionsRecord);
        if (!read)
            return;
        if (which is null || !which.NamesOne)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "give exactly one of id, user, remote (an address), all");
            return;
        }
        await WriteAsync(context, await backend.ClearSessionsAsync(which, context.RequestAborted), AdminJsonContext.Default.ClearedSessionsRecord);
    }

    private static async Task ClearLockoutAsync(HttpContext context, IAdminBackend backend)
    {
        var (read, which) = await ReadAsync(context, AdminJsonContext.Default.ClearLockoutRecord);
        if (!read)
            return;
        if (string.IsNullOrEmpty(which?.User))
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "give user");
        else
            await WriteAsync(context, new ClearedLockoutRecord(await backend.ClearLockoutAsync(which.User, context.RequestAborted)), AdminJsonContext.Default.ClearedLockoutRecord);
    }

    // False: the refusal is already written.
    private static async Task<(bool Read, T? Body)> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return (true, await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted));
        }
        catch (JsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "the body is not the JSON that this takes");
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException error)
        {
            await RefuseAsync(context, error.StatusCode, "the body is too long or broken");
        }

        return (false, null);
    }

    private static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    private static Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, new AdminFailure(error), AdminJsonContext.Default.AdminFailure);
    }
}

/// <summary>The resources of the admin API.</summary>
internal static class AdminPaths
{
    public const string Sessions = "/v1/crypto/sessions";
    public const string ClearSessions = "/v1/crypto/sessions/clear";
    public const string IkeSas = "/v1/crypto/ikev2/sas";
    public const string AaaServers = "/v1/aaa/servers";
    public const string AaaUsers = "/v1/aaa/users";
    public const string Accounting = "/v1/aaa/accounting";
    public const string Pools = "/v1/pools";
    public const string AccessLists = "/v1/access-lists";
    public const string Lockouts = "/v1/aaa/lockouts";
    public const string ClearLockout = "/v1/aaa/lockouts/clear";
    /// <summary>Followed by a number.</summary>
    public const string Interfaces = "/v1/interfaces/virtual-access/";
    public const string Templates = "/v1/virtual-templates";
    public const string PolicyMaps = "/v1/policy-maps";
    public const string IkeStatistics = "/v1/crypto/ikev2/stats";
    public const string Reconnects = "/v1/crypto/ikev2/stats/reconnect";
    public const string Health = "/healthz";
}
