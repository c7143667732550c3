using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.DataPlane;

/// <summary><c>data-plane: none</c>: keeps the books of sessions and SAs, creates no interface and moves no packet (load tests, simulation).</summary>
public sealed class NullDataPlane : IDataPlane
{
    private readonly ConcurrentDictionary<long, ConcurrentDictionary<uint, EspSaParameters>> sessions = new();
    private readonly ConcurrentDictionary<uint, long> owners = new();
    private long lastHandle;

    public string Kind => "none";

    public bool WantsEsp => false;

    /// <summary>Sessions that are installed now.</summary>
    public int SessionCount => sessions.Count;

    /// <summary>SA pairs that are installed now.</summary>
    public int SaCount => owners.Count;

    public bool TryCreateInterface(InterfaceRequest request, out SessionHandle session, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        session = new SessionHandle(Interlocked.Increment(ref lastHandle));
        sessions[session.Value] = new ConcurrentDictionary<uint, EspSaParameters>();
        failure = null;
        return true;
    }

    public bool TryUpdateInterface(SessionHandle session, Func<InterfaceRequest, InterfaceRequest> change, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = sessions.ContainsKey(session.Value) ? null : new InterfaceFailure("change interface", "no such session");
        return failure is null;
    }

    public bool TryAddRoutes(SessionHandle session, ImmutableArray<InterfaceRoute> routes, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = sessions.ContainsKey(session.Value) ? null : new InterfaceFailure("add routes", "no such session");
        return failure is null;
    }

    public bool TryInstallSa(SessionHandle session, EspSaParameters parameters, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = null;
        if (!sessions.TryGetValue(session.Value, out var sas)) failure = new InterfaceFailure("install SA", "no such session");
        else if (!owners.TryAdd(parameters.InboundSpi, session.Value)) failure = new InterfaceFailure("install SA", $"SPI {parameters.InboundSpi:x8} is in use");
        else sas[parameters.InboundSpi] = parameters with { InboundKeys = default, OutboundKeys = default };
        return failure is null;
    }

    public bool RemoveSa(uint inboundSpi)
    {
        if (!owners.TryRemove(inboundSpi, out var owner)) return false;
        if (sessions.TryGetValue(owner, out var sas)) sas.TryRemove(inboundSpi, out _);
        return true;
    }

    public bool UpdatePath(SessionHandle session, EspPath path) => sessions.ContainsKey(session.Value);

    public bool RemoveInterface(SessionHandle session, out SessionCounters final)
    {
        final = default;
        if (!sessions.TryRemove(session.Value, out var sas)) return false;
        foreach (var spi in sas.Keys) owners.TryRemove(spi, out _);
        return true;
    }

    public bool TryGetCounters(SessionHandle session, out SessionCounters counters)
    {
        counters = default;
        return sessions.ContainsKey(session.Value);
    }

    public ImmutableArray<SaCounters> GetSaCounters(SessionHandle session) =>
        sessions.TryGetValue(session.Value, out var sas)
            ? [.. sas.Values.Select(sa => new SaCounters(sa.InboundSpi, sa.OutboundSpi, 0, 0, 0, 0, 0, 0, Sending: true))]
            : [];

    public ImmutableArray<long> GetDrops() => [.. new long[Enum.GetValues<EspDrop>().Length]];

    public void ReceiveEsp(Span<byte> packet, in TransportAddress local, in TransportAddress remote, byte trafficClass, long now)
    {
    }

    public void Dispose()
    {
    }
}
