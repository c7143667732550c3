using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Takes the place of a request that is out while its session has ended: its answer only frees the window for our Delete.</summary>
internal sealed class DrainExchange : LocalExchange
{
    public DrainExchange(ExchangeType type)
    {
        Type = type;
        Sent = true;
    }

    public override ExchangeType Type { get; }

    public override string Story => "waiting for the answer to an earlier request, so that our Delete can follow";

    public override void Start(IkeSa sa) => sa.FinishLocal();

    public override void OnResponse(IkeSa sa, IkeMessage response) => sa.FinishLocal();
}
