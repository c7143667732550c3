using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Sessions by their peer's outer address: a report of a path's MTU, which anybody can send, costs what the sessions at that address cost and not what all do. Changed when a
/// session comes, moves or goes, never per packet. Safe from any thread.
/// </summary>
internal sealed class PeerIndex
{
    private readonly Lock gate = new();
    private readonly Dictionary<UInt128, HashSet<DataPlaneSession>> byAddress = [];

    /// <summary>Addresses with a session.</summary>
    public int Addresses
    {
        get
        {
            lock (gate) return byAddress.Count;
        }
    }

    public void Add(DataPlaneSession session)
    {
        lock (gate) Insert(session);
    }

    public void Remove(DataPlaneSession session)
    {
        lock (gate) Take(session);
    }

    /// <summary>Gives the session another path; one that was removed meanwhile stays removed.</summary>
    public void Move(DataPlaneSession session, SessionPath path)
    {
        lock (gate)
        {
            if (!Take(session)) return;
            session.Path = path;
            Insert(session);
        }
    }

    /// <summary>Tells the sessions at the reported address.</summary>
    /// <param name="report">The report.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="until">Timestamp at which it is forgotten.</param>
    /// <returns>How many were asked whether it is about them.</returns>
    public int Learn(in PathMtuReport report, long now, long until)
    {
        lock (gate)
        {
            if (!byAddress.TryGetValue(report.Remote.Address, out var found)) return 0;
            foreach (var session in found) session.Learn(report, now, until);
            return found.Count;
        }
    }

    private void Insert(DataPlaneSession session)
    {
        var address = session.Path.Path.Remote.Address;
        if (!byAddress.TryGetValue(address, out var found)) byAddress.Add(address, found = []);
        found.Add(session);
    }

    private bool Take(DataPlaneSession session)
    {
        var address = session.Path.Path.Remote.Address;
        if (!byAddress.TryGetValue(address, out var found) || !found.Remove(session)) return false;
        if (found.Count == 0) byAddress.Remove(address);
        return true;
    }
}
