using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Headend.Aaa.Client;

/// <summary>
/// One way to one port of one server with its 256 identifiers: a UDP source port or a TLS connection. The slots change only under the lock of the server.
/// </summary>
internal abstract class RadiusSocket : IDisposable
{
    public const int Identifiers = 256;

    private readonly RadiusExchange?[] exchanges = new RadiusExchange?[Identifiers];
    private readonly byte[] authenticators = new byte[Identifiers * 16];
    private readonly bool[] answerable = new bool[Identifiers];
    // Identifiers wait in a queue, so that one comes back as late as possible: a late answer to its last use must not meet its next one.
    private readonly byte[] free = new byte[Identifiers];
    private int head;

    protected RadiusSocket()
    {
        for (var i = 0; i < Identifiers; i++) free[i] = (byte)i;
        System.Security.Cryptography.RandomNumberGenerator.Shuffle<byte>(free);
        Available = Identifiers;
    }

    public int Available { get; private set; }

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

    /// <param name="identifier">Taken before.</param>
    /// <param name="answered">Whether its reply has come.</param>
    public virtual void Release(byte identifier, bool answered)
    {
        exchanges[identifier] = null;
        if (answered || !KeepsUnanswered) Return(identifier);
    }

    public bool TryFind(byte identifier, Span<byte> authenticator, out RadiusExchange? exchange)
    {
        exchange = answerable[identifier] ? exchanges[identifier] : null;
        authenticators.AsSpan(identifier * 16, 16).CopyTo(authenticator);
        return exchange is not null;
    }

    /// <summary>A reply to an identifier that nobody waits on.</summary>
    public virtual void HandleUnclaimed(byte identifier)
    {
    }

    /// <summary>Sends or queues; false when it will not arrive, which a retransmission repairs like any loss.</summary>
    public abstract bool TrySend(ReadOnlySpan<byte> packet);

    public abstract void Dispose();

    /// <summary>Whether an identifier whose reply never came stays out of use.</summary>
    protected virtual bool KeepsUnanswered => false;

    protected void Return(byte identifier)
    {
        free[(head + Available) % Identifiers] = identifier;
        Available++;
    }

    protected bool IsWaiting(byte identifier) => exchanges[identifier] is not null;

    /// <summary>A socket of the right family, bound to the configured source.</summary>
    /// <exception cref="SocketException">The source is not ours.</exception>
    internal static Socket Open(RadiusServerOptions options, SocketType type, ProtocolType protocol)
    {
        var socket = new Socket(options.Address.AddressFamily, type, protocol);
        try
        {
            if (options.SourceInterface is { } device)
            {
                const int solSocket = 1, soBindToDevice = 25;
                socket.SetRawSocketOption(solSocket, soBindToDevice, Encoding.ASCII.GetBytes(device + '\0'));
            }
            if (options.SourceAddress is { } source) socket.Bind(new IPEndPoint(source, 0));
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
        return socket;
    }
}
