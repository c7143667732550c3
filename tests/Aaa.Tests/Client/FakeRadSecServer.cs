using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>A RADIUS server over TLS on loopback that wants a client certificate of the test's authority.</summary>
internal sealed class FakeRadSecServer : IDisposable
{
    private readonly TcpListener listener;
    private readonly TestPki pki;
    private readonly X509Certificate2 certificate;
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentBag<TcpClient> connections = [];

    public FakeRadSecServer(string name, TestPki pki, Func<RadiusPacket, IEnumerable<byte[]>> answer, int port = 0)
    {
        this.pki = pki;
        certificate = pki.Issue("radius.example.com", isServer: true);
        Answer = answer;
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        Options = new RadiusServerOptions(name, IPAddress.Loopback, Secret)
        {
            RequireMessageAuthenticator = MessageAuthenticatorRule.Eap,
            StatusServer = StatusServerRule.Auto,
            RadSec = new RadSecOptions("radius.example.com", pki.Authorities, SslStreamCertificateContext.Create(pki.Issue("headend", isServer: false), null, offline: true))
            {
                Port = ((IPEndPoint)listener.LocalEndpoint).Port,
            },
        };
        _ = Task.Run(AcceptAsync);
    }

    public static RadiusSecret Secret { get; } = RadiusSecret.FromText(RadSecOptions.SharedSecret);

    public RadiusServerOptions Options { get; set; }

    public Func<RadiusPacket, IEnumerable<byte[]>> Answer { get; set; }

    public SslProtocols Protocols { get; set; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    public int Port => Options.RadSec!.Port;

    /// <summary>Handshakes that ended well.</summary>
    public int Accepted => accepted;

    public ConcurrentQueue<RadiusPacket> Received { get; } = new();

    private int accepted;

    public static IEnumerable<byte[]> Reply(RadiusPacket request) =>
        [Wire.Reply(request, request.Code == RadiusCode.AccountingRequest ? RadiusCode.AccountingResponse : RadiusCode.AccessAccept, Secret, messageAuthenticator: false)];

    /// <summary>Breaks every connection that stands.</summary>
    public void Cut()
    {
        while (connections.TryTake(out var connection)) connection.Client?.Close(0);
    }

    public void Dispose()
    {
        stop.Cancel();
        listener.Stop();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        connections.Add(connection);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(pki.Authorities);
        await using var tls = new SslStream(connection.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificate = certificate, ClientCertificateRequired = true, CertificateChainPolicy = policy, EnabledSslProtocols = Protocols }, stop.Token);
            Interlocked.Increment(ref accepted);
            var buffer = new byte[4096];
            while (true)
            {
                await tls.ReadExactlyAsync(buffer.AsMemory(0, 4), stop.Token);
                var length = BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(2));
                await tls.ReadExactlyAsync(buffer.AsMemory(4, length - 4), stop.Token);
                Assert.True(RadiusPacket.TryParse(buffer.AsSpan(0, length), out var packet, out _));
                Received.Enqueue(packet);
                foreach (var reply in Answer(packet)) await tls.WriteAsync(reply, stop.Token);
            }
        }
        catch (Exception error) when (error is IOException or AuthenticationException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            connection.Dispose();
        }
    }
}
