using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Server;

/// <summary>
/// The UDP ports of dynamic authorization (RFC 5176: 3799; Cisco's older 1700). One receiver per socket checks each datagram; what passes is performed asynchronously,
/// so that a slow session delays nobody else's answer.
/// </summary>
public sealed class DynamicAuthorizationServer : IAsyncDisposable
{
    private readonly DynamicAuthorizationChecks checks;
    private readonly IDynamicAuthorizationHandler handler;
    private readonly IDynamicAuthorizationObserver observer;
    private readonly List<SourceAddressSocket> sockets = [];
    private readonly List<Task> receivers = [];

    /// <summary>Binds; nothing is received before <see cref="Start"/>.</summary>
    /// <exception cref="SocketException">An address or port cannot be used.</exception>
    public DynamicAuthorizationServer(
        IEnumerable<IPEndPoint> endPoints, DynamicAuthorizationChecks checks, IDynamicAuthorizationHandler handler, IDynamicAuthorizationObserver observer)
    {
        this.checks = checks;
        this.handler = handler;
        this.observer = observer;
        try
        {
            foreach (var endPoint in endPoints) sockets.Add(new SourceAddressSocket(endPoint));
        }
        catch (SocketException)
        {
            foreach (var socket in sockets) socket.Dispose();
            throw;
        }
    }

    /// <summary>Where the server listens, with the ports that were chosen where 0 was asked for.</summary>
    public ImmutableArray<IPEndPoint> EndPoints => [.. sockets.Select(static s => s.LocalEndPoint)];

    public void Start()
    {
        foreach (var socket in sockets) receivers.Add(ReceiveAsync(socket));
    }

    /// <summary>Stops receiving. Requests under way end without an answer.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var socket in sockets) socket.Dispose();
        await Task.WhenAll(receivers).ConfigureAwait(false);
    }

    private async Task ReceiveAsync(SourceAddressSocket socket)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(RadiusPacket.MaximumLength + 1, pinned: true);
        while (await socket.ReceiveAsync(buffer).ConfigureAwait(false) is var (length, source, local)) Handle(socket, buffer.AsSpan(0, length), source, local);
    }

    private void Handle(SourceAddressSocket socket, ReadOnlySpan<byte> datagram, IPEndPoint source, IPAddress local)
    {
        var verdict = checks.Check(datagram, source, local);
        if (verdict.Request is { } request)
        {
            _ = PerformAsync(socket, request);
        }
        else if (verdict.Reply is { } reply)
        {
            if (verdict.Overloaded) observer.Overloaded(source);
            else observer.Repeated(source);
            socket.Send(reply, source, local);
        }
        else
        {
            observer.Discarded(source, verdict.Discard);
        }
    }

    private async Task PerformAsync(SourceAddressSocket socket, DynamicAuthorizationRequest request)
    {
        // Off the receiver: a request that completes at once must not hold up the next datagram.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var answered = false;
        try
        {
            var outcome = await handler.HandleAsync(request).ConfigureAwait(false);
            var reply = checks.Complete(request, outcome.Cause);
            answered = true;
            socket.Send(reply, request.Source, request.Local);
        }
        finally
        {
            if (!answered) checks.Abandon(request);
        }
    }
}
