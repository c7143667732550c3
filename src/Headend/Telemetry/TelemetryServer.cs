using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using Headend.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Headend.Telemetry;

/// <summary>The OpenTelemetry providers and the Prometheus endpoint of one process, as configured. Disposal flushes what is still to be sent.</summary>
internal sealed class TelemetryServer : IAsyncDisposable
{
    private static readonly TimeSpan CollectTimeout = TimeSpan.FromSeconds(5);

    private readonly MeterProvider? meters;
    private readonly TracerProvider? tracer;
    private readonly WebApplication? web;

    private TelemetryServer(MeterProvider? meters, TracerProvider? tracer, WebApplication? web)
    {
        this.meters = meters;
        this.tracer = tracer;
        this.web = web;
    }

    /// <summary>Where /metrics is served; null when not configured.</summary>
    public IPEndPoint? PrometheusEndPoint { get; private init; }

    /// <exception cref="IOException">The Prometheus address cannot be used.</exception>
    public static async Task<TelemetryServer> StartAsync(TelemetryOptions options, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var prometheus = options.PrometheusListen is null ? null : new PrometheusObserver();
        var meters = Meters(options, prometheus);
        var tracer = Tracer(options);
        if (prometheus is null || options.PrometheusListen is not { } listen)
            return new TelemetryServer(meters, tracer, web: null);
        var web = await ServeAsync(listen, prometheus, loggers, cancellation);
        var bound = web.Urls.Select(u => new Uri(u).Port).FirstOrDefault(listen.Port);
        return new TelemetryServer(meters, tracer, web) { PrometheusEndPoint = new IPEndPoint(listen.Address, bound) };
    }

    public async ValueTask DisposeAsync()
    {
        if (web is not null)
        {
            await web.StopAsync();
            await web.DisposeAsync();
        }
        tracer?.Dispose();
        meters?.Dispose();
    }

    private static MeterProvider? Meters(TelemetryOptions options, PrometheusObserver? prometheus)
    {
        if (prometheus is null && options.OtlpEndpoint is null)
            return null;
        var builder = Sdk.CreateMeterProviderBuilder().AddMeter(HeadendMetrics.MeterName).ConfigureResource(r => Describe(r, options));
        if (prometheus is not null)
            builder.AddReader(new BaseExportingMetricReader(prometheus));
        if (options.OtlpEndpoint is { } endpoint)
            builder.AddOtlpExporter(o => Aim(o, endpoint));
        return builder.Build();
    }

    private static TracerProvider? Tracer(TelemetryOptions options) => options.OtlpEndpoint is not { } endpoint ? null : Sdk.CreateTracerProviderBuilder()
        .AddSource(LoginTrace.SourceName)
        .ConfigureResource(r => Describe(r, options))
        .AddOtlpExporter(o => Aim(o, endpoint))
        .Build();

    private static void Describe(ResourceBuilder resource, TelemetryOptions options) =>
        resource.AddService(options.ServiceName, serviceVersion: Version, serviceInstanceId: Environment.MachineName);

    private static void Aim(OtlpExporterOptions exporter, Uri endpoint)
    {
        exporter.Endpoint = endpoint;
        exporter.Protocol = OtlpExportProtocol.Grpc;
    }

    internal static string Version { get; } =
        typeof(TelemetryServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private static async Task<WebApplication> ServeAsync(
        IPEndPoint listen, PrometheusObserver prometheus, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 16;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Listen(listen, o => o.Protocols = HttpProtocols.Http1);
        });
        var web = builder.Build();
        web.Run(context => AnswerAsync(context, prometheus));
        try
        {
            await web.StartAsync(cancellation);
            return web;
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await web.DisposeAsync();
            throw new IOException($"cannot serve metrics at {listen}: {error.Message}", error);
        }
    }

    private static Task AnswerAsync(HttpContext context, PrometheusObserver prometheus)
    {
        if (context.Request.Path.Value != "/metrics" || context.Request.Method is not ("GET" or "HEAD"))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        if (prometheus.CollectText(CollectTimeout) is not { } text)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        }
        var octets = Encoding.UTF8.GetBytes(text);
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.ContentLength = octets.Length;
        return context.Request.Method == "HEAD" ? Task.CompletedTask : context.Response.Body.WriteAsync(octets).AsTask();
    }
}
