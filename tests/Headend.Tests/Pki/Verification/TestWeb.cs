using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Headend.Tests.Pki.Verification;

/// <summary>An HTTP server on loopback that says what a test wants, and counts.</summary>
internal sealed class TestWeb : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private int requests;

    public TestWeb(Func<byte[], byte[]> answer)
    {
        Answer = answer;
        listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Makes the body of the body that came.</summary>
    public Func<byte[], byte[]> Answer { get; set; }

    public string StatusLine { get; set; } = "200 OK";

    /// <summary>Before the answer.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>No answer before it is over.</summary>
    public Task Hold { get; set; } = Task.CompletedTask;

    /// <summary>No Content-Length: the end of the connection ends the body.</summary>
    public bool HidesLength { get; set; }

    /// <summary>The connection ends without an answer.</summary>
    public bool BreaksOff { get; set; }

    public int Requests => Volatile.Read(ref requests);

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Host => $"127.0.0.1:{Port}";

    public void Dispose()
    {
        ending.Cancel();
        listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptTcpClientAsync(ending.Token));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var body = await ReadAsync(stream);
                Interlocked.Increment(ref requests);
                await Hold.WaitAsync(ending.Token);
                await Task.Delay(Delay, ending.Token);
                if (BreaksOff)
                    return;
                var answer = Answer(body);
                var length = HidesLength ? "" : $"Content-Length: {answer.Length}\r\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {StatusLine}\r\n{length}Location: http://127.0.0.1:9/\r\nConnection: close\r\n\r\n"), ending.Token);
                await stream.WriteAsync(answer, ending.Token);
            }
            catch (Exception ended) when (ended is OperationCanceledException or IOException)
            {
            }
        }
    }

    private async Task<byte[]> ReadAsync(NetworkStream stream)
    {
        var whole = new List<byte>();
        var part = new byte[4096];
        var header = -1;
        var length = 0;
        while (header < 0 || whole.Count < header + length)
        {
            var read = await stream.ReadAsync(part, ending.Token);
            if (read == 0)
                break;
            whole.AddRange(part.AsSpan(0, read));
            var text = Encoding.Latin1.GetString([.. whole]);
            if (header >= 0 || text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is not (>= 0 and var end))
                continue;
            header = end + 4;
            var field = text[..end].Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
            length = field is null ? 0 : int.Parse(field.AsSpan(15), System.Globalization.CultureInfo.InvariantCulture);
        }

        return header < 0 ? [] : [.. whole[header..]];
    }
}
