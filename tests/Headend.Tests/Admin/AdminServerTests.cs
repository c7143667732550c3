using System.Net.Sockets;
using System.Text;
using Headend.Admin;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Admin;

public sealed class AdminServerTests
{
    [Fact]
    public async Task Only_the_owner_may_open_the_socket_and_it_goes_with_the_server()
    {
        await using var backend = await new SocketBackend().StartAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(backend.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(backend.Path)!));
        await backend.StopAsync();
        Assert.False(File.Exists(backend.Path));
    }

    [Fact]
    public async Task A_second_headend_is_refused_and_the_first_goes_on()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var error = await Assert.ThrowsAsync<AdminSocketException>(
            () => AdminServer.StartAsync(backend.Path, backend, NullLoggerFactory.Instance, CancellationToken.None));
        Assert.Contains("another headend runs", error.Message, StringComparison.Ordinal);
        using var client = new AdminClient(backend.Path);
        Assert.Empty(await client.GetSessionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_socket_of_a_dead_headend_is_taken_over()
    {
        await using var backend = new SocketBackend();
        Directory.CreateDirectory(Path.GetDirectoryName(backend.Path)!);
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            dead.Bind(new UnixDomainSocketEndPoint(backend.Path + "2"));
        // .NET removes the file with its socket; a killed process does not. A bound, never listening one looks the same to a peer.
        using var silent = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        silent.Bind(new UnixDomainSocketEndPoint(backend.Path));

        await backend.StartAsync();

        using var client = new AdminClient(backend.Path);
        Assert.Empty(await client.GetSessionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task An_ordinary_file_is_left_alone()
    {
        await using var backend = new SocketBackend();
        Directory.CreateDirectory(Path.GetDirectoryName(backend.Path)!);
        await File.WriteAllTextAsync(backend.Path, "precious");
        await Assert.ThrowsAsync<AdminSocketException>(backend.StartAsync);
        Assert.Equal("precious", await File.ReadAllTextAsync(backend.Path));
    }

    [Theory]
    [InlineData("GET /v1/none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "404")]
    [InlineData("POST /v1/pools HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "405")]
    [InlineData("POST /v1/crypto/sessions/clear HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "400")]
    [InlineData("POST /v1/crypto/sessions/clear HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 24\r\n\r\n{\"id\":\"1\",\"user\":\"alice\"}", "400")]
    [InlineData("POST /v1/crypto/sessions/clear HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 14\r\n\r\n{\"remote\":\"x\"}", "400")]
    [InlineData("POST /v1/crypto/sessions/clear HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n", "413")]
    [InlineData("nonsense\r\n\r\n", "400")]
    public async Task A_request_outside_the_contract_is_refused(string request, string status)
    {
        await using var backend = await new SocketBackend().StartAsync();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(backend.Path));
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
        var answer = new byte[12];
        var count = 0;
        while (count < answer.Length && await socket.ReceiveAsync(answer.AsMemory(count)) is var read and > 0)
            count += read;
        Assert.Equal($"HTTP/1.1 {status}", Encoding.ASCII.GetString(answer, 0, count));
        Assert.Empty(backend.Clears);
    }
}
