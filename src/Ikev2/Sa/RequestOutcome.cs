using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>
/// What became of a request of the peer: a response, a failure (which the failure table turns into one), or nothing yet because an effect is outstanding.
/// </summary>
internal readonly record struct RequestOutcome
{
    private RequestOutcome(IReadOnlyList<IkePayload>? payloads, Action? before, Action? after, IkeFailure? failure, string? detail, byte[]? notifyValue)
    {
        Payloads = payloads;
        Before = before;
        After = after;
        Failure = failure;
        Detail = detail;
        NotifyValue = notifyValue;
    }

    /// <summary>The response's payloads; for a failure those that stand before its notify; null = suspended.</summary>
    public IReadOnlyList<IkePayload>? Payloads { get; }

    /// <summary>Runs before the response goes out: its effects are performed when the peer reads that.</summary>
    public Action? Before { get; }

    /// <summary>Runs once the response is out.</summary>
    public Action? After { get; }

    public IkeFailure? Failure { get; }

    public string? Detail { get; }

    /// <summary>Data of the failure's notify, e.g. the group of INVALID_KE_PAYLOAD.</summary>
    public byte[]? NotifyValue { get; }

    public bool IsSuspended => Payloads is null;

    public static RequestOutcome Suspended => default;

    public static RequestOutcome Respond(IReadOnlyList<IkePayload> payloads, Action? after = null) => new(payloads, null, after, null, null, null);

    public static RequestOutcome RespondBehind(Action before, IReadOnlyList<IkePayload> payloads) => new(payloads, before, null, null, null, null);

    public static RequestOutcome Fail(IkeFailure failure, string detail, IReadOnlyList<IkePayload>? payloads = null, byte[]? notifyValue = null) =>
        new(payloads ?? [], null, null, failure, detail, notifyValue);
}
