namespace Headend.Aaa.Radius;

/// <summary>
/// RADIUS attribute type (IANA "RADIUS Attribute Types"). Open: unknown numbers survive and are echoed as octets.
/// <see cref="ToString"/> gives the dictionary's name.
/// </summary>
public readonly record struct RadiusAttributeType(byte Value)
{
    public static readonly RadiusAttributeType UserName = new(1);
    public static readonly RadiusAttributeType UserPassword = new(2);
    public static readonly RadiusAttributeType ChapPassword = new(3);
    public static readonly RadiusAttributeType NasIpAddress = new(4);
    public static readonly RadiusAttributeType NasPort = new(5);
    public static readonly RadiusAttributeType ServiceType = new(6);
    public static readonly RadiusAttributeType FramedProtocol = new(7);
    public static readonly RadiusAttributeType FramedIpAddress = new(8);
    public static readonly RadiusAttributeType FramedIpNetmask = new(9);
    public static readonly RadiusAttributeType FilterId = new(11);
    public static readonly RadiusAttributeType FramedMtu = new(12);
    public static readonly RadiusAttributeType ReplyMessage = new(18);
    public static readonly RadiusAttributeType FramedRoute = new(22);
    public static readonly RadiusAttributeType State = new(24);
    public static readonly RadiusAttributeType Class = new(25);
    public static readonly RadiusAttributeType VendorSpecific = new(26);
    public static readonly RadiusAttributeType SessionTimeout = new(27);
    public static readonly RadiusAttributeType IdleTimeout = new(28);
    public static readonly RadiusAttributeType TerminationAction = new(29);
    public static readonly RadiusAttributeType CalledStationId = new(30);
    public static readonly RadiusAttributeType CallingStationId = new(31);
    public static readonly RadiusAttributeType NasIdentifier = new(32);
    public static readonly RadiusAttributeType ProxyState = new(33);
    public static readonly RadiusAttributeType AcctStatusType = new(40);
    public static readonly RadiusAttributeType AcctDelayTime = new(41);
    public static readonly RadiusAttributeType AcctInputOctets = new(42);
    public static readonly RadiusAttributeType AcctOutputOctets = new(43);
    public static readonly RadiusAttributeType AcctSessionId = new(44);
    public static readonly RadiusAttributeType AcctAuthentic = new(45);
    public static readonly RadiusAttributeType AcctSessionTime = new(46);
    public static readonly RadiusAttributeType AcctInputPackets = new(47);
    public static readonly RadiusAttributeType AcctOutputPackets = new(48);
    public static readonly RadiusAttributeType AcctTerminateCause = new(49);
    public static readonly RadiusAttributeType AcctMultiSessionId = new(50);
    public static readonly RadiusAttributeType AcctLinkCount = new(51);
    public static readonly RadiusAttributeType AcctInputGigawords = new(52);
    public static readonly RadiusAttributeType AcctOutputGigawords = new(53);
    public static readonly RadiusAttributeType EventTimestamp = new(55);
    public static readonly RadiusAttributeType ChapChallenge = new(60);
    public static readonly RadiusAttributeType NasPortType = new(61);
    public static readonly RadiusAttributeType PortLimit = new(62);
    public static readonly RadiusAttributeType TunnelType = new(64);
    public static readonly RadiusAttributeType TunnelMediumType = new(65);
    public static readonly RadiusAttributeType TunnelClientEndpoint = new(66);
    public static readonly RadiusAttributeType TunnelServerEndpoint = new(67);
    public static readonly RadiusAttributeType TunnelPassword = new(69);
    public static readonly RadiusAttributeType Prompt = new(76);
    public static readonly RadiusAttributeType ConnectInfo = new(77);
    public static readonly RadiusAttributeType EapMessage = new(79);
    public static readonly RadiusAttributeType MessageAuthenticator = new(80);
    public static readonly RadiusAttributeType TunnelPrivateGroupId = new(81);
    public static readonly RadiusAttributeType AcctInterimInterval = new(85);
    public static readonly RadiusAttributeType NasPortId = new(87);
    public static readonly RadiusAttributeType FramedPool = new(88);
    public static readonly RadiusAttributeType ChargeableUserIdentity = new(89);
    public static readonly RadiusAttributeType NasFilterRule = new(92);
    public static readonly RadiusAttributeType NasIpv6Address = new(95);
    public static readonly RadiusAttributeType FramedInterfaceId = new(96);
    public static readonly RadiusAttributeType FramedIpv6Prefix = new(97);
    public static readonly RadiusAttributeType FramedIpv6Route = new(99);
    public static readonly RadiusAttributeType FramedIpv6Pool = new(100);
    public static readonly RadiusAttributeType ErrorCause = new(101);
    public static readonly RadiusAttributeType EapKeyName = new(102);
    public static readonly RadiusAttributeType DelegatedIpv6Prefix = new(123);
    public static readonly RadiusAttributeType OperatorName = new(126);
    public static readonly RadiusAttributeType FramedIpv6Address = new(168);
    public static readonly RadiusAttributeType DnsServerIpv6Address = new(169);
    public static readonly RadiusAttributeType RouteIpv6Information = new(170);
    public static readonly RadiusAttributeType DelegatedIpv6PrefixPool = new(171);
    public static readonly RadiusAttributeType StatefulIpv6AddressPool = new(172);

    public override string ToString() => RadiusDictionary.Core.NameOf(this);
}

/// <summary>Private Enterprise Number of a Vendor-Specific attribute (RFC 2865 5.26).</summary>
public readonly record struct RadiusVendor(uint Value)
{
    public static readonly RadiusVendor Cisco = new(9);
    public static readonly RadiusVendor Microsoft = new(311);
    /// <summary>Cisco ASA, once Altiga: what policies for AnyConnect clients look at.</summary>
    public static readonly RadiusVendor CiscoAsa = new(3076);

    public static readonly RadiusVendor Wispr = new(14122);
    public static readonly RadiusVendor Mikrotik = new(14988);

    public override string ToString() => RadiusDictionary.Core.NameOf(this);
}

/// <summary>Microsoft's sub-attribute types (RFC 2548).</summary>
public static class MicrosoftAttribute
{
    public const byte MsChapError = 2;
    public const byte MsChapNtEncPw = 6;
    public const byte MsChapChallenge = 11;
    public const byte MppeSendKey = 16;
    public const byte MppeRecvKey = 17;
    public const byte MsChap2Response = 25;
    public const byte MsChap2Cpw = 27;
    public const byte PrimaryDnsServer = 28;
    public const byte SecondaryDnsServer = 29;
    public const byte PrimaryNbnsServer = 30;
    public const byte SecondaryNbnsServer = 31;
}

/// <summary>Cisco ASA's sub-attribute types.</summary>
public static class CiscoAsaAttribute
{
    /// <summary>The only tunnel group that the user may choose.</summary>
    public const byte TunnelGroupLock = 85;

    public const byte TunnelGroupName = 146;

    /// <summary>6 is AnyConnect over IKEv2.</summary>
    public const byte ClientType = 150;
}

/// <summary>Cisco's sub-attribute types.</summary>
public static class CiscoAttribute
{
    public const byte AvPair = 1;
}
