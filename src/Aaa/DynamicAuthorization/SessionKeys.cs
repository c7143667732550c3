using System.Net;
using System.Runtime.InteropServices;
using Headend.Aaa.Authorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>What a session is known by towards AAA, for comparison with the keys of a request. A null is a value that the session has not.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SessionKeyRecord
{
    public required string AuditSessionId { get; init; }

    public required string AcctSessionId { get; init; }

    public string? AcctMultiSessionId { get; init; }

    /// <summary>The authenticated identity.</summary>
    public required string UserName { get; init; }

    /// <summary>It is compared octet for octet; else without regard to case, for the client may have chosen the spelling.</summary>
    public bool IsUserNameExact { get; init; }

    /// <summary>The client's outer address now, and at its login where that was another.</summary>
    public required IPAddress CallingStation { get; init; }

    public required IPAddress CallingStationAtLogin { get; init; }

    public required IPAddress CalledStation { get; init; }

    public IPAddress? FramedIpAddress { get; init; }

    public IPAddress? FramedIpv6Address { get; init; }

    public IPNetwork? FramedIpv6Prefix { get; init; }

    public required uint NasPort { get; init; }

    public required string NasPortId { get; init; }

    public ReadOnlyMemory<byte> ChargeableUserIdentity { get; init; }
}

/// <summary>
/// The NAS and session identification attributes of a request (RFC 5176 3). Each may stand once; all that are given must match. Session ids of ours and
/// most User-Names are compared without regard to case, other text octet for octet, a Calling- or Called-Station-Id that is an address by its value.
/// </summary>
public sealed record SessionKeys
{
    private const uint NasPortTypeVirtual = 5;

    public string? AuditSessionId { get; init; }

    public string? AcctSessionId { get; init; }

    public string? AcctMultiSessionId { get; init; }

    public string? UserName { get; init; }

    public string? CallingStationId { get; init; }

    public string? CalledStationId { get; init; }

    public IPAddress? FramedIpAddress { get; init; }

    public IPAddress? FramedIpv6Address { get; init; }

    public IPNetwork? FramedIpv6Prefix { get; init; }

    public uint? NasPort { get; init; }

    public uint? NasPortType { get; init; }

    public string? NasPortId { get; init; }

    public ReadOnlyMemory<byte>? ChargeableUserIdentity { get; init; }

    public IPAddress? NasIpAddress { get; init; }

    public IPAddress? NasIpv6Address { get; init; }

    public string? NasIdentifier { get; init; }

    /// <summary>Whether any of the keys that can single out a session is there; the ports' type and our own address cannot.</summary>
    public bool NameSession =>
        AuditSessionId is not null || AcctSessionId is not null || AcctMultiSessionId is not null || UserName is not null || CallingStationId is not null
        || FramedIpAddress is not null || FramedIpv6Address is not null || FramedIpv6Prefix is not null || NasPort is not null || NasPortId is not null
        || ChargeableUserIdentity is not null;

