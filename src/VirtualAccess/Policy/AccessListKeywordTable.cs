using System.Globalization;

namespace Headend.VirtualAccess.Policy;

/// <summary>IOS's words for numbers in access lists. Numbers are taken as well.</summary>
internal static class AccessListKeywordTable
{
    /// <summary>0 is any protocol.</summary>
    private static readonly Dictionary<string, int> Protocols = Read("""
        ip 0, ipv6 0, icmp 1, igmp 2, ipinip 4, tcp 6, egp 8, igrp 9, udp 17, gre 47, esp 50, ahp 51, icmpv6 58, eigrp 88, ospf 89, nos 94, pim 103, pcp 108,
        sctp 132
        """);

    private static readonly Dictionary<string, int> Ports = Read("""
        echo 7, discard 9, daytime 13, chargen 19, ftp-data 20, ftp 21, ssh 22, telnet 23, smtp 25, time 37, nameserver 42, whois 43, tacacs 49, domain 53,
        bootps 67, bootpc 68, tftp 69, gopher 70, finger 79, www 80, http 80, kerberos 88, hostname 101, pop2 109, pop3 110, sunrpc 111, ident 113, nntp 119,
        ntp 123, msrpc 135, netbios-ns 137, netbios-dgm 138, netbios-ss 139, imap4 143, snmp 161, snmptrap 162, xdmcp 177, bgp 179, irc 194, dnsix 195,
        ldap 389, mobile-ip 434, https 443, pim-auto-rp 496, isakmp 500, biff 512, exec 512, login 513, who 513, syslog 514, cmd 514, lpd 515, talk 517,
        rip 520, uucp 540, klogin 543, kshell 544, ldaps 636, rdp 3389, non500-isakmp 4500
        """);

    /// <summary>RFC 792 and its successors; a null code is any.</summary>
    private static readonly Dictionary<string, (byte Type, byte? Code)> Icmp4 = ReadTypes("""
        echo-reply 0, unreachable 3, net-unreachable 3/0, host-unreachable 3/1, protocol-unreachable 3/2, port-unreachable 3/3, packet-too-big 3/4,
        source-route-failed 3/5, network-unknown 3/6, host-unknown 3/7, host-isolated 3/8, dod-net-prohibited 3/9, dod-host-prohibited 3/10,
        net-tos-unreachable 3/11, host-tos-unreachable 3/12, administratively-prohibited 3/13, host-precedence-unreachable 3/14, precedence-unreachable 3/15,
        source-quench 4, redirect 5, net-redirect 5/0, host-redirect 5/1, net-tos-redirect 5/2, host-tos-redirect 5/3, alternate-address 6, echo 8,
        router-advertisement 9, router-solicitation 10, time-exceeded 11, ttl-exceeded 11/0, reassembly-timeout 11/1, parameter-problem 12,
        general-parameter-problem 12/0, option-missing 12/1, no-room-for-option 12/2, timestamp-request 13, timestamp-reply 14, information-request 15,
        information-reply 16, mask-request 17, mask-reply 18, traceroute 30, conversion-error 31, mobile-redirect 32
        """);

    /// <summary>RFC 4443, 4861, 2710, 2894.</summary>
    private static readonly Dictionary<string, (byte Type, byte? Code)> Icmp6 = ReadTypes("""
        unreachable 1, no-route 1/0, no-admin 1/1, beyond-scope 1/2, destination-unreachable 1/3, port-unreachable 1/4, packet-too-big 2, time-exceeded 3,
        hop-limit 3/0, reassembly-timeout 3/1, parameter-problem 4, header 4/0, next-header 4/1, parameter-option 4/2, echo-request 128, echo-reply 129,
        mld-query 130, mld-report 131, mld-reduction 132, router-solicitation 133, router-advertisement 134, nd-ns 135, nd-na 136, redirect 137,
        router-renumbering 138
        """);

    /// <summary>0 is any protocol.</summary>
    public static bool TryProtocol(string word, out byte? number)
    {
        var known = TryNumber(Protocols, word, byte.MaxValue, out var found);
        number = known && found != 0 ? (byte)found : null;
        return known;
    }

    public static bool TryPort(string word, out ushort port) => TryNumber(Ports, word, ushort.MaxValue, out port);

    public static bool TryIcmp(string word, bool isIpv6, out byte type, out byte? code)
    {
        var known = (isIpv6 ? Icmp6 : Icmp4).TryGetValue(word, out var found);
        (type, code) = found;
        return known;
    }

    private static bool TryNumber(Dictionary<string, int> words, string word, ushort maximum, out ushort number)
    {
        if (!words.TryGetValue(word, out var known)) return ushort.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= maximum;
        number = (ushort)known;
        return true;
    }

    private static Dictionary<string, int> Read(string table) =>
        Pairs(table).ToDictionary(static p => p[0], static p => int.Parse(p[1], CultureInfo.InvariantCulture), StringComparer.OrdinalIgnoreCase);

    private static Dictionary<string, (byte Type, byte? Code)> ReadTypes(string table) => Pairs(table).ToDictionary(
        static p => p[0],
        static p =>
        {
            var numbers = Array.ConvertAll(p[1].Split('/'), static n => byte.Parse(n, CultureInfo.InvariantCulture));
            return (numbers[0], numbers.Length > 1 ? numbers[1] : (byte?)null);
        },
        StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<string[]> Pairs(string table) =>
        table.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(static entry => entry.Split(' '));
}
