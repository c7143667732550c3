using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2;
using Headend.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Headend.Clients;

/// <summary>
/// The HTTPS service that the downloader of AnyConnect clients asks behind a login. Strangers can reach it: it answers GET and HEAD with what is in memory since the
/// start, takes no body, and keeps nothing of anybody but how often a source came. A connection is good for one answer. No path of a request reaches the file system.
/// </summary>
internal sealed partial class ClientServiceServer : IAsyncDisposable
{
    /// <summary>serverAuth, RFC 5280 4.2.1.12.</summary>
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>Texts of the client's interface, which it asks for under names of its own.</summary>
    private const string Translations = "/+CSCOT+/";

    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(10);

    /// <summary>From accept to end, whatever the client does: enough for the largest profile over a slow line.</summary>
    private static readonly TimeSpan MostAge = TimeSpan.FromSeconds(30);

    private readonly WebApplication application;
    private readonly X509Certificate2 certificate;

    private ClientServiceServer(WebApplication application, X509Certificate2 certificate, IPEndPoint listen)
    {
        this.application = application;
        this.certificate = certificate;
        var port = application.Urls.Select(u => new Uri(u).Port).FirstOrDefault(listen.Port);
        EndPoint = new IPEndPoint(listen.Address, port);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <exception cref="IOException">The address or the certificate cannot be used.</exception>
    public static async Task<ClientServiceServer> StartAsync(
        IPEndPoint listen, IkeCredential credential, FrozenDictionary<string, ClientServiceFile> files, ILoggerFactory loggers, CancellationToken cancellation)
    {
        // Kestrel would throw, and IKE has no such rule.
        var usages = credential.Leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().ToList();
        if (usages.Count > 0 && !usages.Exists(u => u.EnhancedKeyUsages.Cast<Oid>().Any(o => o.Value == ServerAuthentication)))
            throw new IOException($"client-services: the certificate {credential.Leaf.Subject} is not for TLS: its extended key usage lacks serverAuth ({ServerAuthentication})");
        var certificate = WithKey(credential);
        var https = new HttpsConnectionAdapterOptions
        {
            ServerCertificate = certificate,
            ServerCertificateChain = [.. credential.ChainDer.Skip(1).Select(der => X509CertificateLoader.LoadCertificate(der.Span))],
            HandshakeTimeout = HandshakeTimeout,
        };
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Limit(kestrel, listen, https, loggers.CreateLogger("headend")));
        var application = builder.Build();
        application.Run(context => AnswerAsync(context, files));
        try
        {
            await application.StartAsync(cancellation);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await application.DisposeAsync();
            certificate.Dispose();
            throw new IOException($"client-services: cannot listen at {listen}: {error.Message}", error);
        }

        return new ClientServiceServer(application, certificate, listen);
    }

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
        certificate.Dispose();
    }

    private static X509Certificate2 WithKey(IkeCredential credential) => credential.PrivateKey switch
    {
        RSA rsa => credential.Leaf.CopyWithPrivateKey(rsa),
        ECDsa ecdsa => credential.Leaf.CopyWithPrivateKey(ecdsa),
        var other => throw new NotSupportedException(other.GetType().Name),
    };

    private static void Limit(KestrelServerOptions kestrel, IPEndPoint listen, HttpsConnectionAdapterOptions https, ILogger logger)
    {
        kestrel.AddServerHeader = false;
        // The gate counts: Kestrel would log each connection that it refuses, and strangers make as many as they like.
        kestrel.Limits.MaxConcurrentConnections = null;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestLineSize = 1024;
        kestrel.Limits.MaxRequestBufferSize = 16 * 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        kestrel.Limits.MaxRequestHeaderCount = 32;
        kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = IdleTimeout;
        var gate = new ClientServiceGate(TimeProvider.System);
        var logged = new UnauthenticatedLogLimits(TimeProvider.System);
        kestrel.Listen(listen, options =>
        {
            options.Protocols = HttpProtocols.Http1;
            options.Use(next => connection => AdmitAsync(connection, next, gate, address => Refused(logger, logged, address)));
            options.UseHttps(https);
        });
    }

    private static void Refused(ILogger logger, UnauthenticatedLogLimits limits, IPAddress address)
    {
        if (limits.TryAdmit(IkeEndpoint.SourceOf(address), "client-services", out var suppressed))
            LogRefused(logger, address, suppressed);
    }

    private static async Task AdmitAsync(ConnectionContext connection, ConnectionDelegate next, ClientServiceGate gate, Action<IPAddress> refused)
    {
        if (connection.RemoteEndPoint is not IPEndPoint remote || !gate.TryEnter(remote))
        {
            if (connection.RemoteEndPoint is IPEndPoint { Address: var address })
                refused(address);
            connection.Abort();
            return;
        }

        try
        {
            using var age = new CancellationTokenSource(MostAge);
            using var _ = age.Token.UnsafeRegister(static state => ((ConnectionContext)state!).Abort(), connection);
            await next(connection);
        }
        finally
        {
            gate.Leave(remote);
        }
    }

    private static Task AnswerAsync(HttpContext context, FrozenDictionary<string, ClientServiceFile> files)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.Connection = "close";
        var isHead = HttpMethods.IsHead(request.Method);
        if (!isHead && !HttpMethods.IsGet(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = "GET, HEAD";
            return Task.CompletedTask;
        }

        var path = request.Path.Value ?? "";
        if (!files.TryGetValue(path, out var file))
            file = path.StartsWith(Translations, StringComparison.Ordinal) ? ClientServiceFile.EmptyManifest : null;
        if (file is null)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        response.ContentType = file.ContentType;
        response.ContentLength = file.Octets.Length;
        return isHead ? Task.CompletedTask : response.Body.WriteAsync(file.Octets, context.RequestAborted).AsTask();
    }

    [LoggerMessage(EventId = 1191, EventName = "client-services-refused", Level = LogLevel.Information, Message = "address={Address} suppressed={Suppressed}: more connections of this source, or of all, than client-services takes at a time or in a time")]
    private static partial void LogRefused(ILogger logger, IPAddress address, long suppressed);
}
