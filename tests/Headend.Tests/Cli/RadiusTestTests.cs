using System.Net;
using System.Net.Sockets;
using System.Text;
using Headend.Aaa.Radius;
using Headend.Cli;
using Headend.Composition;
using Headend.Configuration;
using Headend.Tests.Configuration;

namespace Headend.Tests.Cli;

public sealed class RadiusTestTests : IDisposable
{
    private const string Secret = "a-shared-secret-of-26-chars";
    private readonly ConfigurationFixture fixture = new();
    private readonly Socket server = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private RadiusCode answer = RadiusCode.AccessAccept;

    public RadiusTestTests()
    {
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _ = Task.Run(Serve);
    }

    public void Dispose()
    {
        server.Dispose();
        fixture.Dispose();
    }

    [Theory]
    [InlineData("radius1")]
    [InlineData("corp")]
    public async Task A_server_or_group_is_asked_by_status_server_and_a_login(string name)
    {
        var (code, output, error) = await RunAsync("radius", "test", name, "--config", Configuration(), "--user", "alice");
        Assert.Equal((ExitCodes.Done, ""), (code, error));
        Assert.Contains("Status-Server to port", output, StringComparison.Ordinal);
        Assert.Contains("answered in", output, StringComparison.Ordinal);
        Assert.Contains("Access-Request for alice: Access-Accept in", output, StringComparison.Ordinal);
        Assert.Contains("Session-Timeout = 77", output, StringComparison.Ordinal);
        Assert.Contains("Cisco-AVPair = ipsec:tunnel-password=(hidden)", output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reject_and_an_unknown_name_fail()
    {
        answer = RadiusCode.AccessReject;
        var (code, output, _) = await RunAsync("radius", "test", "radius1", "--config", Configuration(), "--user", "alice");
        Assert.Equal(ExitCodes.Failed, code);
        Assert.Contains("Access-Request for alice: Access-Reject in", output, StringComparison.Ordinal);
        var (unknown, _, error) = await RunAsync("radius", "test", "radius9", "--config", Configuration());
        Assert.Equal((ExitCodes.Failed, "headend: no RADIUS server or group 'radius9'; configured: radius1, corp\n"), (unknown, error));
    }

    private string Configuration()
    {
        var port = ((IPEndPoint)server.LocalEndPoint!).Port;
        return fixture.Write("radius.yaml", ConfigurationFixture.Complete.Replace(
            "address: 198.51.100.2, auth-port: 1812, acct-port: 1813", $"address: 127.0.0.1, auth-port: {port}, acct-port: {port}", StringComparison.Ordinal));
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(arguments, new CommandLineOptions
        {
            Run = (_, _) => Task.FromResult(0),
            Rules = ConfigurationRules.OfLeaves,
            TestRadius = RadiusTest.RunAsync,
            ReadSecret = _ => "pass-word",
            Output = output,
            Error = error,
        });
        return (code, output.ToString(), error.ToString());
    }

    private void Serve()
    {
        using var secret = RadiusSecret.FromText(Secret);
        var request = new byte[4096];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                server.ReceiveFrom(request, ref from);
                var code = request[0] == RadiusCode.StatusServer.Value ? RadiusCode.AccessAccept : answer;
                var pair = Encoding.ASCII.GetBytes("ipsec:tunnel-password=hunter2");
                byte[] reply =
                [
                    code.Value, request[1], 0, 0, .. new byte[16], 80, 18, .. new byte[16], 27, 6, 0, 0, 0, 77,
                    26, (byte)(8 + pair.Length), 0, 0, 0, 9, 1, (byte)(2 + pair.Length), .. pair,
                ];
                RadiusAuthenticatorCodec.Seal(reply, 22, request.AsSpan(4, 16), secret);
                server.SendTo(reply, from);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
