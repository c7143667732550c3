using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>One legal exchange.</summary>
/// <param name="Phase">Of the IKE SA when the message comes.</param>
/// <param name="Exchange">Exchange type.</param>
/// <param name="IsResponse">Our role: false = we answer the peer's request, true = the peer answers ours.</param>
/// <param name="Rules">Which payload rules apply (<see cref="MessageRules"/>).</param>
/// <param name="Envelope">SK = protected, clear = IKE_SA_INIT and IKE_SESSION_RESUME.</param>
/// <param name="Deadline">What bounds the wait for this message.</param>
/// <param name="Story">What is awaited and why it usually does not come; for the operator.</param>
/// <param name="Handler">Null where the local exchange that asked takes the response.</param>
internal sealed record ExchangeRow(
    IkeSaPhase Phase,
    ExchangeType Exchange,
    bool IsResponse,
    MessagePhase Rules,
    string Envelope,
    string Deadline,
    string Story,
    Func<IkeSa, IkeMessage, RequestOutcome>? Handler);

/// <summary>
/// The one table of legal exchanges: state x exchange x role. What is not here is not processed: CREATE_CHILD_SA exists in Established alone, so that an SA
/// that is not authenticated can never be rekeyed.
/// </summary>
internal static class ExchangeTable
{
    private const string Clear = "clear";
    private const string Protected = "SK";
    private const string Handshake = "handshake timeout";
    private const string Retransmissions = "our retransmissions";

    public static IReadOnlyList<ExchangeRow> Rows { get; } =
    [
        new(IkeSaPhase.KeyExchange, ExchangeType.IkeSaInit, false, MessagePhase.Only, Clear, "none",
            "working on the client's IKE_SA_INIT", null),
        new(IkeSaPhase.KeyExchange, ExchangeType.IkeSessionResume, false, MessagePhase.Only, Clear, "none",
            "looking at the client's ticket", null),
        new(IkeSaPhase.ExpectAuth, ExchangeType.IkeAuth, false, MessagePhase.First, Protected, Handshake,
            "waiting for the client's first IKE_AUTH; if it never comes, usually its fragments or UDP 4500 do not get through", AuthExchange.HandleFirst),
        new(IkeSaPhase.ExpectResumedAuth, ExchangeType.IkeAuth, false, MessagePhase.Resumed, Protected, Handshake,
            "waiting for the IKE_AUTH of a client that brought a ticket; if it never comes, somebody else may have sent the ticket", SessionResumption.HandleAuth),
        new(IkeSaPhase.ExpectSecondIdentity, ExchangeType.IkeAuth, false, MessagePhase.SecondIdentity, Protected, Handshake,
            "waiting for the identity of the client's second authentication; if it never comes, usually the client does not trust our certificate", MultipleAuthentication.HandleIdentity),
        new(IkeSaPhase.ExpectEapResponse, ExchangeType.IkeAuth, false, MessagePhase.EapContinued, Protected, "EAP timeout, ten times it in all",
            "waiting for the client's EAP response; if it never comes, usually it does not trust our certificate, or the user was not at the keyboard",
            EapAuthentication.HandleResponse),
        new(IkeSaPhase.ExpectEapAuth, ExchangeType.IkeAuth, false, MessagePhase.EapFinal, Protected, Handshake,
            "waiting for the client's AUTH after EAP; if it never comes, usually the client found the EAP method's own check of the server failed",
            AuthExchange.HandleFinal),
        new(IkeSaPhase.Established, ExchangeType.CreateChildSa, false, MessagePhase.NewChild, Protected, "none",
            "the client makes a further CHILD_SA", CreateChildExchange.Handle),
        new(IkeSaPhase.Established, ExchangeType.CreateChildSa, false, MessagePhase.RekeyChild, Protected, "none",
            "the client rekeys a CHILD_SA", RekeyChildExchange.Handle),
        new(IkeSaPhase.Established, ExchangeType.CreateChildSa, false, MessagePhase.RekeyIke, Protected, "none",
            "the client rekeys the IKE SA", RekeyIkeExchange.Handle),
        new(IkeSaPhase.Established, ExchangeType.Informational, false, MessagePhase.Only, Protected, "none",
            "the client asks whether we live, deletes, or reports", InformationalExchange.Handle),
        new(IkeSaPhase.Established, ExchangeType.CreateChildSa, true, MessagePhase.Only, Protected, Retransmissions,
            "waiting for the client to answer our rekey; if it never does, the client is gone", null),
        new(IkeSaPhase.Established, ExchangeType.Informational, true, MessagePhase.Only, Protected, Retransmissions,
            "waiting for the client to answer our liveness check or Delete; if it never does, the client is gone", null),
        new(IkeSaPhase.Rekeyed, ExchangeType.Informational, false, MessagePhase.Only, Protected, "linger time",
            "waiting for the client to delete the IKE SA that it rekeyed", InformationalExchange.Handle),
        new(IkeSaPhase.Rekeyed, ExchangeType.CreateChildSa, false, MessagePhase.NewChild, Protected, "linger time",
            "the client asks on an IKE SA that was rekeyed: TEMPORARY_FAILURE", DeleteExchange.RefuseWhileClosing),
        new(IkeSaPhase.Rekeyed, ExchangeType.CreateChildSa, false, MessagePhase.RekeyChild, Protected, "linger time",
            "the client asks on an IKE SA that was rekeyed: TEMPORARY_FAILURE", DeleteExchange.RefuseWhileClosing),
        new(IkeSaPhase.Rekeyed, ExchangeType.CreateChildSa, false, MessagePhase.RekeyIke, Protected, "linger time",
            "the client asks on an IKE SA that was rekeyed: TEMPORARY_FAILURE", DeleteExchange.RefuseWhileClosing),
        new(IkeSaPhase.Rekeyed, ExchangeType.Informational, true, MessagePhase.Only, Protected, Retransmissions,
            "waiting for the client to answer our Delete of a rekeyed IKE SA", null),
        new(IkeSaPhase.Rekeyed, ExchangeType.CreateChildSa, true, MessagePhase.Only, Protected, Retransmissions,
            "waiting for the client to answer a rekey of ours that the client's own rekey crossed", null),
        new(IkeSaPhase.Deleting, ExchangeType.Informational, false, MessagePhase.Only, Protected, Retransmissions,
            "the client deletes what we are deleting", InformationalExchange.Handle),
        new(IkeSaPhase.Deleting, ExchangeType.CreateChildSa, false, MessagePhase.NewChild, Protected, Retransmissions,
            "the client asks while we are deleting: TEMPORARY_FAILURE", DeleteExchange.RefuseWhileClosing),
        new(IkeSaPhase.Deleting, ExchangeType.CreateChildSa, false, MessagePhase.RekeyChild, Protected, Retransmissions,
            "the client asks while we are deleting: TEMPORARY_FAILURE", DeleteExchange.RefuseWhileClosing),
        new(IkeSaPhase.Deleting, ExchangeType.CreateChildSa, false, MessagePhase.RekeyIke, Protected, Retransmissions,
            "the client asks while we are deleting: TEMPORARY_FAILURE", DeleteExchange.RefuseWhileClosing),
        new(IkeSaPhase.Deleting, ExchangeType.Informational, true, MessagePhase.Only, Protected, Retransmissions,
            "waiting for the client to answer our Delete", null),
        new(IkeSaPhase.Deleting, ExchangeType.CreateChildSa, true, MessagePhase.Only, Protected, Retransmissions,
            "waiting for the answer to a rekey of ours, so that our Delete can follow", null),
    ];