    public bool Matches(in SessionKeyRecord session) =>
        (AuditSessionId is null || string.Equals(AuditSessionId, session.AuditSessionId, StringComparison.OrdinalIgnoreCase))
        && (AcctSessionId is null || string.Equals(AcctSessionId, session.AcctSessionId, StringComparison.OrdinalIgnoreCase))
        && (AcctMultiSessionId is null || string.Equals(AcctMultiSessionId, session.AcctMultiSessionId, StringComparison.Ordinal))
        && (UserName is null || string.Equals(UserName, session.UserName, session.IsUserNameExact ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
        && (CallingStationId is null || IsStation(CallingStationId, session.CallingStation) || IsStation(CallingStationId, session.CallingStationAtLogin))
        && (CalledStationId is null || IsStation(CalledStationId, session.CalledStation))
        && (FramedIpAddress is null || FramedIpAddress.Equals(session.FramedIpAddress))
        && (FramedIpv6Address is null || FramedIpv6Address.Equals(session.FramedIpv6Address))
        && (FramedIpv6Prefix is not { } prefix || IsPrefix(prefix, session))
        && (NasPort is not { } port || port == session.NasPort)
        && (NasPortType is null or NasPortTypeVirtual)
        && (NasPortId is null || string.Equals(NasPortId, session.NasPortId, StringComparison.Ordinal))
        && (ChargeableUserIdentity is not { } identity || identity.Span.SequenceEqual(session.ChargeableUserIdentity.Span));

    /// <summary>The keys as the audit log prints them: name=value, separated by commas.</summary>
    public override string ToString()
    {
        var text = new List<string>();
        Add("audit-session-id", AuditSessionId);
        Add("Acct-Session-Id", AcctSessionId);
        Add("Acct-Multi-Session-Id", AcctMultiSessionId);
        Add("User-Name", UserName);
        Add("Calling-Station-Id", CallingStationId);
        Add("Called-Station-Id", CalledStationId);
        Add("Framed-IP-Address", FramedIpAddress);
        Add("Framed-IPv6-Address", FramedIpv6Address);
        Add("Framed-IPv6-Prefix", FramedIpv6Prefix);
        Add("NAS-Port", NasPort);
        Add("NAS-Port-Type", NasPortType);
        Add("NAS-Port-Id", NasPortId);
        Add("Chargeable-User-Identity", ChargeableUserIdentity is { } identity ? Convert.ToHexStringLower(identity.Span) : null);
        Add("NAS-IP-Address", NasIpAddress);
        Add("NAS-IPv6-Address", NasIpv6Address);
        Add("NAS-Identifier", NasIdentifier);
        return string.Join(',', text);

        void Add(string name, object? value)
        {
            if (value is not null) text.Add($"{name}={value}");
        }
    }

    /// <summary>Takes an attribute that is a key.</summary>
    /// <param name="attribute">Any attribute.</param>
    /// <param name="keys">With the key added.</param>
    /// <param name="error">Why the key cannot be used, or null.</param>
    /// <returns>False when the attribute is no key.</returns>
    internal bool TryTake(RadiusAttribute attribute, out SessionKeys keys, out ErrorCause? error)
    {
        var text = "";
        uint number = 0;
        IPAddress? address = null;
        var good = true;
        bool Text() => attribute.Value.Length > 0 && attribute.TryGetText(out text);
        bool Number() => attribute.TryGetUInt32(out number);
        bool Address(int octets) => attribute.Value.Length == octets && attribute.TryGetAddress(out address);
        var (taken, twice) = attribute.Type.Value switch
        {
            1 => (good = Text()) ? (this with { UserName = text }, UserName is not null) : (this, false),
            4 => (good = Address(4)) ? (this with { NasIpAddress = address }, NasIpAddress is not null) : (this, false),
            5 => (good = Number()) ? (this with { NasPort = number }, NasPort is not null) : (this, false),
            8 => (good = Address(4)) ? (this with { FramedIpAddress = address }, FramedIpAddress is not null) : (this, false),
            30 => (good = Text()) ? (this with { CalledStationId = text }, CalledStationId is not null) : (this, false),
            31 => (good = Text()) ? (this with { CallingStationId = text }, CallingStationId is not null) : (this, false),
            32 => (good = Text()) ? (this with { NasIdentifier = text }, NasIdentifier is not null) : (this, false),
            44 => (good = Text()) ? (this with { AcctSessionId = text }, AcctSessionId is not null) : (this, false),
            50 => (good = Text()) ? (this with { AcctMultiSessionId = text }, AcctMultiSessionId is not null) : (this, false),
            61 => (good = Number()) ? (this with { NasPortType = number }, NasPortType is not null) : (this, false),
            87 => (good = Text()) ? (this with { NasPortId = text }, NasPortId is not null) : (this, false),
            89 => (good = attribute.Value.Length > 0) ? (this with { ChargeableUserIdentity = attribute.Value }, ChargeableUserIdentity is not null) : (this, false),
            95 => (good = Address(16)) ? (this with { NasIpv6Address = address }, NasIpv6Address is not null) : (this, false),
            97 => (good = attribute.TryGetIpv6Prefix(out var prefix)) ? (this with { FramedIpv6Prefix = prefix }, FramedIpv6Prefix is not null) : (this, false),
            168 => (good = Address(16)) ? (this with { FramedIpv6Address = address }, FramedIpv6Address is not null) : (this, false),
            _ => ((SessionKeys?)null, false),
        };
        keys = taken ?? this;
        error = !good ? ErrorCause.InvalidAttributeValue : twice ? ErrorCause.InvalidRequest : null;
        return taken is not null;
    }

    /// <summary>The same for the Cisco pair audit-session-id.</summary>
    internal bool TryTake(CiscoPair pair, out SessionKeys keys, out ErrorCause? error)
    {
        keys = this;
        error = null;
        if (pair.Attribute != "audit-session-id") return false;
        keys = this with { AuditSessionId = pair.Value };
        error = pair.Value.Length == 0 ? ErrorCause.InvalidAttributeValue : AuditSessionId is not null ? ErrorCause.InvalidRequest : null;
        return true;
    }

    // 2001:DB8::1 and 2001:db8:0::1 are one station; what is no address is nobody's.
    private static bool IsStation(string text, IPAddress station)
        => IPAddress.TryParse(text, out var address) && address.Equals(station.IsIPv4MappedToIPv6 ? station.MapToIPv4() : station);

    private static bool IsPrefix(IPNetwork prefix, in SessionKeyRecord session)
        => prefix == session.FramedIpv6Prefix || (prefix.PrefixLength == 128 && prefix.BaseAddress.Equals(session.FramedIpv6Address));
}
