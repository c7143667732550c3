using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>
/// A sequence of payloads linked by Next Payload: RFC 7296 3.2. Reserved bits, and the critical bit of payloads that we know, are
/// ignored on receipt.
/// </summary>
public static class PayloadChain
{
    public const int MaxPayloads = 64;

    private const int HeaderSize = 4;
    private const byte CriticalBit = 0x80;

    /// <summary>Parses all of <paramref name="body"/>, which the payloads then refer to.</summary>
    /// <param name="first">Type of the first payload; None asks for an empty body.</param>
    /// <param name="origin">Added to the offsets of errors, in octets.</param>
    /// <param name="isClear">Nothing protects these payloads: a CP among them, as Cisco clients send one, is not read and never trusted.</param>
    public static bool TryParse(
        PayloadType first, ReadOnlyMemory<byte> body, [NotNullWhen(true)] out IkePayload[]? payloads, out WireError error, int origin = 0,
        bool isClear = false)
    {
        payloads = null;
        if (!TryCount(first, body.Span, origin, out int count, out error)) return false;
        var parsed = new IkePayload[count];
        PayloadType type = first;
        int start = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = body.Span.Slice(start, HeaderSize);
            int length = (header[2] << 8) | header[3];
            var octets = new PayloadBody(type, body.Slice(start + HeaderSize, length - HeaderSize), origin + start + HeaderSize);
            if (isClear && type == PayloadType.Configuration)
                parsed[i] = new UnknownPayload(type, critical: false, octets.Octets);
            else if (TryParseOne(octets, out IkePayload? payload, out error))
                parsed[i] = payload;
            else
                return false;
            type = new PayloadType(header[0]);
            start += length;
        }
        payloads = parsed;
        return true;
    }

    /// <summary>Writes the payloads with their generic headers and returns the type of the first, None when there is none.</summary>
    public static PayloadType Write(IReadOnlyList<IkePayload> payloads, WireWriter writer)
    {
        for (int i = 0; i < payloads.Count; i++)
        {
            IkePayload payload = payloads[i];
            int start = writer.Length;
            writer.WriteUInt8(i + 1 < payloads.Count ? payloads[i + 1].Type.Value : PayloadType.None.Value);
            writer.WriteUInt8(payload.Critical ? CriticalBit : (byte)0);
            int length = writer.ReserveUInt16();
            payload.WriteBody(writer);
            writer.PatchUInt16(length, writer.Length - start);
        }
        return payloads.Count == 0 ? PayloadType.None : payloads[0].Type;
    }

    /// <summary>Walks the generic headers, so that nothing is allocated for a chain that is broken or too long.</summary>
    private static bool TryCount(PayloadType first, ReadOnlySpan<byte> octets, int origin, out int count, out WireError error)
    {
        count = 0;
        error = default;
        PayloadType type = first;
        int start = 0;
        while (type != PayloadType.None)
        {
            WireErrorCode code = CheckHeader(type, octets[start..], out int length);
            if (code == WireErrorCode.None && ++count > MaxPayloads) code = WireErrorCode.TooMany;
            if (code != WireErrorCode.None)
            {
                error = new WireError(code, type, origin + start);
                return false;
            }
            type = new PayloadType(octets[start]);
            start += length;
        }
        if (start == octets.Length) return true;
        error = new WireError(WireErrorCode.TrailingBytes, PayloadType.None, origin + start);
        return false;
    }

    private static WireErrorCode CheckHeader(PayloadType type, ReadOnlySpan<byte> octets, out int length)
    {
        length = 0;
        if (octets.Length < HeaderSize) return WireErrorCode.Truncated;
        length = (octets[2] << 8) | octets[3];
        if (length < HeaderSize) return WireErrorCode.BadLength;
        if (length > octets.Length) return WireErrorCode.Truncated;
        if (type == PayloadType.Encrypted || type == PayloadType.EncryptedFragment) return WireErrorCode.MisplacedPayload;

        // RFC 7296 2.5: "If the critical flag is set and the payload type is unrecognized, the message MUST be rejected"
        return (octets[1] & CriticalBit) != 0 && !IsKnown(type) ? WireErrorCode.UnsupportedCriticalPayload : WireErrorCode.None;
    }

    private static bool IsKnown(PayloadType type) => type.Value is >= 33 and <= 48;

    private static bool TryParseOne(in PayloadBody body, [NotNullWhen(true)] out IkePayload? payload, out WireError error)
    {
        switch (body.Type.Value)
        {
            case 33: return As(SaPayload.TryParse(body, out SaPayload? sa, out error), sa, out payload);
            case 34: return As(KeyExchangePayload.TryParse(body, out KeyExchangePayload? ke, out error), ke, out payload);
            case 35 or 36: return As(IdPayload.TryParse(body, out IdPayload? id, out error), id, out payload);
            case 37: return As(CertificatePayload.TryParse(body, out CertificatePayload? cert, out error), cert, out payload);
            case 38: return As(CertificateRequestPayload.TryParse(body, out CertificateRequestPayload? request, out error), request, out payload);
            case 39: return As(AuthenticationPayload.TryParse(body, out AuthenticationPayload? auth, out error), auth, out payload);
            case 40: return As(NoncePayload.TryParse(body, out NoncePayload? nonce, out error), nonce, out payload);
            case 41: return As(NotifyPayload.TryParse(body, out NotifyPayload? notify, out error), notify, out payload);
            case 42: return As(DeletePayload.TryParse(body, out DeletePayload? delete, out error), delete, out payload);
            case 43: return As(VendorIdPayload.TryParse(body, out VendorIdPayload? vendor, out error), vendor, out payload);
            case 44 or 45: return As(TrafficSelectorPayload.TryParse(body, out TrafficSelectorPayload? ts, out error), ts, out payload);
            case 47: return As(ConfigurationPayload.TryParse(body, out ConfigurationPayload? cp, out error), cp, out payload);
            case 48: return As(EapPayload.TryParse(body, out EapPayload? eap, out error), eap, out payload);
            default:
                error = default;
                payload = new UnknownPayload(body.Type, critical: false, body.Octets);
                return true;
        }
    }

    private static bool As(bool parsed, IkePayload? value, [NotNullWhen(true)] out IkePayload? payload)
    {
        payload = value;
        return parsed && value is not null;
    }
}
