using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>
/// One request at one server until it is answered, out of retransmissions, refused or cancelled. Slots, counters and <see cref="Done"/> change only under the lock of the
/// server; who sets <see cref="Done"/> completes it, under no lock. A verified answer continues its caller on the socket's own thread, which saves a thread hop for
/// each round trip: callers must not block.
/// </summary>
internal sealed class RadiusExchange(RadiusServer server, RadiusRequest request, bool failOnRefused) : TaskCompletionSource<RadiusOutcome?>
{
    public RadiusServer Server { get; } = server;

    public RadiusRequest Request { get; } = request;

    public RadiusTimers Timers { get; } = server.Options.TimersOf(request.Phase);

    /// <summary>A person may be asked by the server: whatever happens, the request must not arrive twice, here or elsewhere.</summary>
    public bool IsOnce { get; } = request.Phase == RadiusPhase.Login && server.Options.MfaWait is not null;

    /// <summary>Another living server stands ready, so a closed port need not be waited for.</summary>
    public bool FailOnRefused { get; } = failOnRefused;

    /// <summary>The packet as last sent, for retransmission.</summary>
    public byte[] Packet { get; set; } = [];

    public int PacketLength { get; set; }

    public RadiusSocket? Socket { get; set; }

    /// <summary>Every identifier that may still be answered: one, or several when Acct-Delay-Time changed between transmissions.</summary>
    public List<(RadiusSocket Socket, byte Identifier)> Slots { get; } = new(1);

    public bool Done { get; set; }

    public int Transmissions { get; set; }

    /// <summary>Timestamp of the first transmission (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    public long FirstSentAt { get; set; }

    /// <summary>Timestamp of the last transmission.</summary>
    public long LastSentAt { get; set; }

    /// <summary>The last transmission is known not to have arrived: the kernel would not send it, or the port was closed.</summary>
    public bool Undelivered { get; set; }

    /// <summary>The packet is being made or handed to its socket.</summary>
    public bool IsSending { get; set; }

    public long DelayTime { get; set; }

    public int BadAuthenticators { get; set; }

    public int MissingMessageAuthenticators { get; set; }

    public int Malformed { get; set; }

    public bool Refused { get; set; }

    public ServerAttemptRecord ToRecord()
        => new(Server.Options.Name, Transmissions, BadAuthenticators, MissingMessageAuthenticators, Malformed, Refused);
}
