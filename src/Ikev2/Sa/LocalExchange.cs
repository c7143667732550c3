using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>
/// A request of ours on an established IKE SA: queued, then active, one at a time (window of one). <see cref="Start"/> sends the request through
/// <see cref="IkeSa.SendRequest"/>, at once or after an operation; <see cref="OnResponse"/> ends in <see cref="IkeSa.FinishLocal"/>.
/// </summary>
internal abstract class LocalExchange
{
    public abstract ExchangeType Type { get; }

    /// <summary>One line for show: what is being awaited.</summary>
    public abstract string Story { get; }

    /// <summary>The request has been transmitted; until then a collision simply cancels the exchange.</summary>
    public bool Sent { get; set; }

    /// <summary>The response to the request sent last is here.</summary>
    public bool Answered { get; set; }

    /// <summary>Sends the request, or finishes at once where the reason for it is gone.</summary>
    public abstract void Start(IkeSa sa);

    public abstract void OnResponse(IkeSa sa, IkeMessage response);
}
