using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>What a request's Message ID says about it.</summary>
internal enum WindowVerdict
{
    /// <summary>The next request.</summary>
    New,

    /// <summary>The next request, but its first copy is still being worked on.</summary>
    InProgress,

    /// <summary>The request answered last, octet by octet: the cached response goes out again.</summary>
    Retransmission,

    /// <summary>Anything else.</summary>
    Outside,
}

/// <summary>
/// Message IDs and retransmission of one IKE SA, with a window of one in both directions, which is what RFC 7296 2.3 has until SET_WINDOW_SIZE, and we send none.
/// A request counts as a retransmission only if it is bitwise identical to the one answered (RFC 7296 2.1), so that a forged header cannot make us send.
/// </summary>
internal sealed class MessageWindow
{
    private RequestFingerprint? _lastRequest;

    /// <summary>Message ID of the next request that we expect.</summary>
    public uint NextInbound { get; private set; }

    /// <summary>Message ID of the next request that we send.</summary>
    public uint NextOutbound { get; private set; }

    /// <summary>The response last sent, one datagram or its fragments.</summary>
    public IReadOnlyList<byte[]> CachedResponse { get; private set; } = [];

    /// <summary>A request is being worked on.</summary>
    public bool InProgress { get; private set; }

    /// <summary>The IKE_SA_INIT exchange used Message ID 0 of the peer.</summary>
    public void SkipInitial(byte[] request, byte[] response)
    {
        _lastRequest = RequestFingerprint.Of(request);
        CachedResponse = [response];
        NextInbound = 1;
    }

    /// <summary>For an initiator: IKE_SA_INIT and the IKE_AUTH exchanges used our Message IDs up to this one.</summary>
    public void SkipOutbound(uint next) => NextOutbound = next;

    public WindowVerdict Classify(in IkeHeader header, ReadOnlySpan<byte> datagram)
    {
        if (header.MessageId == NextInbound)
            return InProgress ? WindowVerdict.InProgress : WindowVerdict.New;
        if (header.MessageId + 1 == NextInbound && _lastRequest is not null && _lastRequest.Fits(datagram))
            return WindowVerdict.Retransmission;
        return WindowVerdict.Outside;
    }

    /// <summary>Starts work on the next request. <paramref name="fingerprint"/> is of its first fragment, or of all of it (RFC 7383 2.6.1).</summary>
    public void Begin(RequestFingerprint fingerprint)
    {
        _lastRequest = fingerprint;
        InProgress = true;
    }

    /// <summary>The response is out; the next request may come.</summary>
    public void Answered(IReadOnlyList<byte[]> response)
    {
        CachedResponse = response;
        InProgress = false;
        NextInbound++;
    }

    /// <summary>The request was authentic but gets no answer: it stays unanswered and the same Message ID may come again.</summary>
    public void Abandoned()
    {
        _lastRequest = null;
        InProgress = false;
    }

    public uint TakeOutbound() => NextOutbound++;
}
