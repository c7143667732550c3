using System.Net;
using System.Net.Sockets;

namespace Headend.Aaa.Client;

/// <summary>
/// One source port towards one port of one server, with its 256 identifiers. Connected, so that the kernel drops what comes from elsewhere and
/// reports a closed port. The slots change only under the lock of the server.
/// </summary>
internal sealed class RadiusSocket : IDisposable
{
    public const int Identifiers = 256;

    private readonly Socket socket;
    private readonly RadiusServer server;
    private readonly RadiusExchange?[] exchanges = new RadiusExchange?[Identifiers];
    private readonly byte[] authenticators = new byte[Identifiers * 16];
    private readonly bool[] answerable = new bool[Identifiers];
    // Identifiers wait in a queue, so that one comes back as late as possible: a late answer to its last use must not meet its next one.
    private readonly byte[] free = new byte[Identifiers];
    private int head;

    public RadiusSocket(RadiusServer server, IPEndPoint remote, IPAddress? source)
    {
        this.server = server;
        socket = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (source is not null) socket.Bind(new IPEndPoint(source, 0));
            // Replies to a burst of logins arrive as a burst; the kernel caps this at rmem_max.
            socket.ReceiveBufferSize = 1 << 20;
            socket.Connect(remote);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
        for (var i = 0; i < Identifiers; i++) free[i] = (byte)i;
        System.Security.Cryptography.RandomNumberGenerator.Shuffle<byte>(free);
        Available = Identifiers;
    }

    public int Available { get; private set; }

    public byte Take(RadiusExchange exchange)
    {
        var identifier = free[head];
        head = (head + 1) % Identifiers;
        Available--;
        exchanges[identifier] = exchange;
        // The authenticator of the last use still stands here: a late answer to that one must not verify for this one.
        answerable[identifier] = false;
        return identifier;
    }

    /// <summary>From here on a reply to the identifier is looked at.</summary>
    public void SetAuthenticator(byte identifier, ReadOnlySpan<byte> authenticator)
    {
        authenticator.CopyTo(authenticators.AsSpan(identifier * 16, 16));
        answerable[identifier] = true;
    }

    public void Release(byte identifier)
    {
        exchanges[identifier] = null;
        free[(head + Available) % Identifiers] = identifier;
        Available++;
    }

    public bool TryFind(byte identifier, Span<byte> authenticator, out RadiusExchange? exchange)
    {
        exchange = answerable[identifier] ? exchanges[identifier] : null;
        authenticators.AsSpan(identifier * 16, 16).CopyTo(authenticator);
        return exchange is not null;
    }

    /// <summary>The exchanges waiting on this socket; called under the server's lock.</summary>
    public IEnumerable<RadiusExchange> Waiting
    {
        get
        {
            foreach (var exchange in exchanges)
            {
                if (exchange is not null) yield return exchange;
            }
        }
    }

    /// <summary>Sends; false when the kernel would not take it, which a retransmission repairs like any loss.</summary>
    public bool TrySend(ReadOnlySpan<byte> packet)
    {
        // An ICMP error of an earlier datagram is reported at the next call, which then sends nothing: once more.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                socket.Send(packet, SocketFlags.None);
                return true;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
            {
                server.HandleRefused(this);
            }
            catch (SocketException)
            {
                return false;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
        return false;
    }

    /// <summary>Receives until the socket is disposed.</summary>
    public async Task ReceiveAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(Radius.RadiusPacket.MaximumLength + 1, pinned: true);
        while (true)
        {
            int length;
            try
            {
                length = await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None).ConfigureAwait(false);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return;
            }
            catch (SocketException error)
            {
                if (error.SocketErrorCode == SocketError.ConnectionRefused) server.HandleRefused(this);
                continue;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            server.HandleReply(this, buffer.AsSpan(0, length));
        }
    }

    public void Dispose() => socket.Dispose();
}
