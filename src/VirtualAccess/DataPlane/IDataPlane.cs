using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Interfaces, routes and ESP SAs of sessions. Every member is thread-safe; those that change interfaces make system calls and may take a
/// millisecond, the rest do not block. Unknown handles and SPIs are answered, never thrown at.
/// </summary>
public interface IDataPlane : IDisposable
{
    /// <summary>Kind as in the configuration: <c>user-space</c>, <c>xfrm</c> or <c>none</c>.</summary>
    string Kind { get; }

    /// <summary>True when ESP that arrives in Headend's UDP sockets must be given to <see cref="ReceiveEsp"/>.</summary>
    bool WantsEsp { get; }

    /// <summary>Creates and configures the interface of a session and its host routes.</summary>
    bool TryCreateInterface(InterfaceRequest request, out SessionHandle session, [NotNullWhen(false)] out InterfaceFailure? failure);

    /// <summary>
    /// Brings a standing interface from what it is to what <paramref name="change"/> makes of it, all of it or none: what had been done before a failure is undone.
    /// SAs and counters stay. Number, client addresses and routes are not changed by it.
    /// </summary>
    /// <param name="session">Whose interface.</param>
    /// <param name="change">Pure; called with what stands, while no other change of this interface runs.</param>
    /// <param name="failure">The step that failed.</param>
    bool TryUpdateInterface(SessionHandle session, Func<InterfaceRequest, InterfaceRequest> change, [NotNullWhen(false)] out InterfaceFailure? failure);

    /// <summary>Adds routes to the interface, all or none.</summary>
    bool TryAddRoutes(SessionHandle session, ImmutableArray<InterfaceRoute> routes, [NotNullWhen(false)] out InterfaceFailure? failure);

    /// <summary>Installs a pair of SAs. Fails when the session is gone, the inbound SPI is taken or below 256, or a key has the wrong length.</summary>
    bool TryInstallSa(SessionHandle session, EspSaParameters parameters, [NotNullWhen(false)] out InterfaceFailure? failure);

    /// <summary>Removes the pair with this inbound SPI and zeroes its keys; if it was sending, the newest remaining SA takes over.</summary>
    /// <returns>False when there is no such SA.</returns>
    bool RemoveSa(uint inboundSpi);

    /// <summary>Changes the outer addresses of a session: all its SAs send there from now on.</summary>
    /// <returns>False when there is no such session, or the kernel left its SAs where they were.</returns>
    bool UpdatePath(SessionHandle session, EspPath path);

    /// <summary>Removes the SAs and the host routes at once, the interface itself some 20 ms later (the kernel waits for its readers): its number
    /// must rest that long, its addresses and routes may be used again immediately.</summary>
    /// <returns>The final counters, nothing is counted after them; false when there is no such session.</returns>
    bool RemoveInterface(SessionHandle session, out SessionCounters final);

    bool TryGetCounters(SessionHandle session, out SessionCounters counters);

    /// <summary>Counters of the SAs that are installed now.</summary>
    ImmutableArray<SaCounters> GetSaCounters(SessionHandle session);

    /// <summary>Drops by reason since the start, over all sessions; index = <see cref="EspDrop"/>.</summary>
    ImmutableArray<long> GetDrops();

    /// <summary>Takes one ESP packet (SPI first; with UDP the datagram's payload). It is decrypted in place: the buffer is overwritten.</summary>
    /// <param name="packet">The packet, writable.</param>
    /// <param name="local">Destination of the outer packet.</param>
    /// <param name="remote">Source of the outer packet.</param>
    /// <param name="trafficClass">TOS or traffic class octet of the outer packet.</param>
    /// <param name="now">Timestamp of the injected TimeProvider, one per batch is enough.</param>
    void ReceiveEsp(Span<byte> packet, in TransportAddress local, in TransportAddress remote, byte trafficClass, long now);

    /// <summary>
    /// Ends a batch of <see cref="ReceiveEsp"/> on this thread: what it has held back, to join TCP segments, is delivered. The buffers of the batch must stay as they are
    /// until then.
    /// </summary>
    void EndReceive()
    {
    }
}
