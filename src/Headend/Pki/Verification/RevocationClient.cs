using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Headend.Pki.Verification;

/// <summary>Bounds on one fetch.</summary>
internal sealed record RevocationClientLimits
{
    /// <summary>From the lookup of the name to the last octet, once there is a slot.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest revocation list, in octets.</summary>
    public int ListOctets { get; init; } = 1 << 20;

    /// <summary>Longest OCSP answer, in octets.</summary>
    public int AnswerOctets { get; init; } = 64 * 1024;

    /// <summary>Fetches under way at a time from one host; further ones wait.</summary>
    public int Fetches { get; init; } = 16;

    /// <summary>A slot is waited for at most so long: the login that wanted it has given up by then.</summary>
    public TimeSpan Waiting { get; init; } = TimeSpan.FromSeconds(12);
}

/// <summary>
/// Fetches revocation lists and asks OCSP responders, by plain HTTP and within bounds: no redirects, no proxy, no cookies, no compression. The caller has seen to it
/// that the URI's host is allowed. Thread-safe.
/// </summary>
internal sealed class RevocationClient : IDisposable
{
    private readonly RevocationClientLimits limits;
    private readonly TimeProvider time;
    private readonly HttpClient http;

    /// <summary>By host and port: as many as the configuration names in its fetch-hosts.</summary>
    private readonly ConcurrentDictionary<(string Host, int Port), RevocationHostGate> gates = new();

    /// <param name="limits">Of each fetch, and of those from one host.</param>
    /// <param name="time">For how long a host that does not answer is left alone; fetches themselves take real time.</param>
    public RevocationClient(RevocationClientLimits limits, TimeProvider time)
    {
        this.limits = limits;
        this.time = time;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = limits.Timeout,
            MaxResponseHeadersLength = 16,
            MaxConnectionsPerServer = limits.Fetches,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        };
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The octets, or what went wrong.</summary>
    public Task<(byte[]? Octets, string Problem)> GetListAsync(Uri uri) => FetchAsync(new HttpRequestMessage(HttpMethod.Get, uri), limits.ListOctets);

    /// <summary>The same for an OCSP request by POST (RFC 6960 A.1).</summary>
    public Task<(byte[]? Octets, string Problem)> AskAsync(Uri uri, byte[] request)
    {
        var content = new ByteArrayContent(request);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/ocsp-request");
        return FetchAsync(new HttpRequestMessage(HttpMethod.Post, uri) { Content = content }, limits.AnswerOctets);
    }

    public void Dispose()
    {
        http.Dispose();
        foreach (var gate in gates.Values)
            gate.Dispose();
    }

    private async Task<(byte[]? Octets, string Problem)> FetchAsync(HttpRequestMessage request, int most)
    {
        using var held = request;
        var uri = CertificateText.Printable(request.RequestUri!.ToString());
        var gate = gates.GetOrAdd((request.RequestUri.IdnHost, request.RequestUri.Port), _ => new RevocationHostGate(limits, time));
        try
        {
            if (await gate.EnterAsync().ConfigureAwait(false) is { } closed)
                return (null, $"{uri}: {closed}");
            var answered = false;
            try
            {
                using var patience = new CancellationTokenSource(limits.Timeout);
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
                var octets = response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentLength > most
                    ? null
                    : await ReadAsync(response.Content, most, patience.Token).ConfigureAwait(false);
                answered = true;
                if (octets is not null)
                    return (octets, "");
                return (null, response.StatusCode != HttpStatusCode.OK ? $"{uri} answers {(int)response.StatusCode}" : $"{uri} holds more than {most} octets");
            }
            finally
            {
                gate.Leave(answered);
            }
        }
        catch (OperationCanceledException)
        {
            return (null, $"{uri} did not answer within {limits.Timeout.TotalSeconds} s");
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException or SocketException or ObjectDisposedException)
        {
            return (null, $"{uri}: {CertificateText.Printable(failed.Message)}");
        }
    }

    private static async Task<byte[]?> ReadAsync(HttpContent content, int most, CancellationToken cancellation)
    {
        using var stream = await content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var whole = new MemoryStream();
        var part = new byte[16 * 1024];
        while (await stream.ReadAsync(part, cancellation).ConfigureAwait(false) is > 0 and var read)
        {
            if (whole.Length + read > most)
                return null;
            whole.Write(part, 0, read);
        }

        return whole.ToArray();
    }
}
