using System.Globalization;
using System.Net;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>Told which attributes of a profile nobody acts on.</summary>
public interface IProfileObserver
{
    /// <summary>A mandatory Cisco AV pair whose attribute is unknown; to be logged by name and counted.</summary>
    void UnknownPair(string name);
}

/// <summary>
/// Reads a <see cref="SessionProfile"/> from an Access-Accept or from the attribute lists of the configuration, which use the same Cisco pairs.
/// Any bad value is an error that names its attribute: half an authorization is none.
/// </summary>
public sealed class SessionProfileReader
{
    private const int MaximumRoutes = 256;
    private const int MaximumCommands = 256;
    private const int MaximumServers = 16;

    private readonly IProfileObserver observer;
    private readonly List<IPAddress> dns = [];
    private readonly List<IPAddress> nbns = [];
    private readonly List<string> splitDns = [];
    private readonly List<IPNetwork> routes = [];
    private readonly List<ReadOnlyMemory<byte>> classes = [];
    private readonly List<(int Line, string Command)> commands = [];
    private byte[]? interfaceId;
    private SessionProfile profile = SessionProfile.Empty;

    private SessionProfileReader(IProfileObserver observer) => this.observer = observer;

    /// <summary>Reads the authorization of an Access-Accept whose authenticators have been verified.</summary>
    public static bool TryRead(RadiusPacket accept, IProfileObserver observer, out SessionProfile profile, out string error)
    {
        var reader = new SessionProfileReader(observer);
        profile = SessionProfile.Empty;
        error = "";
        foreach (var attribute in accept.Attributes)
        {
            if (reader.TryApply(attribute)) continue;
            error = $"{attribute.Type} has a bad value";
            return false;
        }
        foreach (var attribute in accept.VendorAttributes(RadiusVendor.Microsoft))
        {
            if (reader.TryApplyMicrosoft(attribute)) continue;
            error = $"{RadiusDictionary.Core.NameOf(attribute.Vendor, attribute.Type)} has a bad value";
            return false;
        }
        foreach (var attribute in accept.VendorAttributes(RadiusVendor.Cisco))
        {
            if (attribute.Type != CiscoAttribute.AvPair) continue;
            if (!attribute.TryGetText(out var text) || !CiscoPairParser.TryParse(text, out var pair))
            {
                error = "a Cisco-AVPair is not attribute=value";
                return false;
            }
            if (!reader.TryApply(pair, out error)) return false;
        }
        return reader.TryFinish(out profile, out error);
    }

    /// <summary>Reads an attribute list of the configuration: Cisco pairs, with or without protocol.</summary>
    public static bool TryRead(IEnumerable<string> pairs, IProfileObserver observer, out SessionProfile profile, out string error)
    {
        var reader = new SessionProfileReader(observer);
        profile = SessionProfile.Empty;
        foreach (var text in pairs)
        {
            if (!CiscoPairParser.TryParse(text, out var pair))
            {
                error = $"'{text}' is not attribute=value";
                return false;
            }
            if (!reader.TryApply(pair, out error)) return false;
        }
        return reader.TryFinish(out profile, out error);
    }

