using System.Diagnostics;
using Headend.Ikev2;
using Headend.Sessions;

namespace Headend.Runtime;

/// <summary>Performs what the core asks for. Called on the shards' threads, never blocks.</summary>
internal sealed class EffectDispatcher(UdpListener listener, CryptoWorkers crypto, SessionLifecycle sessions)
{
    public void Perform(IkeEffect effect, IkeShard shard)
    {
        switch (effect)
        {
            case TransmitEffect transmit:
                listener.Transmit(transmit.Message, transmit.Path);
                break;
            case NatKeepaliveEffect keepalive:
                listener.TransmitKeepalive(keepalive.Path);
                break;
            case KeyAgreementEffect or SignAuthEffect when CryptoWorkers.IsForShard((IkeOperation)effect, !shard.HasMore):
                crypto.Perform((IkeOperation)effect, shard);
                break;
            case KeyAgreementEffect or SignAuthEffect:
                crypto.Post((IkeOperation)effect, shard);
                break;
            case EapStepEffect step:
                sessions.EapStep(step, shard);
                break;
            case LookUpPskEffect lookUp:
                sessions.LookUpPsk(lookUp, shard);
                break;
            case VerifyCertificateEffect verify:
                sessions.VerifyCertificate(verify, shard);
                break;
            case AuthorizeEffect authorize:
                sessions.Authorize(authorize, shard);
                break;
            case AllocateAddressEffect allocate:
                sessions.AllocateAddress(allocate, shard);
                break;
            case InstallChildSaEffect install:
                sessions.Install(install, shard);
                break;
            case RekeyChildSaEffect rekey:
                sessions.Rekey(rekey, shard);
                break;
            case QueryTrafficEffect query:
                sessions.QueryTraffic(query, shard);
                break;
            case RemoveChildSaEffect remove:
                sessions.RemoveChildSa(remove);
                break;
            case UpdateSaAddressesEffect update:
                sessions.UpdateAddresses(update);
                break;
            case SessionUpEffect up:
                sessions.Up(up, shard);
                break;
            case SessionInactiveEffect inactive:
                sessions.Inactive(inactive, shard);
                break;
            case UnclaimedCommandEffect unclaimed:
                sessions.Unclaimed(unclaimed, shard);
                break;
            case FindReconnectEffect find:
                sessions.FindReconnect(find, shard);
                break;
            case ReconnectFailedEffect failed:
                sessions.ReconnectFailed(failed);
                break;
            case OpenTicketEffect open:
                sessions.OpenTicket(open, shard);
                break;
            case IssueTicketEffect issue:
                sessions.IssueTicket(issue, shard);
                break;
            case SessionDownEffect down:
                sessions.Down(down, shard);
                break;
            default:
                throw new UnreachableException($"no performer for {effect.GetType().Name}");
        }
    }
}
