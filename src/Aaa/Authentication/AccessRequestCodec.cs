using System.Net;
using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authentication;

/// <summary>Builds the Access-Requests of a session.</summary>
public static class AccessRequestCodec
{
    private const uint NasPortTypeVirtual = 5;
    private const uint ServiceTypeLogin = 1;
    private const uint ServiceTypeOutbound = 5;
    private const uint ServiceTypeAuthorizeOnly = 17;
    private const string Phase1Id = "isakmp-phase1-id";

    /// <summary>What a Vendor-Specific attribute has left beside vendor (4), sub-attribute header (2) and the pair's name and equals sign.</summary>
    private const int MaximumPhase1Id = RadiusPacket.MaximumValueLength - 6 - 17;

    private const int MaximumDevice = RadiusPacket.MaximumValueLength - 6 - 8;

    /// <summary>
    /// Octets of all that a client says of its machine, as attributes. With every other attribute as long as it may be, the largest Access-Request with a password and the Stop
    /// still fit. Real clients need some 800.
    /// </summary>
    private const int MaximumDevices = 1280;

    private const int MaximumTunnelGroup = RadiusPacket.MaximumValueLength - 6;
    private const byte AnyConnectIkev2 = 6;

    /// <summary>
    /// Framed-MTU of EAP conversations: RFC 3579 2.4: bounds the EAP packets that the server sends. An EAP payload of this size stays within the fragments of RFC 7383.
    /// </summary>
    public const uint EapFramedMtu = 1400;

    /// <summary>One step of EAP pass-through (RFC 3579).</summary>
    /// <param name="session">Identifies the session.</param>
    /// <param name="eapResponse">The client's EAP packet, octet for octet.</param>
    /// <param name="state">State of the last Access-Challenge, or empty.</param>
    /// <param name="serverName">Who sent that challenge, or null at the start.</param>
    public static RadiusRequest BuildEap(NasSessionRecord session, ReadOnlySpan<byte> eapResponse, ReadOnlySpan<byte> state = default, string? serverName = null)
    {
        var request = Begin(session, session.UserName);
        request.ServerName = serverName;
        return request
            .Add(RadiusAttributeType.ServiceType, ServiceTypeLogin)
            .Add(RadiusAttributeType.FramedMtu, EapFramedMtu)
            .AddEapMessage(eapResponse)
            .Add(RadiusAttributeType.State, state);
    }

    /// <summary>A login with a password of our knowledge (PAP, RFC 2865 5.2): `radius test` and clients that hand one over.</summary>
    public static RadiusRequest BuildPap(NasSessionRecord session, ReadOnlySpan<byte> password)
        => Begin(session, session.UserName)
            .AddUserPassword(password)
            .Add(RadiusAttributeType.ServiceType, ServiceTypeLogin);

    /// <summary>Fetches the profile of a name that is no user's: a group, or a user already authenticated otherwise (FlexVPN authorization list).</summary>
    public static RadiusRequest BuildAuthorization(NasSessionRecord session, string name, ReadOnlySpan<byte> password)
        => Begin(session, name, RadiusPhase.Authorization)
            .AddUserPassword(password)
            .Add(RadiusAttributeType.ServiceType, ServiceTypeOutbound);

    /// <summary>RFC 5176 3.2: asks for the authorization of a session that stands, after a CoA-Request with Service-Type Authorize Only.</summary>
    /// <param name="session">Identifies the session.</param>
    /// <param name="state">State of that request.</param>
    /// <param name="serverName">Who is to be asked, or null for the group's choice.</param>
    public static RadiusRequest BuildAuthorizeOnly(NasSessionRecord session, ReadOnlySpan<byte> state, string? serverName)
    {
        // As accounting has it. Of a login no name is ever cut: that would be another one's.
        var request = Begin(session, Cut(session.UserName, RadiusPacket.MaximumValueLength)!, RadiusPhase.Authorization);
        request.ServerName = serverName;
        return request
            .Add(RadiusAttributeType.ServiceType, ServiceTypeAuthorizeOnly)
            .Add(RadiusAttributeType.State, state);
    }

    /// <summary>
    /// Asks for a downloadable access list, or for its next piece: no user logs in, so there is no password; the Message-Authenticator proves who asks.
    /// </summary>
    /// <param name="session">The login that needs the list.</param>
    /// <param name="name">"#ACSACL#-..." as the Access-Accept gave it.</param>
    /// <param name="state">State of the last Access-Challenge, or empty.</param>
    /// <param name="serverName">Who sent that challenge, or null at the start.</param>
    public static RadiusRequest BuildAccessListDownload(NasSessionRecord session, string name, ReadOnlySpan<byte> state = default, string? serverName = null)
    {
        var request = Begin(session, name, RadiusPhase.Authorization);
        request.ServerName = serverName;
        return request
            .AddCiscoPair("aaa:service", "ip_admission")
            .AddCiscoPair("aaa:event", "acl-download")
            .Add(RadiusAttributeType.State, state);
    }

