using Headend.Aaa.Authorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>Which attributes change what. Their values are read by <see cref="SessionProfileReader"/>; this table only says that they are changes.</summary>
internal static class ChangeAttributeTable
{
    private const byte MaximumUp = 7;
    private const byte MaximumDown = 8;
    private const byte RateLimit = 8;

    public static SessionChangeKinds Of(RadiusAttributeType type) => type.Value switch
    {
        11 or 92 => SessionChangeKinds.AccessList,
        25 => SessionChangeKinds.Class,
        27 => SessionChangeKinds.SessionTimeout,
        28 => SessionChangeKinds.IdleTimeout,
        85 => SessionChangeKinds.InterimInterval,
        _ => SessionChangeKinds.None,
    };

    public static SessionChangeKinds Of(VendorAttribute attribute) => (attribute.Vendor, attribute.Type) switch
    {
        _ when attribute.Vendor == RadiusVendor.Wispr && attribute.Type == MaximumUp => SessionChangeKinds.RateUp,
        _ when attribute.Vendor == RadiusVendor.Wispr && attribute.Type == MaximumDown => SessionChangeKinds.RateDown,
        _ when attribute.Vendor == RadiusVendor.Mikrotik && attribute.Type == RateLimit => SessionChangeKinds.RateUp | SessionChangeKinds.RateDown,
        _ => SessionChangeKinds.None,
    };

    public static SessionChangeKinds Of(CiscoPair pair) => (pair.Protocol, pair.Attribute) switch
    {
        ("acs", "ciscosecure-defined-acl") => SessionChangeKinds.AccessList,
        ("ipv6", "inacl" or "outacl") => SessionChangeKinds.AccessList,
        ("ip" or "ipsec" or "", var name) => OfName(name),
        _ => SessionChangeKinds.None,
    };

    private static SessionChangeKinds OfName(string name) => name switch
    {
        "interface-config" => SessionChangeKinds.InterfaceConfig,
        "session-timeout" => SessionChangeKinds.SessionTimeout,
        "idle-timeout" => SessionChangeKinds.IdleTimeout,
        "inacl" or "outacl" => SessionChangeKinds.AccessList,
        "sub-policy-in" or "sub-qos-policy-in" => SessionChangeKinds.ServicePolicyIn,
        "sub-policy-out" or "sub-qos-policy-out" => SessionChangeKinds.ServicePolicyOut,
        _ => SessionChangeKinds.None,
    };
}
