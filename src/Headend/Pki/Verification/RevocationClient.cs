using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Headend.Pki.Verification;

/// <summary>Bounds on one fetch.</summary>
internal sealed record RevocationClientLimits
{
    /// <summary>From the lookup of the name to the last octet.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest revocation list, in octets.</summary>
    public int ListOctets { get; init; } = 1 << 20;

    /// <summary>Longest OCSP answer, in octets.</summary>
    public int AnswerOctets { get; init; } = 64 * 1024;

    /// <summary>Fetches under way at a time; further ones wait, within their timeout.</summary>
    public int Fetches { get; init; } = 16;
}

/// <summary>
/// Fetches revocation lists and asks OCSP responders, by plain HTTP and within bounds: no redirects, no proxy, no cookies, no compression. The caller has seen to it
/// that the URI's host is allowed. Thread-safe.
/// </summary>
internal sealed class RevocationClient : IDisposable
{
    private readonly RevocationClientLimits limits;
    private readonly SemaphoreSlim slots;
    private readonly HttpClient http;

    public RevocationClient(RevocationClientLimits limits)
    {
        this.limits = limits;
        slots = new SemaphoreSlim(limits.Fetches);
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
        slots.Dispose();
    }

    private async Task<(byte[]? Octets, string Problem)> FetchAsync(HttpRequestMessage request, int most)
    {
        using var held = request;
        using var patience = new CancellationTokenSource(limits.Timeout);
        var uri = CertificateText.Printable(request.RequestUri!.ToString());
        try
        {
            await slots.WaitAsync(patience.Token).ConfigureAwait(false);
            try
            {
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
                if (response.StatusCode != HttpStatusCode.OK)
                    return (null, $"{uri} answers {(int)response.StatusCode}");
                if (response.Content.Headers.ContentLength > most)
                    return (null, $"{uri} holds more than {most} octets");
                return await ReadAsync(response.Content, most, patience.Token).ConfigureAwait(false) is { } octets ? (octets, "") : (null, $"{uri} holds more than {most} octets");
            }
            finally
            {
                slots.Release();
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
