using System.Net;
using System.Net.Sockets;
using Headend.Aaa.DynamicAuthorization;

namespace Headend.Sessions;

/// <summary>Finds the one session that a dynamic authorization request means.</summary>
/// <param name="table">Of all sessions.</param>
/// <param name="nasIdentifier">What our requests say.</param>
internal sealed class SessionLookup(SessionTable table, string nasIdentifier)
{
    /// <summary>Null with the Error-Cause and its reason unless exactly one session has all the keys.</summary>
    public ClientSession? Find(SessionKeys keys, IPAddress askedAt, out DynamicRequestFailure? failure)
    {
        failure = Mismatch(keys, askedAt);
        if (failure is not null)
            return null;
        ClientSession? found = null;
        foreach (var session in table.Candidates(keys.AuditSessionId, keys.AcctSessionId))
        {
            if (session.IsClosed || !InOwnNames(keys, session).Matches(KeysOf(session)))
                continue;
            if (found is not null)
            {
                failure = new DynamicRequestFailure(ErrorCause.MultipleSessionSelectionUnsupported, "several sessions have these keys");
                return null;
            }

            found = session;
        }

        if (found is null)
            failure = new DynamicRequestFailure(ErrorCause.SessionContextNotFound, "no session has these keys");
        return found;
    }

    // Names of a login that took the session over stand for its own. The number of such a login is another session's some time later: it says something beside one of the ids alone.
    private static SessionKeys InOwnNames(SessionKeys keys, ClientSession session)
    {
        var own = session.Names;
        foreach (var alias in session.Aliases)
        {
            var (audit, acct) = (IsSame(keys.AuditSessionId, alias.AuditSessionId), IsSame(keys.AcctSessionId, alias.AcctSessionId));
            if (!audit && !acct)
                continue;
            keys = keys with
            {
                AuditSessionId = audit ? own.AuditSessionId : keys.AuditSessionId,
                AcctSessionId = acct ? own.AcctSessionId : keys.AcctSessionId,
                NasPort = keys.NasPort == (uint)alias.Number ? (uint)own.Number : keys.NasPort,
                NasPortId = keys.NasPortId == ClientSession.InterfaceNameOf(alias) ? session.InterfaceName : keys.NasPortId,
            };
        }

        return keys;
    }

    private static bool IsSame(string? one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    private static SessionKeyRecord KeysOf(ClientSession session) => new()
    {
        AuditSessionId = session.Names.AuditSessionId,
        AcctSessionId = session.Names.AcctSessionId,
        UserName = session.Profile.UserName ?? session.User ?? session.IkeIdentity,
        IsUserNameExact = session.IsUserNameExact,
        CallingStation = session.Path.Remote.Address,
        CallingStationAtLogin = session.AddressAtLogin,
        CalledStation = session.Path.Local.Address,
        FramedIpAddress = session.Addresses?.IPv4,
        FramedIpv6Address = session.Addresses?.IPv6,
        FramedIpv6Prefix = session.FramedPrefix ?? session.Profile.Ipv6Prefix,
        NasPort = (uint)session.Names.Number,
        NasPortId = session.InterfaceName,
        ChargeableUserIdentity = session.Profile.ChargeableUserIdentity,
    };

    private DynamicRequestFailure? Mismatch(SessionKeys keys, IPAddress askedAt)
    {
        if (keys.NasIdentifier is { } name && !string.Equals(name, nasIdentifier, StringComparison.Ordinal))
            return new DynamicRequestFailure(ErrorCause.NasIdentificationMismatch, $"NAS-Identifier {name} is not ours");
        foreach (var address in new[] { keys.NasIpAddress, keys.NasIpv6Address })
        {
            if (address is not null && !address.Equals(askedAt) && !IsOurs(address))
                return new DynamicRequestFailure(ErrorCause.NasIdentificationMismatch, $"NAS-IP-Address {address} is not ours");
        }

        return null;
    }

    // The kernel binds a socket to its own addresses alone. A list of all interfaces' addresses would be as long as there are sessions.
    private static bool IsOurs(IPAddress address)
    {
        // Any, multicast and broadcast: the kernel binds to those, too.
        if (address.Equals(IPAddress.IPv6Any) || address.IsIPv6Multicast || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] is 0 or >= 224))
            return false;
        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            probe.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
