using System.Globalization;

namespace Headend.Aaa.Radius;

/// <summary>A packet's attributes as an operator reads them. Keys and passwords are named, never shown.</summary>
public static class RadiusPacketText
{
    /// <summary>One line for each attribute and each vendor sub-attribute, in the packet's order, by the core dictionary.</summary>
    public static IEnumerable<string> Lines(RadiusPacket packet)
    {
        var lines = new List<string>();
        foreach (var attribute in packet.Attributes)
        {
            if (attribute.Type == RadiusAttributeType.MessageAuthenticator) continue;
            if (attribute.Type == RadiusAttributeType.VendorSpecific) continue;
            lines.Add($"{attribute.Type} = {Value(attribute.Type.ToString(), attribute)}");
        }
        foreach (var vendor in (RadiusVendor[])[RadiusVendor.Cisco, RadiusVendor.CiscoAsa, RadiusVendor.Microsoft, RadiusVendor.Wispr, RadiusVendor.Mikrotik])
        {
            foreach (var attribute in packet.VendorAttributes(vendor))
            {
                var name = RadiusDictionary.Core.NameOf(vendor, attribute.Type);
                lines.Add($"{name} = {Value(name, new RadiusAttribute(default, attribute.Value))}");
            }
        }
        return lines;
    }

    private static string Value(string name, RadiusAttribute attribute)
    {
        if (name.Contains("Key", StringComparison.Ordinal) || name.Contains("Password", StringComparison.Ordinal)) return "(hidden)";
        var kind = RadiusDictionary.Core.TryFind(name, out var entry) ? entry!.Kind : "octets";
        switch (kind)
        {
            case "integer" when attribute.TryGetUInt32(out var number):
                return name == attribute.Type.ToString() ? RadiusDictionary.Core.NameOfValue(attribute.Type, number) : number.ToString(CultureInfo.InvariantCulture);
            case "ipaddr" or "ipv6addr" when attribute.TryGetAddress(out var address):
                return address!.ToString();
            case "ipv6prefix" when attribute.TryGetIpv6Prefix(out var prefix):
                return prefix.ToString();
            case "string" when attribute.TryGetText(out var text):
                return IsSecretPair(text) ? text[..(text.IndexOf('=') + 1)] + "(hidden)" : $"\"{text}\"";
            default:
                return "0x" + Convert.ToHexStringLower(attribute.Value.Span);
        }
    }

    /// <summary>Keys travel as Cisco pairs too: ipsec:tunnel-password, ipsec:ikev2-password-local and -remote.</summary>
    private static bool IsSecretPair(string text)
    {
        var end = text.IndexOfAny(['=', '*']);
        return end > 0 && text[end] == '=' && text.AsSpan(0, end).Contains("password", StringComparison.OrdinalIgnoreCase);
    }
}
