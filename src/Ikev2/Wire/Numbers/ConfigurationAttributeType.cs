namespace Headend.Ikev2.Wire;

/// <summary>Configuration attribute type, 15 bits: RFC 7296 3.15.1, RFC 7651, RFC 8598. Unknown values survive.</summary>
public readonly record struct ConfigurationAttributeType(ushort Value)
{
    public static ConfigurationAttributeType InternalIp4Address => new(1);
    public static ConfigurationAttributeType InternalIp4Netmask => new(2);
    public static ConfigurationAttributeType InternalIp4Dns => new(3);
    public static ConfigurationAttributeType InternalIp4Nbns => new(4);
    public static ConfigurationAttributeType InternalIp4Dhcp => new(6);
    public static ConfigurationAttributeType ApplicationVersion => new(7);
    public static ConfigurationAttributeType InternalIp6Address => new(8);
    public static ConfigurationAttributeType InternalIp6Dns => new(10);
    public static ConfigurationAttributeType InternalIp6Dhcp => new(12);
    public static ConfigurationAttributeType InternalIp4Subnet => new(13);
    public static ConfigurationAttributeType SupportedAttributes => new(14);
    public static ConfigurationAttributeType InternalIp6Subnet => new(15);
    public static ConfigurationAttributeType Mip6HomePrefix => new(16);
    public static ConfigurationAttributeType InternalIp6Link => new(17);
    public static ConfigurationAttributeType InternalIp6Prefix => new(18);
    public static ConfigurationAttributeType HomeAgentAddress => new(19);
    public static ConfigurationAttributeType PCscfIp4Address => new(20);
    public static ConfigurationAttributeType PCscfIp6Address => new(21);
    public static ConfigurationAttributeType FttKat => new(22);
    public static ConfigurationAttributeType ExternalSourceIp4NatInfo => new(23);
    public static ConfigurationAttributeType TimeoutPeriodForLivenessCheck => new(24);
    public static ConfigurationAttributeType InternalDnsDomain => new(25);
    public static ConfigurationAttributeType InternalDnssecTa => new(26);

    /// <summary>What our answers hold out of the session itself; nothing else may answer these.</summary>
    public static IReadOnlyList<ConfigurationAttributeType> FilledByResponder { get; } =
    [
        InternalIp4Address, InternalIp4Netmask, InternalIp4Dns, InternalIp4Nbns, ApplicationVersion, InternalIp6Address, InternalIp6Dns, InternalIp4Subnet, InternalIp6Subnet, InternalDnsDomain,
    ];

    public override string ToString() => Value switch
    {
        1 => "INTERNAL_IP4_ADDRESS (1)",
        2 => "INTERNAL_IP4_NETMASK (2)",
        3 => "INTERNAL_IP4_DNS (3)",
        4 => "INTERNAL_IP4_NBNS (4)",
        6 => "INTERNAL_IP4_DHCP (6)",
        7 => "APPLICATION_VERSION (7)",
        8 => "INTERNAL_IP6_ADDRESS (8)",
        10 => "INTERNAL_IP6_DNS (10)",
        12 => "INTERNAL_IP6_DHCP (12)",
        13 => "INTERNAL_IP4_SUBNET (13)",
        14 => "SUPPORTED_ATTRIBUTES (14)",
        15 => "INTERNAL_IP6_SUBNET (15)",
        16 => "MIP6_HOME_PREFIX (16)",
        17 => "INTERNAL_IP6_LINK (17)",
        18 => "INTERNAL_IP6_PREFIX (18)",
        19 => "HOME_AGENT_ADDRESS (19)",
        20 => "P_CSCF_IP4_ADDRESS (20)",
        21 => "P_CSCF_IP6_ADDRESS (21)",
        22 => "FTT_KAT (22)",
        23 => "EXTERNAL_SOURCE_IP4_NAT_INFO (23)",
        24 => "TIMEOUT_PERIOD_FOR_LIVENESS_CHECK (24)",
        25 => "INTERNAL_DNS_DOMAIN (25)",
        26 => "INTERNAL_DNSSEC_TA (26)",
        _ => $"CFG attribute {Value}",
    };
}