    /// <summary>Asked before decryption: can this exchange be legal now?</summary>
    public static bool IsPlausible(IkeSaPhase phase, ExchangeType exchange, bool isResponse)
    {
        foreach (var row in Rows)
        {
            if (row.Phase == phase && row.Exchange == exchange && row.IsResponse == isResponse)
                return true;
        }

        return false;
    }

    /// <summary>The row of an authentic request, its payloads checked; null with a complaint that names what is wrong.</summary>
    public static ExchangeRow? FindRequest(IkeSaPhase phase, IkeMessage message, out string complaint)
    {
        var exchange = message.Header.ExchangeType;
        var wanted = exchange == ExchangeType.CreateChildSa ? MessageRules.CreateChildPhase(message) : default(MessagePhase?);
        foreach (var row in Rows)
        {
            if (row.Phase != phase || row.Exchange != exchange || row.IsResponse || (wanted is not null && row.Rules != wanted))
                continue;
            var errors = MessageRules.Check(exchange, isResponse: false, row.Rules, message.Payloads);
            complaint = errors.Any ? $"{exchange}: {errors}" : "";
            return errors.Any ? null : row;
        }

        complaint = $"{exchange} while {phase}";
        return null;
    }

    /// <summary>What an IKE SA in this phase waits for.</summary>
    public static string StoryOf(IkeSaPhase phase)
    {
        foreach (var row in Rows)
        {
            if (row.Phase == phase)
                return row.Story;
        }

        return "";
    }
}
