using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Clients;
using Headend.Eap.AnyConnect;
using Headend.Ikev2;
using Headend.TestKit.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Clients;

/// <summary>The HTTPS service for AnyConnect clients: what there is, and that nothing else comes of whatever is asked.</summary>
public sealed class ClientServiceServerTests : IAsyncLifetime
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA");
    private static readonly TestAuthority Between = Root.CreateBelow("CN=Sub CA", TestAuthority.GeneratorOf(ECDsa.Create(ECCurve.NamedCurves.nistP256)));

    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private ClientServiceServer server = null!;
    private X509Certificate2 certificate = null!;

    public async Task InitializeAsync()
    {
        certificate = Between.Issue(new TestSubject("CN=gw.example") { DnsNames = ["gw.example"], Usages = ["1.3.6.1.5.5.7.3.1"] }, key);
        var told = new AnyConnectCompleteOptions { BasePackageUri = "/CACHE/stc/2/", ProfileUri = "/profiles/p.xml" };
        server = await ClientServiceServer.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), new IkeCredential(certificate, [certificate.RawDataMemory, Between.Der], key),
            ClientServiceFile.All([(told, Encoding.ASCII.GetBytes("<AnyConnectProfile/>")), (new AnyConnectCompleteOptions(), null)]), NullLoggerFactory.Instance, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await server.DisposeAsync();
        key.Dispose();
    }

    /// <summary>A certificate for IKE alone does not do for TLS; a certificate without usages does for everything.</summary>
    [Theory]
    [InlineData("1.3.6.1.5.5.8.2.2", false)]
    [InlineData("1.3.6.1.5.5.8.2.2 1.3.6.1.5.5.7.3.1", true)]
    [InlineData("", true)]
    public async Task A_certificate_that_is_not_for_TLS_is_named(string usages, bool good)
    {
        using var leaf = Between.Issue(new TestSubject("CN=ike.example") { DnsNames = ["ike.example"], Usages = usages.Length == 0 ? null : usages.Split(' ') }, key);
        Task<ClientServiceServer> Start() => ClientServiceServer.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), new IkeCredential(leaf, [leaf.RawDataMemory], key), ClientServiceFile.All([]), NullLoggerFactory.Instance, CancellationToken.None);
        if (good)
            await (await Start()).DisposeAsync();
        else
            Assert.Contains("CN=ike.example is not for TLS", (await Assert.ThrowsAsync<IOException>(Start)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/profiles/p.xml", "text/xml", "<AnyConnectProfile/>")]
    [InlineData("/profiles/p.xml?x=1", "text/xml", "<AnyConnectProfile/>")]
    [InlineData("/1/index.html", "text/html", "<html></html>")]
    [InlineData("/1/Linux_64", "text/html", "<html></html>")]
    [InlineData("/CACHE/stc/2/Windows", "text/html", "<html></html>")]
    [InlineData("/CACHE/stc/2/binaries/update.txt", "text/plain", "0,0,0000")]
    [InlineData("/1/binaries/vpndownloader.sh", "application/x-shellscript", "#!/bin/sh\n\nexit 0")]
    [InlineData("/1/VPNManifest.xml", "text/xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vpn rev=\"1.0\">\n</vpn>")]
    [InlineData("/+CSCOT+/translation-table?textdomain=AnyConnect", "text/xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vpn rev=\"1.0\">\n</vpn>")]
    public async Task What_a_downloader_asks_for(string path, string type, string text)
    {
        var answer = await AskAsync($"GET {path} HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Contains($"Content-Type: {type}\r\n", answer, StringComparison.Ordinal);
        Assert.Equal(text, answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..].TrimEnd('\n'));
        var head = await AskAsync($"HEAD {path} HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", head, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /etc/passwd HTTP/1.1", "404")]
    [InlineData("GET /profiles/../../../../etc/passwd HTTP/1.1", "404")]
    [InlineData("GET /profiles/%2e%2e/%2e%2e/etc/passwd HTTP/1.1", "404")]
    [InlineData("GET /profiles/..%2f..%2fetc%2fpasswd HTTP/1.1", "404")]
    [InlineData("GET /profiles/ HTTP/1.1", "404")]
    [InlineData("GET /profiles/P.xml HTTP/1.1", "404")]
    [InlineData("GET //etc/passwd HTTP/1.1", "404")]
    [InlineData("GET /profiles/p.xml%00 HTTP/1.1", "400")]
    [InlineData("PUT /profiles/p.xml HTTP/1.1", "405")]
    [InlineData("POST /+CSCOT+/x HTTP/1.1\r\nContent-Length: 1000000000", "405")]
    [InlineData("nonsense", "400")]
    public async Task Everything_else_is_refused(string start, string status) =>
        Assert.StartsWith($"HTTP/1.1 {status} ", await AskAsync($"{start}\r\nHost: gw.example\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);

    [Fact]
    public async Task Long_lines_and_many_headers_are_refused()
    {
        Assert.StartsWith("HTTP/1.1 414 ", await AskAsync($"GET /{new string('a', 1100)} HTTP/1.1\r\nHost: x\r\n\r\n"), StringComparison.Ordinal);
        var many = string.Concat(Enumerable.Range(0, 40).Select(i => $"X-{i}: 1\r\n"));
        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync($"GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync($"GET / HTTP/1.1\r\nHost: x\r\nX: {new string('a', 9000)}\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_is_good_for_one_answer()
    {
        var answer = await AskAsync("GET /1/index.html HTTP/1.1\r\nHost: gw.example\r\n\r\nGET /1/index.html HTTP/1.1\r\nHost: gw.example\r\n\r\n");
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Equal(0, answer.LastIndexOf("HTTP/1.1 200 ", StringComparison.Ordinal));
        Assert.Contains("\r\nConnection: close\r\n", await AskAsync("GET /nothing HTTP/1.1\r\nHost: gw.example\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_source_does_not_take_the_service_from_others()
    {
        const string Request = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
        var held = new List<TcpClient>();
        for (var i = 0; i < ClientServiceGate.MostOpen; i++)
        {
            held.Add(new TcpClient());
            await held[^1].ConnectAsync(server.EndPoint);
        }

        // Closed before TLS, as soon as the server has seen those that wait.
        await UntilAsync(async () => await Record.ExceptionAsync(() => AskAsync(Request)) is IOException or SocketException);
        held.ForEach(static h => h.Dispose());
        await UntilAsync(async () => await Record.ExceptionAsync(async () => Assert.StartsWith("HTTP/1.1 404 ", await AskAsync(Request), StringComparison.Ordinal)) is null);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 40 && !await condition(); i++)
            await Task.Delay(100);
        Assert.True(await condition());
    }

    [Fact]
    public async Task An_address_in_use_is_said() => Assert.Contains(
        server.EndPoint.ToString(),
        (await Assert.ThrowsAsync<IOException>(() => ClientServiceServer.StartAsync(
            server.EndPoint, new IkeCredential(certificate, [certificate.RawDataMemory], key), ClientServiceFile.All([]), NullLoggerFactory.Instance, CancellationToken.None))).Message,
        StringComparison.Ordinal);

    // The chain comes with the certificate: a client that knows the root alone is satisfied.
    private async Task<string> AskAsync(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.EndPoint);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "gw.example",
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { Root.Certificate }, RevocationMode = X509RevocationMode.NoCheck },
        });
        await tls.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var text = new MemoryStream();
        try
        {
            await tls.CopyToAsync(text);
        }
        catch (IOException)
        {
            // The connection was cut behind the answer.
        }

        return Encoding.ASCII.GetString(text.ToArray());
    }
}
