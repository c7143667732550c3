using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>
/// One TLS connection to a RadSec server (RFC 6614), from its making to its end; the server makes the next one. Packets sent before the handshake is over wait for
/// it. What is sent while a write is under way leaves with the next write together.
/// </summary>
internal sealed class RadSecSocket(RadiusServer server, RadSecOptions tls, TimeProvider time) : RadiusSocket
{
    private const int MaximumPending = 1 << 20;

    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private readonly bool[] unanswered = new bool[Identifiers];
    private ArrayBufferWriter<byte> pending = new(4096);
    private ArrayBufferWriter<byte> spare = new(4096);
    private SslStream? stream;
    private string? failure;
    private bool writing, closed;

    /// <summary>A verified reply has come over this connection: the server takes our certificate and secret.</summary>
    public bool IsProven { get; set; }

    /// <summary>The handshake is over.</summary>
    public bool IsEstablished => Volatile.Read(ref stream) is not null;

    /// <summary>Timestamp of the last packet received (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    public long ReceivedAt { get; private set; }

    /// <summary>Cancelled when the connection is over.</summary>
    public CancellationToken Ended => stop.Token;

    /// <summary>A reply may come at any time on a stream in order; until then the identifier would meet the authenticator of another request.</summary>
    protected override bool KeepsUnanswered => true;

    public override void Release(byte identifier, bool answered)
    {
        unanswered[identifier] = !answered;
        base.Release(identifier, answered);
    }

    public override void HandleUnclaimed(byte identifier)
    {
        if (!unanswered[identifier] || IsWaiting(identifier)) return;
        unanswered[identifier] = false;
        Return(identifier);
    }

    /// <summary>Connects, shakes hands and receives until the connection ends, which the server is told last.</summary>
    public async Task RunAsync()
    {
        string why;
        try
        {
            using var limit = new CancellationTokenSource(tls.ConnectTimeout, time);
            using var opened = await ConnectAsync(limit).ConfigureAwait(false);
            server.HandleConnected(this, $"{opened.SslProtocol} {opened.NegotiatedCipherSuite}");
            why = await ReceiveAsync(opened).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            why = stop.IsCancellationRequested ? "closed" : "no connection in time";
        }
        catch (Exception error) when (error is IOException or SocketException or AuthenticationException or ObjectDisposedException or InvalidOperationException)
        {
            why = Explain(error);
        }
        Close(why);
        server.HandleClosed(this, failure!);
    }

    public override bool TrySend(ReadOnlySpan<byte> packet)
    {
        lock (gate)
        {
            if (closed || pending.WrittenCount + packet.Length > MaximumPending) return false;
            pending.Write(packet);
            if (stream is null || writing) return true;
            writing = true;
        }
        // Its errors end the connection.
        _ = FlushAsync(stream);
        return true;
    }

    /// <summary>Ends the connection; the first reason given is the one told.</summary>
    public void Close(string reason)
    {
        lock (gate)
        {
            failure ??= reason;
            if (closed) return;
            closed = true;
        }
        stop.Cancel();
    }

    public override void Dispose() => Close("closed");

    private static string Explain(Exception error)
    {
        var inner = error;
        while (inner.InnerException is { } next) inner = next;
        return inner == error ? error.Message : $"{error.Message} ({inner.Message})";
    }

    private async Task<SslStream> ConnectAsync(CancellationTokenSource limit)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop.Token);
        var socket = Open(server.Options, SocketType.Stream, ProtocolType.Tcp);
        SslStream? ssl = null;
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(new IPEndPoint(server.Options.Address, tls.Port), either.Token).ConfigureAwait(false);
            ssl = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
            await ssl.AuthenticateAsClientAsync(Options(), either.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            if (ssl is not null) await ssl.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw;
        }
        lock (gate)
        {
            ReceivedAt = time.GetTimestamp();
            Volatile.Write(ref stream, ssl);
            writing = pending.WrittenCount > 0;
        }
        if (writing) _ = FlushAsync(ssl);
        return ssl;
    }

    private SslClientAuthenticationOptions Options()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            // Addresses that a certificate names are not fetched from.
            DisableCertificateDownloads = true,
            // id-kp-serverAuth
            ApplicationPolicy = { new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1") },
        };
        policy.CustomTrustStore.AddRange(tls.Authorities);
        return new SslClientAuthenticationOptions
        {
            TargetHost = tls.ServerName,
            ClientCertificateContext = tls.Credential,
            CertificateChainPolicy = policy,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        };
    }

    private async Task FlushAsync(SslStream to)
    {
        try
        {
            while (true)
            {
                ArrayBufferWriter<byte> batch;
                lock (gate)
                {
                    if (closed || pending.WrittenCount == 0)
                    {
                        writing = false;
                        return;
                    }
                    (batch, pending, spare) = (pending, spare, pending);
                }
                await to.WriteAsync(batch.WrittenMemory, stop.Token).ConfigureAwait(false);
                batch.ResetWrittenCount();
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            Close(Explain(error));
        }
    }

    /// <summary>Reads packets until the stream ends; gives the reason. RFC 6613 2.6.4: what breaks the framing or fails its authenticators ends the connection.</summary>
    private async Task<string> ReceiveAsync(SslStream from)
    {
        var buffer = new byte[4 * RadiusPacket.MaximumLength];
        var filled = 0;
        while (true)
        {
            var received = await from.ReadAsync(buffer.AsMemory(filled), stop.Token).ConfigureAwait(false);
            if (received == 0) return "the server closed the connection";
            filled += received;
            ReceivedAt = time.GetTimestamp();
            var at = 0;
            while (filled - at >= 4)
            {
                var length = BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(at + 2));
                if (length is < RadiusPacket.HeaderLength or > RadiusPacket.MaximumLength) return $"the server sent a packet of Length {length}";
                if (filled - at < length) break;
                var error = server.HandleReply(this, buffer.AsSpan(at, length));
                if (error is not (RadiusError.None or RadiusError.UnexpectedCode or RadiusError.MissingMessageAuthenticator or RadiusError.UnsolicitedProxyState))
                    return $"the server sent a packet that fails its checks: {error}";
                at += length;
            }
            buffer.AsSpan(at, filled - at).CopyTo(buffer);
            filled -= at;
        }
    }
}
