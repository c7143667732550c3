using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Configuration;

/// <summary>How packets of the tunnel are carried.</summary>
public enum TunnelEncapsulation
{
    /// <summary>ESP in tunnel mode.</summary>
    Ipsec,

    /// <summary>GRE (protocol 47) under ESP in transport mode.</summary>
    Gre,
}

/// <summary>What <c>tunnel mode</c> asks for.</summary>
/// <param name="Encapsulation">Null for <c>tunnel mode auto</c>.</param>
/// <param name="IsIpv6">IP version of the outer packets.</param>
public readonly record struct TunnelMode(TunnelEncapsulation? Encapsulation, bool IsIpv6 = false)
{
    /// <summary>As the command is written.</summary>
    public override string ToString() => (Encapsulation, IsIpv6) switch
    {
        (null, _) => "auto",
        (TunnelEncapsulation.Ipsec, false) => "ipsec ipv4",
        (TunnelEncapsulation.Ipsec, true) => "ipsec ipv6",
        (_, false) => "gre ip",
        _ => "gre ipv6",
    };
}

/// <summary>The incoming session: the last source of a virtual-access interface's configuration.</summary>
/// <param name="Local">Where the client came to: the tunnel's source.</param>
/// <param name="Remote">Where it came from: the tunnel's destination.</param>
/// <param name="Encapsulation">From the selectors of its first CHILD_SA.</param>
/// <param name="Profile">The IKEv2 profile, whose IPsec settings protect the tunnel.</param>
public sealed record TunnelSession(IPAddress Local, IPAddress Remote, TunnelEncapsulation Encapsulation, string Profile)
{
    /// <summary>The name under which IOS knows the IPsec settings of an IKEv2 profile that names none.</summary>
    private const string DefaultProfile = "default";

    public TunnelMode Mode => new(Encapsulation, Remote.AddressFamily == AddressFamily.InterNetworkV6);

    /// <summary>Every command that this session does not fit.</summary>
    public IEnumerable<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> Conflicts(InterfaceConfig config)
    {
        if (config.TunnelSource is { } source && !source.Value.Equals(Local))
            yield return (source.Origin, new InterfaceCommandFailure(source.Command, $"{source.Value}", $"the client came to {Local}"));
        if (!config.IsAutoMode && config.TunnelMode is { Value.Encapsulation: not null } mode && mode.Value != Mode)
            yield return (mode.Origin, new InterfaceCommandFailure(mode.Command, $"{mode.Value}", $"the session is {Mode}"));
        if (config.TunnelProtection is { } protection && protection.Value != DefaultProfile && protection.Value != Profile)
            yield return (protection.Origin, new InterfaceCommandFailure(protection.Command, protection.Value, $"no such IPsec profile; the session has that of the IKEv2 profile, {DefaultProfile} or {Profile}"));
    }
}
