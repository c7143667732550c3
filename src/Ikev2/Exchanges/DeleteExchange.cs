using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Delete by us: one CHILD_SA, or the IKE SA where <paramref name="child"/> is null (RFC 7296 1.4.1).</summary>
internal sealed class DeleteExchange(ChildSa? child) : LocalExchange
{
    public override ExchangeType Type => ExchangeType.Informational;

    public override string Story => child is null ? "waiting for the client to answer our Delete of the IKE SA" : "waiting for the client to answer our Delete of a CHILD_SA";

    /// <summary>Deletes a CHILD_SA at both ends; ours goes when the answer is here, so that what is under way still arrives.</summary>
    public static void DeleteChild(IkeSa sa, ChildSa child)
    {
        if (child.Deleting)
            return;
        child.Deleting = true;
        ChildLifetime.Arm(sa);
        sa.Enqueue(new DeleteExchange(child), first: true);
    }

    /// <summary>Takes a CHILD_SA out of the session and the data plane.</summary>
    public static void RemoveChild(IkeSa sa, IkeSession session, ChildSa gone)
    {
        if (!session.Children.Remove(gone))
            return;
        sa.Endpoint.Table.CountChildren(-1);
        sa.Endpoint.Emit(new RemoveChildSaEffect(session.Id, gone.InboundSpi, gone.OutboundSpi));
        ChildLifetime.Arm(session.Current);
    }

    /// <summary>CREATE_CHILD_SA on an IKE SA that is closing: RFC 7296 2.25.2.</summary>
    public static RequestOutcome RefuseWhileClosing(IkeSa sa, IkeMessage message) =>
        RequestOutcome.Fail(IkeFailure.TemporaryFailure, $"the IKE SA is {sa.Phase}");

    public override void Start(IkeSa sa)
    {
        if (child is null)
        {
            if (sa.Phase == IkeSaPhase.Established)
                sa.Enter(new IkeSaState.Deleting());
            sa.SendRequest([DeletePayload.ForIkeSa()]);
        }
        else if (sa.Session is { } session && session.Children.Contains(child))
        {
            sa.SendRequest([DeletePayload.ForEsp(child.InboundSpi)]);
        }
        else
        {
            sa.FinishLocal();
        }
    }

    public override void OnResponse(IkeSa sa, IkeMessage response)
    {
        if (child is null)
        {
            sa.Endpoint.Drop(sa);
            return;
        }

        if (sa.Session is { } session)
            RemoveChild(sa, session, child);
        sa.FinishLocal();
    }
}
