using Headend.Ikev2;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Sessions;

/// <summary>Turns what the packet path notices into commands to the session's shard.</summary>
internal sealed class DataPlaneHints(SessionTable table) : IDataPlaneObserver
{
    public void OnHint(in DataPlaneHint hint)
    {
        if (!table.TryFind(hint.Session, out var session))
            return;
        switch (hint.Kind)
        {
            case DataPlaneHintKind.SoftLimitReached or DataPlaneHintKind.SequenceNearExhaustion:
                session!.Shard.Post(new RekeyChildCommand(session.Id, hint.InboundSpi));
                break;
            case DataPlaneHintKind.RemoteAddressChanged:
                session!.Shard.Post(new PeerMovedCommand(session.Id, hint.Remote.ToIPEndPoint()));
                break;
            default:
                // FirstInbound moves the data plane's own outbound SA; an unknown SPI has no session.
                break;
        }
    }
}
