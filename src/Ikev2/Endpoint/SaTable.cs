using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Endpoint;

/// <summary>The IKE SAs and sessions of a shard, by what messages and commands name them with.</summary>
internal sealed class SaTable
{
    private readonly Dictionary<IkeSpi, IkeSa> _byLocalSpi = [];
    private readonly Dictionary<SessionId, IkeSession> _sessions = [];
    private readonly Dictionary<(IPEndPoint Remote, IkeSpi Spi), IkeSa> _halfOpen = [];
    private readonly Dictionary<IkeSa, IPEndPoint> _halfOpenSources = [];

    public IEnumerable<IkeSa> All => _byLocalSpi.Values;

    /// <summary>Counted as they come and go: asked every turn of the shard.</summary>
    public int Established { get; private set; }

    public int Count => _byLocalSpi.Count;

    public int ChildSas { get; private set; }

    public bool TryFind(IkeSpi local, [NotNullWhen(true)] out IkeSa? sa) => _byLocalSpi.TryGetValue(local, out sa);

    public bool TryFind(SessionId id, [NotNullWhen(true)] out IkeSession? session) => _sessions.TryGetValue(id, out session);

    /// <summary>Whose IKE_SA_INIT request came before: the peer's address and SPI are all there is to know it by.</summary>
    public bool TryFindHalfOpen(IPEndPoint remote, IkeSpi spi, [NotNullWhen(true)] out IkeSa? sa) => _halfOpen.TryGetValue((remote, spi), out sa);

    public void Add(IkeSa sa) => _byLocalSpi.Add(sa.LocalSpi, sa);

    public void Add(IkeSession session) => _sessions.Add(session.Id, session);

    public void AddHalfOpen(IkeSa sa, IPEndPoint remote)
    {
        Add(sa);
        _halfOpen[(remote, sa.RemoteSpi)] = sa;
        _halfOpenSources[sa] = remote;
    }

    /// <summary>False if it was not half-open any more.</summary>
    public bool LeaveHalfOpen(IkeSa sa, [NotNullWhen(true)] out IPAddress? source)
    {
        source = null;
        if (!_halfOpenSources.Remove(sa, out var remote))
            return false;
        _halfOpen.Remove((remote, sa.RemoteSpi));
        source = remote.Address;
        return true;
    }

    public void Remove(IkeSa sa) => _byLocalSpi.Remove(sa.LocalSpi);

    /// <summary>A session of the table came up.</summary>
    public void MarkUp() => Established++;

    /// <summary>CHILD_SAs that a session got or lost; those that it ends with go with <see cref="Remove(IkeSession)"/>.</summary>
    public void CountChildren(int change) => ChildSas += change;

    public void Remove(IkeSession session)
    {
        if (!_sessions.Remove(session.Id))
            return;
        ChildSas -= session.Children.Count;
        if (session.Up)
            Established--;
    }
}
