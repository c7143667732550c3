using Headend.Ikev2.Crypto;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>For in-process pairs: an endpoint that is the initiator of an IKE SA that a test's client has made.</summary>
public sealed partial class IkeEndpoint
{
    /// <summary>Operations whose completion is still to come.</summary>
    internal int PendingOperations => _pending.Count;

    /// <summary>Takes over an established IKE SA as its original initiator; SessionUp is emitted, the data plane is told nothing else.</summary>
    internal IkeSession Adopt(AdoptedIkeSa adopted, MonotonicTime now)
    {
        Turn(now, null);
        var sa = new IkeSa(this, adopted.LocalSpi, adopted.RemoteSpi, weAreInitiator: true, adopted.FirstChild.Path, now) { Peer = adopted.Peer };
        sa.SetKeys(adopted.Suite, adopted.Keys);
        sa.Window.SkipOutbound(adopted.NextOutbound);
        Table.Add(sa);
        var session = BeginLogin(sa, adopted.Profile, adopted.Profile.LocalIdentity);
        session.Addresses = adopted.Addresses;
        ChildInstallation.Add(sa, session, adopted.FirstChild);
        Establish(sa, session, adopted.FirstChild);
        return session;
    }
}

/// <summary>What a client hands over to <see cref="IkeEndpoint.Adopt"/>.</summary>
/// <param name="LocalSpi">The client's.</param>
/// <param name="RemoteSpi">The responder's.</param>
/// <param name="Suite">Of the IKE SA.</param>
/// <param name="Keys">Owned by the endpoint from here on.</param>
/// <param name="NextOutbound">The client's next Message ID; the responder must have sent no request yet.</param>
/// <param name="Peer">What the responder told in IKE_SA_INIT.</param>
/// <param name="Profile">What the adopting endpoint negotiates with.</param>
/// <param name="Addresses">What stands at the responder's end of the tunnel: the responder's selectors are narrowed to it.</param>
/// <param name="FirstChild">As the client sees it; its keys are not used.</param>
internal sealed record AdoptedIkeSa(
    IkeSpi LocalSpi,
    IkeSpi RemoteSpi,
    IkeSuite Suite,
    IkeKeys Keys,
    uint NextOutbound,
    PeerCapabilities Peer,
    IkeProfile Profile,
    AssignedAddresses Addresses,
    ChildSaParameters FirstChild);
