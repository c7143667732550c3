using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Simulation;

/// <summary>Keeps what an endpoint reports.</summary>
public sealed class RecordingObserver : IIkeObserver
{
    public List<(DiscardReason Reason, string Detail)> Discards { get; } = [];

    public List<(IkeFailure Failure, string Detail)> Failures { get; } = [];

    /// <summary>Failures of requests in sessions that go on; not among <see cref="Failures"/>.</summary>
    public List<(IkeFailure Failure, string Detail)> Refusals { get; } = [];

    public int Rekeys { get; private set; }

    public int AnsweredRequests { get; private set; }

    public int Retransmissions { get; private set; }

    /// <summary>Requests of its own, each once.</summary>
    public int Requests { get; private set; }

    public void Discarded(DiscardReason reason, in IkePath path, string detail) => Discards.Add((reason, detail));

    public void Answered(ExchangeType exchange, SessionId? session, TimeSpan took) => AnsweredRequests++;

    public void Requested(ExchangeType exchange, SessionId session, bool retransmission)
    {
        if (retransmission)
            Retransmissions++;
        else
            Requests++;
    }

    public void Rekeyed(SessionId session, bool ikeSa, bool byPeer) => Rekeys++;

    public void Failed(IkeFailure failure, SessionId? session, in IkePath path, string detail) => Failures.Add((failure, detail));

    public void Refused(IkeFailure failure, SessionId session, in IkePath path, string detail) => Refusals.Add((failure, detail));
}
