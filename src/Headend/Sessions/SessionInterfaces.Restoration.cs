using Headend.Ikev2;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Sessions;

/// <summary>Interfaces of sessions that an earlier process had: made one after the other behind the start, and out of turn for a client that is back already.</summary>
internal sealed partial class SessionInterfaces
{
    /// <summary>Makes the interfaces that are not there yet. <paramref name="failed"/> is called for each that cannot be made, with why.</summary>
    public void Restore(IReadOnlyList<ClientSession> sessions, Action<ClientSession, string> failed)
    {
        if (kernel.IsInline)
        {
            foreach (var session in sessions)
                RestoreOne(session, failed);
            return;
        }

        RestoreFrom(sessions, 0, failed);
    }

    // One a turn, so that whoever comes meanwhile waits for one interface and not for thousands.
    private void RestoreFrom(IReadOnlyList<ClientSession> sessions, int index, Action<ClientSession, string> failed)
    {
        if (index == sessions.Count)
            return;
        kernel.Post(() =>
        {
            try
            {
                RestoreOne(sessions[index], failed);
            }
            finally
            {
                RestoreFrom(sessions, index + 1, failed);
            }
        });
    }

    private void RestoreOne(ClientSession session, Action<ClientSession, string> failed)
    {
        if (!session.IsClosed && session.Handle.IsNone && !TryRestore(session, ToEspPath(session.Path, session.NatDetected), out var fault))
            failed(session, fault!);
    }

    private bool TryRestore(ClientSession session, EspPath path, out string? fault)
    {
        // Its filters are those that stood, whatever its template says by now.
        var filters = session.FilterProfile;
        if (Derive(session, path, [], out fault) is not { } request || !TryCreate(session, path, request, out var handle, out fault))
            return false;
        session.Handle = handle;
        session.FilterProfile = filters ?? session.Profile;
        return true;
    }

    /// <summary>The client of a session is back before its interface was made. On the kernel worker.</summary>
    private string? RestoreAndInstall(ClientSession session, EspSaParameters parameters, ChildSaParameters child)
    {
        var path = ToEspPath(child.Path, child.UdpEncapsulation);
        string? fault = session.IsClosed ? "the session is over" : null;
        if (fault is null && session.Handle.IsNone)
            TryRestore(session, path, out fault);
        if (fault is null && child.IsTransportMode != (session.Encapsulation == TunnelEncapsulation.Gre))
            fault = OtherMode;
        if (fault is not null)
        {
            Forget(parameters);
            return fault;
        }

        UpdatePath(session, child.Path, child.UdpEncapsulation);
        if (InstallSa(session, parameters) is { } refused)
            return refused;
        AddAnnounced(session, child);
        return null;
    }
}
