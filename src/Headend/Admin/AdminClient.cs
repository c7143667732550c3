using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Headend.Admin;

/// <summary>The command line's side of the admin API.</summary>
internal sealed class AdminClient : IDisposable
{
    private const int MaximumAnswer = 256 << 20;

    private readonly HttpClient http;
    private readonly string path;

    public AdminClient(string path)
    {
        this.path = path;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                finally
                {
                    if (!socket.Connected)
                        socket.Dispose();
                }
            },
        };
        http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://headend"),
            Timeout = TimeSpan.FromSeconds(30),
            MaxResponseContentBufferSize = MaximumAnswer,
        };
    }

    public Task<IReadOnlyList<SessionRecord>> GetSessionsAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.Sessions, AdminJsonContext.Default.IReadOnlyListSessionRecord, cancellation);

    public Task<IReadOnlyList<IkeSaDetailRecord>> GetIkeSasAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.IkeSas, AdminJsonContext.Default.IReadOnlyListIkeSaDetailRecord, cancellation);

    public Task<IReadOnlyList<AaaServerRecord>> GetAaaServersAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.AaaServers, AdminJsonContext.Default.IReadOnlyListAaaServerRecord, cancellation);

    /// <param name="user">One user, or null for all.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task<IReadOnlyList<AaaUserRecord>> GetAaaUsersAsync(string? user, CancellationToken cancellation) =>
        GetAsync(user is null ? AdminPaths.AaaUsers : $"{AdminPaths.AaaUsers}?user={Uri.EscapeDataString(user)}", AdminJsonContext.Default.IReadOnlyListAaaUserRecord, cancellation);

    public Task<AccountingSpoolRecord> GetAccountingAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.Accounting, AdminJsonContext.Default.AccountingSpoolRecord, cancellation);

    public Task<IReadOnlyList<AddressPoolRecord>> GetPoolsAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.Pools, AdminJsonContext.Default.IReadOnlyListAddressPoolRecord, cancellation);

    public Task<InterfaceRecord> GetInterfaceAsync(int number, CancellationToken cancellation) =>
        GetAsync(AdminPaths.Interfaces + number.ToString(CultureInfo.InvariantCulture), AdminJsonContext.Default.InterfaceRecord, cancellation);

    public Task<IReadOnlyList<VirtualTemplateRecord>> GetTemplatesAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.Templates, AdminJsonContext.Default.IReadOnlyListVirtualTemplateRecord, cancellation);

    public Task<IReadOnlyList<AccessListRecord>> GetAccessListsAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.AccessLists, AdminJsonContext.Default.IReadOnlyListAccessListRecord, cancellation);

    public Task<IReadOnlyList<PolicyMapRecord>> GetPolicyMapsAsync(int number, CancellationToken cancellation) =>
        GetAsync(string.Create(CultureInfo.InvariantCulture, $"{AdminPaths.PolicyMaps}?interface={number}"), AdminJsonContext.Default.IReadOnlyListPolicyMapRecord, cancellation);

    public async Task<ClearedSessionsRecord> ClearSessionsAsync(ClearSessionsRecord which, CancellationToken cancellation)
    {
        using var content = JsonContent.Create(which, AdminJsonContext.Default.ClearSessionsRecord);
        using var request = new HttpRequestMessage(HttpMethod.Post, AdminPaths.ClearSessions) { Content = content };
        return await SendAsync(request, AdminJsonContext.Default.ClearedSessionsRecord, cancellation);
    }

    public Task<IkeStatisticsRecord> GetIkeStatisticsAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.IkeStatistics, AdminJsonContext.Default.IkeStatisticsRecord, cancellation);

    public Task<ReconnectStatisticsRecord> GetReconnectsAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.Reconnects, AdminJsonContext.Default.ReconnectStatisticsRecord, cancellation);

    public Task<IReadOnlyList<LockoutRecord>> GetLockoutsAsync(CancellationToken cancellation) =>
        GetAsync(AdminPaths.Lockouts, AdminJsonContext.Default.IReadOnlyListLockoutRecord, cancellation);

    public async Task<bool> ClearLockoutAsync(string user, CancellationToken cancellation)
    {
        using var content = JsonContent.Create(new ClearLockoutRecord(user), AdminJsonContext.Default.ClearLockoutRecord);
        using var request = new HttpRequestMessage(HttpMethod.Post, AdminPaths.ClearLockout) { Content = content };
        return (await SendAsync(request, AdminJsonContext.Default.ClearedLockoutRecord, cancellation)).Cleared;
    }

    public void Dispose() => http.Dispose();

    private async Task<T> GetAsync<T>(string resource, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, resource);
        return await SendAsync(request, type, cancellation);
    }

    /// <exception cref="HeadendUnreachableException">Nobody answers at the socket.</exception>
    /// <exception cref="AdminRefusedException">The headend refused; the message is its own.</exception>
    private async Task<T> SendAsync<T>(HttpRequestMessage request, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        try
        {
            using var response = await http.SendAsync(request, cancellation);
            if (response.IsSuccessStatusCode)
                return await response.Content.ReadFromJsonAsync(type, cancellation) ?? throw new AdminRefusedException("the headend answered nothing");
            var failure = response.Content.Headers.ContentType?.MediaType == "application/json"
                ? await response.Content.ReadFromJsonAsync(AdminJsonContext.Default.AdminFailure, cancellation)
                : null;
            throw new AdminRefusedException(failure?.Error ?? $"the headend answered with status {(int)response.StatusCode}");
        }
        catch (Exception error) when (error is HttpRequestException or SocketException)
        {
            var why = Path.Exists(path) ? (error.InnerException ?? error).Message : "there is no such socket";
            throw new HeadendUnreachableException($"no headend answers at {path}: {why}", error);
        }
        catch (JsonException error)
        {
            throw new AdminRefusedException($"the headend's answer is not understood: {error.Message}");
        }
        catch (TaskCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new HeadendUnreachableException($"the headend at {path} does not answer in time", error);
        }
    }
}

internal sealed class HeadendUnreachableException(string message, Exception inner) : Exception(message, inner);

internal sealed class AdminRefusedException(string message) : Exception(message);
