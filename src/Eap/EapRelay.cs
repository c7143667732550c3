using System.Diagnostics;
using System.Security.Cryptography;

namespace Headend.Eap;

/// <summary>
/// Pass-through authenticator for one login (RFC 3748 2.3, RFC 3579 2, RFC 7296 2.16): moves EAP between the client and the AAA
/// server and holds the rules that keep either from deciding alone. An Access-Accept is the only way to success. Sans-IO: the
/// caller performs the steps, runs the EAP timeout and serialises the calls.
/// </summary>
public sealed class EapRelay(EapRelayOptions options)
{
    private const int MskLength = 64;
    private const byte FirstIdentifier = 1;

    private enum Turn
    {
        NotStarted,
        Client,
        Aaa,
        Done,
    }

    private Turn _turn;
    private byte[]? _outstanding;
    private byte _identifier;
    private EapType _requestType;
    private string _identity = "";
    private int _rounds;
    private int _discarded;

    /// <summary>The last method request that the client answered with its own type; null before that. For the log.</summary>
    public EapType? Method { get; private set; }

    /// <summary>The identity sent as User-Name, "" before it is known. Not authenticated until <see cref="EapStep.Success"/>.</summary>
    public string Identity => _identity;

    /// <summary>Begins the login: asks the client for its identity, or the AAA server at once with the IKE identity.</summary>
    public EapStep Start()
    {
        if (_turn != Turn.NotStarted)
            throw new InvalidOperationException("An EapRelay serves one login.");
        if (options.QueryIdentity)
            return AskClient(EapPacket.Request(FirstIdentifier, EapType.Identity, []), FirstIdentifier, EapType.Identity);

        if (!EapIdentity.TryEncode(options.IkeIdentity, out var octets, out var reason))
            return Fail(null, $"the IKE identity cannot be a User-Name: {reason}");
        _identity = options.IkeIdentity;
        _identifier = FirstIdentifier;
        return AskAaa(EapPacket.Response(FirstIdentifier, EapType.Identity, octets));
    }

    /// <summary>Takes the content of an EAP payload from the client.</summary>
    public EapStep HandleClient(ReadOnlyMemory<byte> packet)
    {
        if (_turn != Turn.Client)
            return new EapStep.Discarded("no EAP request waits for the client", null);
        if (packet.Length > EapLimits.MaxRelayedLength)
            return Fail(EapPacket.Failure(_identifier), $"EAP packet of {packet.Length} octets does not fit into RADIUS");
        if (!EapPacket.TryParse(packet, out var response))
            return Discard("malformed EAP packet");

        // RFC 3748 4: a packet with a code other than Response is not for an authenticator and is discarded.
        if (response.Code != EapCode.Response || response.Type is not { } type)
            return Discard($"EAP {response.Code} from the client");
        // RFC 3748 4.1: a Response whose Identifier is not that of the outstanding Request is silently discarded.
        if (response.Identifier != _identifier)
            return Discard($"EAP identifier {response.Identifier} instead of {_identifier}");
        // RFC 3748 5.3.1: a Nak answers only a Request of type 4 or greater. RFC 3748 4.1: else the types are equal.
        if (type != _requestType && !(type == EapType.Nak && _requestType.IsMethod))
            return Discard($"{type} in answer to {_requestType}");

        if (type == EapType.Identity)
        {
            if (!EapIdentity.TryRead(response.TypeData.Span, out var identity, out var reason))
                return Fail(EapPacket.Failure(_identifier), reason);
            // RFC 3579 2.1: the User-Name of every Access-Request is the identity of the first Response/Identity. A server
            // that asks for the identity again may not be told another one.
            if (_identity.Length > 0 && !string.Equals(_identity, identity, StringComparison.Ordinal))
                return Fail(EapPacket.Failure(_identifier), "the client changed its EAP identity during the login");
            _identity = identity;
        }

        if (type.IsMethod)
            Method = type;
        return AskAaa(packet);
    }

    /// <summary>Takes the AAA server's answer to the last <see cref="EapStep.ToAaa"/>.</summary>
    public EapStep HandleAaa(RelayAnswer answer)
    {
        if (_turn != Turn.Aaa)
        {
            if (answer is RelayAnswer.Accept { Msk: { } late })
                CryptographicOperations.ZeroMemory(late);
            return new EapStep.Discarded("no question waits for the AAA server", null);
        }

        return answer switch
        {
            RelayAnswer.Challenge challenge => OnChallenge(challenge.EapMessage),
            RelayAnswer.Accept accept => OnAccept(accept),
            RelayAnswer.Reject reject => OnReject(reject),
            RelayAnswer.Unavailable unavailable => OnUnavailable(unavailable.Reason),
            RelayAnswer.Unsendable unsendable => OnUnsendable(unsendable.Reason),
            _ => throw new UnreachableException(),
        };
    }

