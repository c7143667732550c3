using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Headend.Aaa.Radius;

/// <summary>
/// A request under construction: its attributes in order, without what depends on the server (identifier, authenticators, hidden password). Encoded anew for
/// each server that is tried. The Message-Authenticator stands first (CVE-2024-3596) and is added by the encoding. Not thread-safe.
/// An attribute that does not fit is remembered in <see cref="Error"/> and the request cannot be sent: values may come from a peer, so it is no exception.
/// </summary>
public sealed partial class RadiusRequest
{
    private const int MessageAuthenticatorLength = 18;
    private const int AttributesStart = RadiusPacket.HeaderLength + MessageAuthenticatorLength;

    private byte[] buffer = new byte[768];
    private int length;
    private int hiddenPasswordAt;
    private byte[]? password;
    private int delayTimeAt = -1;
    private DateTimeOffset eventTime;

    public RadiusRequest(RadiusCode code)
    {
        Code = code;
        Phase = code == RadiusCode.AccountingRequest ? RadiusPhase.Accounting : code == RadiusCode.StatusServer ? RadiusPhase.Status : RadiusPhase.Login;
    }

    public RadiusCode Code { get; }

    /// <summary>Chooses the timers. An Access-Request is a <see cref="RadiusPhase.Login"/> unless it is told otherwise.</summary>
    public RadiusPhase Phase { get; init; }

    /// <summary>Null, or the name of the first attribute that did not fit and why.</summary>
    public string? Error { get; private set; }

    /// <summary>
    /// The server this request must go to, or null for the group's choice. A conversation with State belongs to the server that began it (RFC 2865 5.24).
    /// </summary>
    public string? ServerName { get; set; }

    /// <summary>Every Access-Request and Status-Server carries a Message-Authenticator; accounting need not (RFC 2866 predates it) and does not by default.</summary>
    public bool HasMessageAuthenticator => Code != RadiusCode.AccountingRequest;

    /// <summary>Whether the request asks for EAP, so that its replies must carry a Message-Authenticator (RFC 3579 3.2).</summary>
    public bool HasEap { get; private set; }

    /// <summary>Octets of one attribute, 1..253. An empty value is left out: RFC 2865 5: "Strings of length zero (0) MUST NOT be sent; omit the entire attribute".</summary>
    public RadiusRequest Add(RadiusAttributeType type, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return this;
        if (TryReserve(type, value.Length, out var room)) value.CopyTo(room);
        return this;
    }

    /// <summary>UTF-8 text of 1..253 octets.</summary>
    public RadiusRequest Add(RadiusAttributeType type, string? text)
    {
        if (string.IsNullOrEmpty(text)) return this;
        if (TryReserve(type, Encoding.UTF8.GetByteCount(text), out var room)) Encoding.UTF8.GetBytes(text, room);
        return this;
    }

    public RadiusRequest Add(RadiusAttributeType type, uint value)
    {
        if (TryReserve(type, 4, out var room)) BinaryPrimitives.WriteUInt32BigEndian(room, value);
        return this;
    }

