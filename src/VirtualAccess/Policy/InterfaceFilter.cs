using System.Collections.Immutable;

namespace Headend.VirtualAccess.Policy;

/// <summary>The packet filter of one interface, resolved. A packet must pass every list of its direction; a direction without lists is open.</summary>
/// <param name="Inbound">For what comes from the client, to wherever it goes, the headend itself included.</param>
/// <param name="Outbound">For what is forwarded to the client; the headend's own packets are not asked, as IOS does not ask its own.</param>
public sealed record InterfaceFilter(ImmutableArray<AccessList> Inbound, ImmutableArray<AccessList> Outbound)
{
    public static InterfaceFilter None { get; } = new([], []);

    public bool IsNone => Inbound.IsEmpty && Outbound.IsEmpty;
}