    private EapStep OnChallenge(ReadOnlyMemory<byte> eapMessage)
    {
        if (!EapPacket.TryParse(eapMessage, out var packet))
            return Fail(EapPacket.Failure(_identifier), "Access-Challenge without a well-formed EAP-Message");
        // RFC 3579 2.6.3: only Access-Accept and Access-Reject end a login; an EAP-Success here is an attempt to skip it.
        if (packet.Code != EapCode.Request || packet.Type is not { } type)
            return Fail(EapPacket.Failure(_identifier), $"Access-Challenge with EAP {packet.Code}");
        if (++_rounds > EapLimits.MaxRounds)
            return Fail(EapPacket.Failure(_identifier), $"no result after {EapLimits.MaxRounds} EAP rounds");
        return AskClient(packet.Raw.ToArray(), packet.Identifier, type);
    }

    private EapStep OnAccept(RelayAnswer.Accept accept)
    {
        var success = EapPacket.Success(_identifier);
        if (!accept.EapMessage.IsEmpty)
        {
            // RFC 3579 2.6.3: the client follows the EAP packet, we the RADIUS code; where they differ nobody is let in.
            if (!EapPacket.TryParse(accept.EapMessage, out var packet) || packet.Code != EapCode.Success)
            {
                ZeroMsk(accept.Msk);
                var failure = packet.Code == EapCode.Failure ? packet.Raw.ToArray() : null;
                return Fail(failure, "Access-Accept whose EAP-Message is not EAP-Success");
            }

            success = packet.Raw.ToArray();
        }

        byte[]? msk = null;
        if (accept.Msk is { } keys)
        {
            if (keys.Length is < 32 or > MskLength)
            {
                ZeroMsk(keys);
                return Fail(null, $"Access-Accept with MS-MPPE keys of {keys.Length} octets together, 32 to 64 are possible");
            }

            // FreeRADIUS sends 16 + 16 octets for EAP-MSCHAPv2; the peer's MSK has 32 zero octets behind them.
            msk = new byte[MskLength];
            keys.CopyTo(msk, 0);
            ZeroMsk(keys);
        }
        else if (!options.AllowMethodsWithoutKey)
        {
            // RFC 7296 2.16: "EAP methods that do not establish a shared key SHOULD NOT be used".
            return Fail(null, $"{Method?.Name ?? "the AAA server"} gave no key (MS-MPPE-Recv-Key, MS-MPPE-Send-Key) and the profile does not allow that");
        }

        _turn = Turn.Done;
        var name = string.IsNullOrEmpty(accept.UserName) ? _identity : accept.UserName;
        return new EapStep.Success(success, msk, name, Method);
    }

    private EapStep.Failure OnReject(RelayAnswer.Reject reject)
    {
        var reason = string.IsNullOrEmpty(reject.ReplyMessage) ? "refused by the AAA server" : $"refused by the AAA server: {reject.ReplyMessage}";
        if (reject.EapMessage.IsEmpty)
            return Fail(EapPacket.Failure(_identifier), reason);
        // RFC 3579 2.6.3: the NAS MUST NOT manufacture EAP packets to correct contradictory messages.
        var failure = EapPacket.TryParse(reject.EapMessage, out var packet) && packet.Code == EapCode.Failure ? packet.Raw.ToArray() : null;
        return Fail(failure, reason);
    }

    private EapStep.Unavailable OnUnavailable(string reason)
    {
        _turn = Turn.Done;
        return new EapStep.Unavailable(reason);
    }

    private EapStep.Unsendable OnUnsendable(string reason)
    {
        _turn = Turn.Done;
        return new EapStep.Unsendable(reason);
    }

    private EapStep.Request AskClient(byte[] request, byte identifier, EapType type)
    {
        _turn = Turn.Client;
        _outstanding = request;
        _identifier = identifier;
        _requestType = type;
        return new EapStep.Request(request);
    }

    private EapStep.ToAaa AskAaa(ReadOnlyMemory<byte> message)
    {
        _turn = Turn.Aaa;
        _outstanding = null;
        return new EapStep.ToAaa(message, _identity);
    }

    private EapStep Discard(string reason) => ++_discarded > EapLimits.MaxDiscarded
        ? Fail(EapPacket.Failure(_identifier), $"too many EAP packets that answer nothing, the last: {reason}")
        : new EapStep.Discarded(reason, _outstanding);

    private EapStep.Failure Fail(byte[]? packet, string reason)
    {
        _turn = Turn.Done;
        _outstanding = null;
        return new EapStep.Failure(packet, reason);
    }

    private static void ZeroMsk(byte[]? msk)
    {
        if (msk is not null)
            CryptographicOperations.ZeroMemory(msk);
    }
}