    /// <summary>"prefix P/L", "remote ipv4 ADDR MASK", "remote ipv6 P/L": the value of route-set.</summary>
    public static bool TryParseRouteSet(string value, out IPNetwork network)
    {
        network = default;
        var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            ["prefix", var prefix] => TryParseNetwork(prefix, out network),
            ["remote", "ipv4", var address, var mask] => TryParseMasked(address, mask, out network),
            ["remote", "ipv6", var prefix] => TryParseNetwork(prefix, out network),
            _ => false,
        };
    }

    private bool TryApply(RadiusAttribute attribute) => attribute.Type.Value switch
    {
        1 => attribute.TryGetText(out var name) && Set(profile with { UserName = name.Length == 0 ? null : name }),
        8 => TryApplyFramedAddress(attribute),
        9 => attribute.Value.Length == 4 && attribute.TryGetAddress(out var mask) && TryMaskLength(mask!, out _) && Set(profile with { Ipv4Netmask = mask }),
        25 => AddClass(attribute),
        27 => attribute.TryGetUInt32(out var seconds) && Set(profile with { SessionTimeout = Seconds(seconds) }),
        28 => attribute.TryGetUInt32(out var seconds) && Set(profile with { IdleTimeout = Seconds(seconds) }),
        85 => attribute.TryGetUInt32(out var seconds) && Set(profile with { InterimInterval = Seconds(InterimSeconds(seconds)) }),
        88 => attribute.TryGetText(out var pool) && Set(profile with { Ipv4Pool = pool }),
        89 => Set(profile with { ChargeableUserIdentity = attribute.Value.ToArray() }),
        96 => attribute.Value.Length == 8 && (interfaceId = attribute.Value.ToArray()) is not null,
        97 => attribute.TryGetIpv6Prefix(out var prefix) && Set(profile with { Ipv6Prefix = prefix }),
        100 => attribute.TryGetText(out var pool) && Set(profile with { Ipv6Pool = pool }),
        168 => attribute.Value.Length == 16 && attribute.TryGetAddress(out var address) && Set(profile with { Ipv6Address = address }),
        169 => attribute.Value.Length == 16 && attribute.TryGetAddress(out var server) && Add(dns, server!, MaximumServers),
        _ => true,
    };

    // RFC 2869 5.16: "The value MUST NOT be smaller than 60."
    private static uint InterimSeconds(uint seconds) => seconds == 0 ? 0 : Math.Max(seconds, 60);

    private bool TryApplyFramedAddress(RadiusAttribute attribute)
    {
        if (attribute.Value.Length != 4 || !attribute.TryGetUInt32(out var number)) return false;
        return number switch
        {
            0xFFFF_FFFE => Set(profile with { Ipv4Choice = AddressChoice.NasChooses, Ipv4Address = null }),
            0xFFFF_FFFF => Set(profile with { Ipv4Choice = AddressChoice.ClientMayChoose, Ipv4Address = null }),
            // "This network", loopback, multicast and above are no addresses of a client.
            _ when number >> 24 is 0 or 127 or >= 224 => false,
            _ => attribute.TryGetAddress(out var address) && Set(profile with { Ipv4Choice = AddressChoice.Fixed, Ipv4Address = address }),
        };
    }

    private bool TryApplyMicrosoft(VendorAttribute attribute)
    {
        var list = attribute.Type switch
        {
            MicrosoftAttribute.PrimaryDnsServer or MicrosoftAttribute.SecondaryDnsServer => dns,
            MicrosoftAttribute.PrimaryNbnsServer or MicrosoftAttribute.SecondaryNbnsServer => nbns,
            _ => null,
        };
        return list is null || (attribute.Value.Length == 4 && attribute.TryGetAddress(out var address) && Add(list, address!, MaximumServers));
    }

    private bool TryApply(CiscoPair pair, out string error)
    {
        error = "";
        // "ipsec:" and "ip:" are both accepted everywhere, and so is neither.
        if (pair.Protocol is not ("ipsec" or "ip" or "") || !TryApplyKnown(pair, out var good))
        {
            if (pair.IsMandatory) observer.UnknownPair(pair.Name);
            return true;
        }
        if (good) return true;
        error = $"{pair.Name} has a bad value '{pair.Value}'";
        return false;
    }

    /// <summary>False when nobody here knows the attribute.</summary>
    private bool TryApplyKnown(CiscoPair pair, out bool good)
    {
        var value = pair.Value;
        bool? result = pair.Attribute switch
        {
            "addr-pool" => value.Length > 0 && Set(profile with { Ipv4Pool = value }),
            "ipv6-addr-pool" => value.Length > 0 && Set(profile with { Ipv6Pool = value }),
            "addrv6" => TryParseAddress(value, 16, out var address) && Set(profile with { Ipv6Address = address }),
            "prefix-len" => TryParseNumber(value, 0, 128, out var length) && Set(profile with { Ipv6PrefixLength = length }),
            "netmask" => TryParseAddress(value, 4, out var mask) && TryMaskLength(mask!, out _) && Set(profile with { Ipv4Netmask = mask }),
            "dns-servers" => AddServers(dns, value, 4),
            "ipv6-dns-servers-addr" => AddServers(dns, value, 16),
            "wins-servers" => AddServers(nbns, value, 4),
            "default-domain" => value.Length is > 0 and <= 253 && Set(profile with { DefaultDomain = value }),
            "split-dns" => value.Length is > 0 and <= 253 && Add(splitDns, value, MaximumServers),
            "route-set" when value.StartsWith("prefix ", StringComparison.Ordinal) || value.StartsWith("remote ", StringComparison.Ordinal)
                => TryParseRouteSet(value, out var network) && Add(routes, network, MaximumRoutes),
            "banner" => Set(profile with { Banner = value }),
            "ipsec-flow-limit" => TryParseNumber(value, 1, int.MaxValue, out var limit) && Set(profile with { FlowLimit = limit }),
            "interface-config" => value.Length > 0 && Add(commands, (pair.Line, value), MaximumCommands),
            "session-timeout" => TryParseNumber(value, 0, int.MaxValue, out var seconds) && Set(profile with { SessionTimeout = Seconds((uint)seconds) }),
            "idle-timeout" => TryParseNumber(value, 0, int.MaxValue, out var seconds) && Set(profile with { IdleTimeout = Seconds((uint)seconds) }),
            _ => null,
        };
        good = result ?? false;
        return result is not null;
    }

    private bool TryFinish(out SessionProfile result, out string error)
    {
        result = SessionProfile.Empty;
        error = "";
        if (interfaceId is not null && profile.Ipv6Address is null)
        {
            if (profile.Ipv6Prefix is not { PrefixLength: <= 64 } prefix)
            {
                error = "Framed-Interface-Id needs a Framed-IPv6-Prefix of at most 64 bits";
                return false;
            }
            var octets = prefix.BaseAddress.GetAddressBytes();
            interfaceId.CopyTo(octets, 8);
            profile = profile with { Ipv6Address = new IPAddress(octets) };
        }
        // Lines with numbers come in the order of their numbers, behind those without; OrderBy is stable.
        var ordered = commands.OrderBy(static entry => entry.Line).Select(static entry => entry.Command);
        result = profile with
        {
            DnsServers = [.. dns],
            NbnsServers = [.. nbns],
            SplitDns = [.. splitDns],
            Routes = [.. routes],
            Classes = [.. classes],
            InterfaceCommands = [.. ordered],
        };
        return true;
    }

    private bool Set(SessionProfile changed)
    {
        profile = changed;
        return true;
    }

    private bool AddClass(RadiusAttribute attribute)
    {
        classes.Add(attribute.Value.ToArray());
        return true;
    }

    private static bool Add<T>(List<T> list, T item, int maximum)
    {
        if (list.Count >= maximum) return false;
        list.Add(item);
        return true;
    }

    private static bool AddServers(List<IPAddress> list, string value, int octets)
    {
        var any = false;
        foreach (var word in value.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParseAddress(word, octets, out var address) || !Add(list, address!, MaximumServers)) return false;
            any = true;
        }
        return any;
    }

    /// <summary>RFC 2865 5.27, 5.28 and common practice: zero means none.</summary>
    private static TimeSpan? Seconds(uint seconds) => seconds == 0 ? null : TimeSpan.FromSeconds(seconds);

    private static bool TryParseNumber(string text, int minimum, int maximum, out int number)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= minimum && number <= maximum;

    private static bool TryParseAddress(string text, int octets, out IPAddress? address)
        => IPAddress.TryParse(text, out address) && address.GetAddressBytes().Length == octets && (octets == 16 || text.Count(static c => c == '.') == 3);

    private static bool TryParseNetwork(string text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/');
        if (slash <= 0 || !IPAddress.TryParse(text.AsSpan(0, slash), out var address)) return false;
        var bits = address.GetAddressBytes().Length * 8;
        return TryParseNumber(text[(slash + 1)..], 0, bits, out var length) && TryMakeNetwork(address, length, out network);
    }

    private static bool TryParseMasked(string address, string mask, out IPNetwork network)
    {
        network = default;
        return TryParseAddress(address, 4, out var start) && TryParseAddress(mask, 4, out var octets) && TryMaskLength(octets!, out var length)
            && TryMakeNetwork(start!, length, out network);
    }

    /// <summary>Host bits are cleared: administrators write the address of any host in the subnet.</summary>
    private static bool TryMakeNetwork(IPAddress address, int length, out IPNetwork network)
    {
        var octets = address.GetAddressBytes();
        for (var bit = length; bit < octets.Length * 8; bit++) octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        network = new IPNetwork(new IPAddress(octets), length);
        return true;
    }

    private static bool TryMaskLength(IPAddress mask, out int length)
    {
        var number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(mask.GetAddressBytes());
        length = System.Numerics.BitOperations.PopCount(number);
        return length == 0 ? number == 0 : number == uint.MaxValue << (32 - length);
    }
}