    internal static RadiusRequest Begin(NasSessionRecord session, string userName, RadiusPhase phase = RadiusPhase.Login)
    {
        var request = new RadiusRequest(RadiusCode.AccessRequest) { Phase = phase }.Add(RadiusAttributeType.UserName, userName);
        AddNas(request, session);
        return request;
    }

    /// <summary>The attributes that every request of a session carries. What the client said is cut to fit: it must not be able to make a request unsendable.</summary>
    internal static void AddNas(RadiusRequest request, NasSessionRecord session)
    {
        var client = NasSessionRecord.Station(session.RemoteEndpoint);
        AddNasAddress(request, session.NasAddress ?? session.LocalEndpoint.Address);
        request
            .Add(RadiusAttributeType.NasIdentifier, session.NasIdentifier)
            .Add(RadiusAttributeType.NasPort, session.NasPort)
            .Add(RadiusAttributeType.NasPortId, session.NasPortId)
            .Add(RadiusAttributeType.NasPortType, NasPortTypeVirtual)
            .Add(RadiusAttributeType.CalledStationId, NasSessionRecord.Station(session.LocalEndpoint))
            .Add(RadiusAttributeType.CallingStationId, client)
            .AddTagged(RadiusAttributeType.TunnelClientEndpoint, 0, client)
            .Add(RadiusAttributeType.AcctSessionId, session.AcctSessionId)
            .Add(RadiusAttributeType.ConnectInfo, Cut(session.ConnectInfo, RadiusPacket.MaximumValueLength))
            .AddCiscoPair("audit-session-id", session.AuditSessionId)
            .AddCiscoPair(Phase1Id, Cut(session.IkeIdentity, MaximumPhase1Id))
            // The misspelling is FlexVPN's and what policies match.
            .AddCiscoPair("isakmp-initator-ip", client);
        if (session.CertificatePair is { Key: var name, Value: var value })
            request.AddCiscoPair(name, Cut(value, RadiusPacket.MaximumValueLength - 6 - 1 - name.Length));
        AddDevice(request, session);
    }

    // What ASA sends and policies of ISE match.
    private static void AddDevice(RadiusRequest request, NasSessionRecord session)
    {
        var room = MaximumDevices;
        foreach (var (name, value) in session.Device)
        {
            var pair = Cut($"{name}={value}", MaximumDevice)!;
            var size = RadiusPacket.MaximumValueLength + 2 - MaximumDevice + Encoding.UTF8.GetByteCount(pair);
            if (size > room) continue;
            room -= size;
            request.AddCiscoPair("mdm-tlv", pair);
        }
        if (!session.IsAnyConnect)
            return;
        if (!string.IsNullOrEmpty(session.TunnelGroup))
            request.AddVendor(RadiusVendor.CiscoAsa, CiscoAsaAttribute.TunnelGroupName, Encoding.UTF8.GetBytes(Cut(session.TunnelGroup, MaximumTunnelGroup)!));
        Span<byte> type = stackalloc byte[4];
        type.Clear();
        type[3] = AnyConnectIkev2;
        request.AddVendor(RadiusVendor.CiscoAsa, CiscoAsaAttribute.ClientType, type);
    }

    /// <summary>NAS-IP-Address (RFC 2865 5.4) or NAS-IPv6-Address (RFC 3162 2.1), by the family.</summary>
    internal static void AddNasAddress(RadiusRequest request, IPAddress nas)
    {
        if (nas.IsIPv4MappedToIPv6) nas = nas.MapToIPv4();
        request.Add(nas.GetAddressBytes().Length == 4 ? RadiusAttributeType.NasIpAddress : RadiusAttributeType.NasIpv6Address, nas);
    }

    /// <summary>The identity is the peer's and may be a long distinguished name: its beginning is better than no login and no record.</summary>
    internal static string? Cut(string? text, int maximumOctets)
    {
        if (text is null || Encoding.UTF8.GetByteCount(text) <= maximumOctets) return text;
        var octets = Encoding.UTF8.GetBytes(text);
        var end = maximumOctets;
        while ((octets[end] & 0xC0) == 0x80) end--;
        return Encoding.UTF8.GetString(octets, 0, end);
    }
}
