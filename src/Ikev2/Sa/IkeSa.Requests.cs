using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>Answering requests of the peer.</summary>
internal sealed partial class IkeSa
{
    private static readonly TimeSpan LostEffect = TimeSpan.FromMinutes(10);

    private IkeHeader _requestHeader;
    private IkePath _requestPath;
    private MonotonicTime _requestAt;
    private OperationId _requestOperation;
    private RequestOutcome? _postponed;

    /// <summary>
    /// Suspends the request under way until the effect's completion; until then retransmissions of it are counted busy and dropped.
    /// </summary>
    public RequestOutcome Suspend<TCompletion>(IkeOperation effect, Func<TCompletion, RequestOutcome> next)
        where TCompletion : IkeCompletion
    {
        _requestOperation = effect.Id;

        // Every effect has its own bound; this one is for those that are lost by a fault of ours, and would hold the half-open place for ever.
        if (Phase < IkeSaPhase.Established)
            Endpoint.Timers.Set(this, IkeTimer.Handshake, Endpoint.Now + LostEffect);
        Endpoint.Await(this, effect, completion => Complete(next((TCompletion)completion)));
        return RequestOutcome.Suspended;
    }

    /// <summary>Answers the request under way at that time; at once when it is past.</summary>
    public RequestOutcome Postpone(RequestOutcome outcome, MonotonicTime until)
    {
        if (until <= Endpoint.Now)
            return outcome;
        _postponed = outcome;
        Endpoint.Timers.Set(this, IkeTimer.Refusal, until);
        return RequestOutcome.Suspended;
    }

    public void CompletePostponed()
    {
        if (_postponed is not { } outcome)
            return;
        _postponed = null;
        Complete(outcome);
    }

    /// <summary>Answers IKE_SA_INIT in clear; it stays cached like any response.</summary>
    public void CompleteInit(byte[] request, byte[] response)
    {
        Window.SkipInitial(request, response);
        _requestPath = Path;
        Endpoint.Emit(new TransmitEffect(response, Path));
    }

    /// <summary>The request under way gets TEMPORARY_FAILURE now; what its effect comes to is ignored.</summary>
    public void AbortRequest()
    {
        if (!Window.InProgress || Phase < IkeSaPhase.Established)
            return;
        Endpoint.Forget(_requestOperation);
        Respond([new NotifyPayload(ProtocolId.None, default, NotifyType.TemporaryFailure, default)]);
    }

    private void Complete(RequestOutcome outcome)
    {
        if (outcome.IsSuspended || Closed)
            return;
        if (outcome.Failure is { } failure)
        {
            Fail(failure, outcome);
            return;
        }

        outcome.Before?.Invoke();
        Respond(outcome.Payloads!);
        outcome.After?.Invoke();
        StartNext();
    }

    private void Fail(IkeFailure failure, RequestOutcome outcome)
    {
        var row = IkeFailureTable.Of(failure);
        var detail = outcome.Detail ?? "";
        if (Phase >= IkeSaPhase.Established && row.Radius != BlastRadius.FailIkeSa && Session is { } standing)
            Endpoint.Observer.Refused(failure, standing.Id, Path, detail);
        else
            Endpoint.Observer.Failed(failure, Session?.Id, Path, detail);
        if (row.Radius == BlastRadius.Discard)
        {
            Window.Abandoned();
            return;
        }

        // RFC 7296 1.2: IKE_AUTH may fail for the CHILD_SA alone; without one the session has no use, so that we delete the IKE SA next.
        var establishing = Phase < IkeSaPhase.Established;
        var childOnly = row.Radius == BlastRadius.FailChildSa && establishing;
        List<IkePayload> payloads = [.. outcome.Payloads!];
        payloads.Add(new NotifyPayload(ProtocolId.None, default, row.Notify!.Value, outcome.NotifyValue ?? []));
        Respond(payloads);
        if (childOnly)
        {
            Enter(new IkeSaState.Established());
            Endpoint.End(this, row.EndReason, detail, sendDelete: true);
        }
        else if (row.Radius == BlastRadius.FailIkeSa || establishing)
        {
            Endpoint.End(this, row.EndReason, detail, sendDelete: false);
        }
        else
        {
            StartNext();
        }
    }

    private void Respond(IReadOnlyList<IkePayload> payloads)
    {
        var header = new IkeHeader(
            InitiatorSpi,
            ResponderSpi,
            PayloadType.None,
            2,
            0,
            _requestHeader.ExchangeType,
            IkeHeaderFlags.Response | (WeAreInitiator ? IkeHeaderFlags.Initiator : 0),
            _requestHeader.MessageId,
            0);
        var response = Protect(header, payloads);
        Window.Answered(response);
        PeerRekeysIke = false;
        Send(response, _requestPath);
        Endpoint.Observer.Answered(header.ExchangeType, Session?.Id, Endpoint.Now - _requestAt);
    }

    /// <summary>
    /// RFC 7296 2.1: the response goes to where the retransmission came from. A copy proves nothing about its source: from another address than the
    /// request's it gets no more octets than it brought, else one login would make us flood whomever its owner names.
    /// </summary>
    private void Retransmit(in IkeDatagram copy)
    {
        if (!copy.Path.Remote.Address.Equals(_requestPath.Remote.Address) && Window.CachedResponse.Sum(d => d.Length) > copy.Octets.Length)
        {
            Endpoint.Observer.Discarded(DiscardReason.NotExpectedHere, copy.Path, "copy of an answered request from another address");
            return;
        }

        Endpoint.Observer.Discarded(DiscardReason.Duplicate, copy.Path, "answered again");
        Send(Window.CachedResponse, copy.Path);
    }

    private void Send(IReadOnlyList<byte[]> datagrams, in IkePath path)
    {
        if (path.Equals(Path))
            LastSent = Endpoint.Now;
        foreach (var datagram in datagrams)
            Endpoint.Emit(new TransmitEffect(datagram, path));
    }

    /// <summary>One protected datagram, or its fragments where the peer takes them and the message is large (RFC 7383 2.5; Cisco's payload 132 where it takes that alone).</summary>
    private IReadOnlyList<byte[]> Protect(in IkeHeader header, IReadOnlyList<IkePayload> payloads)
    {
        var writer = new WireWriter();
        var first = PayloadChain.Write(payloads, writer);
        var inner = writer.Written;
        var isIPv6 = Path.Remote.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var limit = Endpoint.Options.FragmentPacketOctets - (isIPv6 ? 40 : 20) - 8 - (Path.NonEspMarker ? 4 : 0);
        var part = Peer.Fragmentation ? Protection.MaxInnerPerFragment(limit) : int.MaxValue;
        if (inner.Length <= part)
            return CutForCisco(Protection.Seal(header, first, inner), limit);
        var total = (inner.Length + part - 1) / part;
        var fragments = new List<byte[]>(total);
        for (var number = 1; number <= total; number++)
        {
            var start = (number - 1) * part;
            var slice = inner.Slice(start, Math.Min(part, inner.Length - start));
            fragments.Add(Protection.SealFragment(header, number == 1 ? first : PayloadType.None, (ushort)number, (ushort)total, slice));
        }

        return fragments;
    }
}
