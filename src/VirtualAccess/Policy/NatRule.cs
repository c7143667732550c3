using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Policy;

/// <summary>One translation of an interface, with every name and address resolved.</summary>
/// <param name="Family">IP version.</param>
/// <param name="Command">The command that asked for it.</param>
public sealed record NatRule(AddressFamily Family, string Command)
{
    /// <summary>For a masquerade: the interface by which connections leave; null for any.</summary>
    public string? WayOut { get; init; }

    /// <summary>The client's address, or that of a host behind it; null for a masquerade.</summary>
    public IPAddress? Local { get; init; }

    /// <summary>The address that others see; null for a masquerade.</summary>
    public IPAddress? Global { get; init; }

    public bool IsOverload => Global is null;

    public override string ToString() => Command;
}

/// <summary>What a translation has met.</summary>
/// <param name="Rule">The translation.</param>
/// <param name="Outbound">Connections that the client began.</param>
/// <param name="Inbound">Connections that others began to the global address; 0 for a masquerade.</param>
public sealed record NatRuleCounters(NatRule Rule, long Outbound, long Inbound);
