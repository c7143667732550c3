using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// What the two exchanges that begin an IKE SA, IKE_SA_INIT and IKE_SESSION_RESUME, share before anything is kept: form, cookies (RFC 7296 2.6), limits, and answers
/// in the clear. Nothing is authentic here, and every answer is stateless.
/// </summary>
internal static class InitialAdmission
{
    /// <summary>
    /// Octets of a request that begins an IKE SA; AUTH covers it, so that it is kept until the login is through. Many proposals, the largest MODP value (1024), vendor ids
    /// and a ticket of ours (less than 600) stay far below; neither exchange can be fragmented.
    /// </summary>
    public const int MostOctets = 8 * 1024;

    /// <summary>Demands a cookie whatever the load; true when the message brings a good one. Nothing is kept.</summary>
    public static bool HandleAtDoor(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram) =>
        TryRead(endpoint, header, datagram) is { } message && HasGoodCookie(endpoint, message, header, datagram);

    /// <summary>Null: nothing more to do, already counted.</summary>
    public static IkeMessage? TryRead(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram)
    {
        if (datagram.Octets.Length > MostOctets)
        {
            endpoint.Observer.Discarded(DiscardReason.TooLarge, datagram.Path, $"{header.ExchangeType} of {datagram.Octets.Length} octets, {MostOctets} is the limit");
            return null;
        }

        if (!UnprotectedMessage.TryParse(datagram.Octets, header, out var message, out var error))
        {
            if (error.Code == WireErrorCode.UnsupportedCriticalPayload)
                Refuse(endpoint, header, datagram, NotifyType.UnsupportedCriticalPayload, [error.Payload.Value]);
            endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, error.ToString());
            return null;
        }

        var errors = MessageRules.Check(header.ExchangeType, isResponse: false, MessagePhase.Only, message.Payloads);
        if (errors.Any)
        {
            endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, $"{header.ExchangeType}: {errors}");
            return null;
        }

        return message;
    }

    /// <summary>An answer outside any SA; never larger than what provoked it.</summary>
    public static void Refuse(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram, NotifyType type, byte[] value)
    {
        var answer = UnprotectedMessage.Write(
            new IkeHeader(header.InitiatorSpi, default, PayloadType.None, 2, 0, header.ExchangeType, IkeHeaderFlags.Response, header.MessageId, 0),
            [new NotifyPayload(type, value)]);
        if (answer.Length <= datagram.Octets.Length && endpoint.Admission.TryTakeStatelessReply(endpoint.Now))
            endpoint.Emit(new TransmitEffect(answer, datagram.Path));
    }

    /// <summary>False: refused, already counted.</summary>
    public static bool Admit(IkeEndpoint endpoint, IkeMessage message, in IkeHeader header, in IkeDatagram datagram)
    {
        if (endpoint.Admission.CookieDemanded && !HasGoodCookie(endpoint, message, header, datagram))
            return false;
        if (endpoint.Admission.Judge(datagram.Path.Remote.Address) is not { } refusal)
            return true;
        endpoint.Observer.Discarded(refusal, datagram.Path, $"{endpoint.Admission.HalfOpen} half-open");
        return false;
    }

    /// <summary>Answers with a COOKIE notify where there is none or a wrong one.</summary>
    private static bool HasGoodCookie(IkeEndpoint endpoint, IkeMessage message, in IkeHeader header, in IkeDatagram datagram)
    {
        var nonce = message.First<NoncePayload>()!.Value.Span;
        var cookie = message.Notify(NotifyType.Cookie);
        var remote = datagram.Path.Remote;
        if (cookie is not null && endpoint.Admission.IsGoodCookie(cookie.Value.Span, nonce, remote, header.InitiatorSpi, endpoint.Now))
            return true;
        endpoint.Observer.Discarded(DiscardReason.CookieDemanded, datagram.Path, "");
        Refuse(endpoint, header, datagram, NotifyType.Cookie, endpoint.Admission.MakeCookie(nonce, remote, header.InitiatorSpi, endpoint.Now));
        return false;
    }
}
