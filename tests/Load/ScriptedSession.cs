using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Headend.Ikev2;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>One client's session over UDP from its login to its Delete, with the packets of a TUN device inside where one is named.</summary>
/// <param name="options">How it logs in.</param>
/// <param name="gateway">Its address; port 4500.</param>
/// <param name="tun">The device; null = no packets.</param>
/// <param name="save">File for session-id and token; null = they are not kept.</param>
/// <param name="hold">From the login to the Delete.</param>
internal sealed class ScriptedSession(TestInitiatorOptions options, IPAddress gateway, string? tun, string? save, TimeSpan hold)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    private readonly byte[] _buffer = new byte[65_536];
    private readonly byte[] _packet = new byte[65_536 - ClientEsp.MostOverhead];

    private static MonotonicTime Now => new(Stopwatch.GetElapsedTime(0).Ticks);

    /// <summary>Prints what came of it, the login as soon as it is over.</summary>
    /// <param name="peer">The AnyConnect-EAP of this login, once it has begun.</param>
    /// <returns>Exit code: 1 if the login failed.</returns>
    public int Run(Func<AnyConnectPeer?> peer)
    {
        // A headend without NAT between would send ESP as IP protocol 50, which a UDP socket does not see.
        using var socket = new LoadSocket(new IPEndPoint(gateway, 4500), marker: true, behindNat: tun is not null);
        var initiator = new TestInitiator(options, socket.Path);
        initiator.Start(Now);
        Drive(socket, initiator, null, null, () => initiator.Outcome is not InitiatorOutcome.Pending);
        Tell(initiator, peer());
        if (initiator.Outcome is not InitiatorOutcome.Established)
            return 1;
        if (save is not null)
            Save(initiator, save);
        using var device = tun is null ? null : new TunPort(tun);
        using var esp = device is null ? null : new ClientEsp(initiator.Children[0]);
        var until = Now + hold;
        Drive(socket, initiator, device, esp, () => Now >= until);
        initiator.Delete(Now);
        until = Now + s_patience;
        Drive(socket, initiator, null, null, () => initiator.IkeSas == 0 || Now >= until);
        return 0;
    }

    private static void Tell(TestInitiator initiator, AnyConnectPeer? peer)
    {
        foreach (var error in peer?.Errors ?? [])
            Console.WriteLine($"error {error}");
        Console.WriteLine($"documents {peer?.Documents.Count ?? 0} pieces {initiator.CiscoFragmentsReceived}");
        foreach (var (type, value) in initiator.Configuration.Where(a => a.Type >= 28672))
            Console.WriteLine($"attribute {type} {Convert.ToHexStringLower(value)}");
        Console.WriteLine(initiator.Outcome is InitiatorOutcome.Established established ? $"established {established.IPv4}" : $"failed {initiator.Outcome}");
    }

    private static void Save(TestInitiator initiator, string file)
    {
        if (!initiator.Given.TryGetValue(LoadReturns.SessionId, out var id) || !initiator.Given.TryGetValue(LoadReturns.Token, out var token))
            throw new InvalidOperationException("the gateway gave no session-id and token");
        File.WriteAllLines(file, [Convert.ToHexStringLower(id), Convert.ToHexStringLower(token)]);
    }

    private void Drive(LoadSocket socket, TestInitiator initiator, TunPort? device, ClientEsp? esp, Func<bool> done)
    {
        while (true)
        {
            while (initiator.TryTake(out var datagram))
                socket.TrySend(datagram.Octets);
            if (done())
                return;
            if (socket.Socket.Poll(TimeSpan.FromMilliseconds(esp is null ? 20 : 2), SelectMode.SelectRead))
                Receive(socket, initiator, device, esp);
            while (device is not null && device.Read(_packet) is var length and > 0)
            {
                // What IPv6 says of itself on a new device is not for the tunnel.
                if (_packet[0] >> 4 == 4)
                    socket.TrySendRaw(_buffer.AsSpan(0, esp!.Seal(_packet.AsSpan(0, length), _buffer)));
            }

            initiator.Advance(Now);
        }
    }

    private void Receive(LoadSocket socket, TestInitiator initiator, TunPort? device, ClientEsp? esp)
    {
        while (socket.TryReceive(_buffer, out var message, out var sealedPacket))
        {
            if (!message.IsEmpty)
                initiator.Handle(message.ToArray(), Now);
            else if (esp is not null && esp.TryOpen(sealedPacket.Span, out var packet))
                device!.Write(packet);
        }
    }
}
