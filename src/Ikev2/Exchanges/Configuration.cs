using System.Net;
using System.Net.Sockets;
using System.Text;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// The configuration payload: RFC 7296 2.19, 3.15. We answer what was asked for and is known; DNS and subnets go out unasked too,
/// because clients that forget to ask use them (RFC 7296 3.15.1 lets a responder send more).
/// </summary>
internal static class Configuration
{
    public static ConfigurationPayload Reply(ConfigurationPayload asked, AssignedAddresses addresses, SessionGrant grant, bool isCisco)
    {
        var attributes = new List<ConfigurationAttribute>();
        AddAddresses(attributes, asked, addresses);
        foreach (var server in DnsServers(addresses, grant))
        {
            if (server.AddressFamily == AddressFamily.InterNetwork && addresses.IPv4 is not null)
                attributes.Add(new(ConfigurationAttributeType.InternalIp4Dns, server.GetAddressBytes()));
            else if (server.AddressFamily == AddressFamily.InterNetworkV6 && addresses.IPv6 is not null)
                attributes.Add(new(ConfigurationAttributeType.InternalIp6Dns, server.GetAddressBytes()));
        }

        // RFC 8598 3.2: domains are nothing without a server that knows them.
        if (attributes.Exists(IsDns) && asked.Has(ConfigurationAttributeType.InternalDnsDomain))
        {
            foreach (var domain in Domains(addresses, grant))
                attributes.Add(new(ConfigurationAttributeType.InternalDnsDomain, Encoding.ASCII.GetBytes(domain)));
        }

        foreach (var server in grant.NbnsServers)
        {
            if (addresses.IPv4 is not null)
                attributes.Add(new(ConfigurationAttributeType.InternalIp4Nbns, server.GetAddressBytes()));
        }

        foreach (var subnet in grant.Subnets)
            AddSubnet(attributes, subnet, addresses);
        if (asked.Has(ConfigurationAttributeType.ApplicationVersion))
            attributes.Add(new(ConfigurationAttributeType.ApplicationVersion, "Headend"u8.ToArray()));
        if (isCisco)
        {
            foreach (var (number, value) in grant.CiscoAttributes)
            {
                if (asked.Has(new ConfigurationAttributeType(number)))
                    attributes.Add(new(new ConfigurationAttributeType(number), value));
            }
        }

        return new ConfigurationPayload(ConfigurationType.Reply, attributes);
    }

    /// <summary>
    /// Every attribute that was asked for, by number, for the log; long values are cut, and so is a list longer than that of any client. A client that comes back may repeat what lets it: of that the
    /// length is told.
    /// </summary>
    public static string? Describe(ConfigurationPayload? asked, ReconnectPolicy? reconnect)
    {
        const int mostOctets = 64;
        const int mostCharacters = 4000;
        if (asked is null)
            return null;
        var text = new StringBuilder();
        foreach (var attribute in asked.Attributes)
        {
            if (text.Length > mostCharacters)
                return text.Append(" ...").ToString();
            text.Append(text.Length > 0 ? " " : "").Append(attribute.Type.Value).Append("(0x").Append(attribute.Type.Value.ToString("x4")).Append(')');
            if (attribute.Value.Length > 0 && (attribute.Type == reconnect?.SessionId || attribute.Type == reconnect?.TokenId))
                text.Append('=').Append(attribute.Value.Length).Append("-octets");
            else if (attribute.Value.Length > 0)
                text.Append('=').Append(Convert.ToHexStringLower(attribute.Value.Span[..Math.Min(mostOctets, attribute.Value.Length)]));
        }

        return text.ToString();
    }

    /// <summary>The address of that many octets that the client would like; null where it left that to us, or wrote the unspecified address.</summary>
    public static IPAddress? Wish(ConfigurationPayload asked, ConfigurationAttributeType type, int octets)
    {
        foreach (var attribute in asked.Attributes)
        {
            // INTERNAL_IP6_ADDRESS carries a prefix length as 17th octet.
            if (attribute.Type != type || attribute.Value.Length < octets)
                continue;
            var value = attribute.Value.Span[..octets];
            return value.IndexOfAnyExcept((byte)0) < 0 ? null : new IPAddress(value);
        }

        return null;
    }

    /// <summary>APPLICATION_VERSION of the client's request, if it told one.</summary>
    public static string? ApplicationVersion(ConfigurationPayload? asked)
    {
        if (asked is null)
            return null;
        foreach (var attribute in asked.Attributes)
        {
            if (attribute.Type == ConfigurationAttributeType.ApplicationVersion && attribute.Value.Length is > 0 and <= 128)
                return new IkeIdentity(IdType.KeyId, attribute.Value.Span).Text;
        }

        return null;
    }

    private static bool IsDns(ConfigurationAttribute attribute) =>
        attribute.Type == ConfigurationAttributeType.InternalIp4Dns || attribute.Type == ConfigurationAttributeType.InternalIp6Dns;

    private static IEnumerable<string> Domains(AssignedAddresses addresses, SessionGrant grant) =>
        new[] { grant.DefaultDomain ?? addresses.DefaultDomain }.OfType<string>().Concat(grant.SplitDomains).Distinct(StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<IPAddress> DnsServers(AssignedAddresses addresses, SessionGrant grant) =>
        [.. grant.DnsServers, .. addresses.DnsServers.Where(server => grant.DnsServers.All(s => s.AddressFamily != server.AddressFamily))];

    private static void AddAddresses(List<ConfigurationAttribute> attributes, ConfigurationPayload asked, AssignedAddresses addresses)
    {
        if (addresses.IPv4 is { } v4)
        {
            attributes.Add(new(ConfigurationAttributeType.InternalIp4Address, v4.GetAddressBytes()));
            if (addresses.IPv4Netmask is { } mask && asked.Has(ConfigurationAttributeType.InternalIp4Netmask))
                attributes.Add(new(ConfigurationAttributeType.InternalIp4Netmask, mask.GetAddressBytes()));
        }

        if (addresses.IPv6 is { } v6)
            attributes.Add(new(ConfigurationAttributeType.InternalIp6Address, (byte[])[.. v6.GetAddressBytes(), (byte)addresses.IPv6PrefixLength]));
    }

    private static void AddSubnet(List<ConfigurationAttribute> attributes, IPNetwork subnet, AssignedAddresses addresses)
    {
        var octets = subnet.BaseAddress.GetAddressBytes();
        if (octets.Length == 16 && addresses.IPv6 is not null)
        {
            attributes.Add(new(ConfigurationAttributeType.InternalIp6Subnet, (byte[])[.. octets, (byte)subnet.PrefixLength]));
            return;
        }

        if (octets.Length != 4 || addresses.IPv4 is null)
            return;
        var mask = subnet.PrefixLength == 0 ? 0u : uint.MaxValue << (32 - subnet.PrefixLength);
        attributes.Add(new(
            ConfigurationAttributeType.InternalIp4Subnet, (byte[])[.. octets, (byte)(mask >> 24), (byte)(mask >> 16), (byte)(mask >> 8), (byte)mask]));
    }
}