    /// <summary>An "ipv4addr" or "ipv6addr", by the address' family.</summary>
    public RadiusRequest Add(RadiusAttributeType type, IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out var written);
        if (TryReserve(type, written, out var room)) octets[..written].CopyTo(room);
        return this;
    }

    /// <summary>RFC 3162 2.3: an IPv6 prefix.</summary>
    public RadiusRequest Add(RadiusAttributeType type, IPNetwork prefix)
    {
        if (!TryReserve(type, 18, out var room)) return this;
        room[0] = 0;
        room[1] = (byte)prefix.PrefixLength;
        prefix.BaseAddress.TryWriteBytes(room[2..], out _);
        return this;
    }

    /// <summary>RFC 2868 3.3: a tagged string; tag 0 leaves the octet out.</summary>
    public RadiusRequest AddTagged(RadiusAttributeType type, byte tag, string text)
    {
        var prefix = tag == 0 ? 0 : 1;
        if (!TryReserve(type, prefix + Encoding.UTF8.GetByteCount(text), out var room)) return this;
        if (tag != 0) room[0] = tag;
        Encoding.UTF8.GetBytes(text, room[prefix..]);
        return this;
    }

    /// <summary>One sub-attribute in a Vendor-Specific attribute of its own (RFC 2865 5.26), at most 247 octets.</summary>
    public RadiusRequest AddVendor(RadiusVendor vendor, byte type, ReadOnlySpan<byte> value)
    {
        if (!TryReserve(RadiusAttributeType.VendorSpecific, 6 + value.Length, out var room)) return this;
        BinaryPrimitives.WriteUInt32BigEndian(room, vendor.Value);
        room[4] = type;
        room[5] = (byte)(2 + value.Length);
        value.CopyTo(room[6..]);
        return this;
    }

    /// <summary>A Cisco-AVPair, "attribute=value".</summary>
    public RadiusRequest AddCiscoPair(string attribute, string? value)
        => string.IsNullOrEmpty(value) ? this : AddVendor(RadiusVendor.Cisco, CiscoAttribute.AvPair, Encoding.UTF8.GetBytes($"{attribute}={value}"));

    /// <summary>RFC 3579 3.1: the EAP packet in as many EAP-Message attributes of at most 253 octets as it takes; empty is EAP-Start.</summary>
    public RadiusRequest AddEapMessage(ReadOnlySpan<byte> message)
    {
        HasEap = true;
        do
        {
            var part = message[..Math.Min(message.Length, RadiusPacket.MaximumValueLength)];
            if (!TryReserve(RadiusAttributeType.EapMessage, part.Length, out var room)) return this;
            part.CopyTo(room);
            message = message[part.Length..];
        }
        while (!message.IsEmpty);
        return this;
    }

    /// <summary>A User-Password of 1..128 octets, hidden for the server at each encoding and zeroed by <see cref="ForgetPassword"/>.</summary>
    public RadiusRequest AddUserPassword(ReadOnlySpan<byte> value)
    {
        if (value.Length is 0 or > RadiusHiding.MaximumUserPasswordLength)
        {
            Error ??= $"User-Password has {value.Length} octets, not 1..{RadiusHiding.MaximumUserPasswordLength}";
            return this;
        }
        var at = length;
        if (!TryReserve(RadiusAttributeType.UserPassword, RadiusHiding.HiddenUserPasswordLength(value.Length), out _)) return this;
        hiddenPasswordAt = at + 2;
        password = value.ToArray();
        return this;
    }

    /// <summary>Acct-Delay-Time, kept at the seconds since the event at each transmission (RFC 2866 5.2).</summary>
    public RadiusRequest AddDelayTime(DateTimeOffset eventAt)
    {
        var at = length;
        if (!TryReserve(RadiusAttributeType.AcctDelayTime, 4, out _)) return this;
        delayTimeAt = at + 2;
        eventTime = eventAt;
        return this;
    }

    public void ForgetPassword()
    {
        if (password is not null) CryptographicOperations.ZeroMemory(password);
    }

    /// <summary>The Acct-Delay-Time that a transmission at <paramref name="now"/> carries, in seconds; -1 when the request has none.</summary>
    internal long DelayTimeAt(DateTimeOffset now) => delayTimeAt < 0 ? -1 : Math.Clamp((long)(now - eventTime).TotalSeconds, 0, uint.MaxValue);

    /// <summary>Whether an attribute of so many octets fits.</summary>
    internal bool HasRoomFor(int valueLength) => Error is null && length + 2 + valueLength <= RadiusPacket.MaximumLength - AttributesStart;

    /// <summary>Sets <see cref="Error"/> unless so many octets are left for what comes later.</summary>
    internal void Reserve(int octets, string purpose)
    {
        if (length + octets > RadiusPacket.MaximumLength - AttributesStart) Error ??= $"{purpose} would not fit: the request would pass {RadiusPacket.MaximumLength} octets";
    }

    internal int EncodedLength => (HasMessageAuthenticator ? AttributesStart : RadiusPacket.HeaderLength) + length;

    /// <summary>
    /// Writes the packet.
    /// </summary>
    /// <param name="destination">At least <see cref="EncodedLength"/> octets.</param>
    /// <param name="identifier">Of this transmission.</param>
    /// <param name="nonce">16 unpredictable octets: the Request Authenticator of Access-Request and Status-Server, unused otherwise.</param>
    /// <param name="secret">Of the server.</param>
    /// <param name="now">For Acct-Delay-Time.</param>
    /// <returns>The packet's length; its octets 4..19 are the Request Authenticator.</returns>
    internal int Encode(Span<byte> destination, byte identifier, ReadOnlySpan<byte> nonce, RadiusSecret secret, DateTimeOffset now)
    {
        var start = EncodedLength - length;
        var packet = destination[..EncodedLength];
        packet[0] = Code.Value;
        packet[1] = identifier;
        buffer.AsSpan(0, length).CopyTo(packet[start..]);
        if (delayTimeAt >= 0) BinaryPrimitives.WriteUInt32BigEndian(packet[(start + delayTimeAt)..], (uint)DelayTimeAt(now));
        if (password is not null)
        {
            var hidden = packet.Slice(start + hiddenPasswordAt, RadiusHiding.HiddenUserPasswordLength(password.Length));
            RadiusHiding.HideUserPassword(password, nonce, secret, hidden);
        }
        if (HasMessageAuthenticator)
        {
            packet[RadiusPacket.HeaderLength] = RadiusAttributeType.MessageAuthenticator.Value;
            packet[RadiusPacket.HeaderLength + 1] = MessageAuthenticatorLength;
        }
        RadiusAuthenticatorCodec.Seal(packet, HasMessageAuthenticator ? RadiusPacket.HeaderLength + 2 : 0, nonce, secret);
        return packet.Length;
    }

    private bool TryReserve(RadiusAttributeType type, int valueLength, out Span<byte> room)
    {
        room = default;
        if (Error is not null) return false;
        if (valueLength > RadiusPacket.MaximumValueLength)
        {
            Error = $"{type} has {valueLength} octets, more than {RadiusPacket.MaximumValueLength}";
            return false;
        }
        var needed = length + 2 + valueLength;
        if (needed > RadiusPacket.MaximumLength - AttributesStart)
        {
            Error = $"{type} does not fit: the request would pass {RadiusPacket.MaximumLength} octets";
            return false;
        }
        if (needed > buffer.Length) Array.Resize(ref buffer, Math.Max(needed, buffer.Length * 2));
        buffer[length] = type.Value;
        buffer[length + 1] = (byte)(2 + valueLength);
        room = buffer.AsSpan(length + 2, valueLength);
        room.Clear();
        length = needed;
        return true;
    }
}
