using Headend.VirtualAccess.DataPlane;

namespace Headend.Configuration;

/// <summary>The keys of one profile.</summary>
internal static class ProfileTable
{
    public const string Names = "ikev2.profiles";

    private const string PatternDoc = "`any`, `fqdn X`, `fqdn-domain X` (names that end in .X), `email X`, `email-domain X` (addresses at X), `key-id X`, `address A/B` or "
        + "`dn X`: a distinguished name with the part nearest the owner first, such as `dn CN=*,OU=staff,O=Example`, where `*` stands for any one value.";

    public static SectionSyntax Section { get; } = new(
        ConfigurationTable.NewName(Names, "profile"),
        ConfigurationTable.Required("match", new SectionSyntax(
            ConfigurationTable.Required("remote-identity", new ListSyntax(ScalarTable.IdentityPattern, Minimum: 1, Maximum: 100),
                PatternDoc + " One must fit the client's IKE identity (IDi)."),
            ConfigurationTable.Key("local-identity", new ListSyntax(ScalarTable.IdentityPattern, Minimum: 1, Maximum: 100),
                "One must fit the identity that the client asks for (IDr), in the same words; a client that asks for none is not served. Absent: whatever it asks for.")), "Which clients the profile serves. Of several profiles that fit the first is taken."),
        ConfigurationTable.Required("local-identity", ScalarTable.LocalIdentity, "IKE identity of the headend: `fqdn X`, `email X`, `key-id X`, `address A` or `dn X`. Clients compare it with what they were told, and with the certificate."),
        ConfigurationTable.Required("local-authentication", new SectionSyntax(
            ConfigurationTable.Key("certificate", ScalarTable.Path, "PEM file: the headend's certificate, then the chain to send."),
            ConfigurationTable.Key("key", ScalarTable.Path, "PEM file of the private key, RSA or ECDSA."),
            ConfigurationTable.Key("pre-share", ScalarTable.Boolean, "By the peer's pre-shared key out of `keyring`, instead of a certificate.", "false"))
        { Check = ProfileChecks.LocalAuthentication }, "How the headend proves itself: by `certificate` and `key`, or by `pre-share`."),
        ConfigurationTable.Required("remote-authentication", new SectionSyntax(
            ConfigurationTable.Key("eap", EapSection(), "EAP (RFC 7296 2.16), where this section is written. Needs the headend's certificate and `authentication-list`."),
            AnyConnectTable.Key,
            ClientCertificateTable.Key,
            ConfigurationTable.Key("pre-share", ScalarTable.Boolean, "A pre-shared key out of `keyring` (RFC 7296 2.15).", "false")),
            "How clients prove themselves: each as it chooses among those that stand here."),
        KeyringTable.ProfileKey,
        ConfigurationTable.Key("authentication-list", ScalarTable.Name, "Name in aaa.authentication: who decides a login by `eap` or `anyconnect-eap`.") with { RefersTo = ConfigurationTable.AuthenticationLists },
        AuthorizationTable.ProfileKey,
        ConfigurationTable.Key("accounting-list", ScalarTable.Name, "Name in aaa.accounting; absent: no accounting.") with { RefersTo = ConfigurationTable.AccountingLists },
        AuthorizationTable.AccountingKey,
        ConfigurationTable.Key("proposals", new ListSyntax(ScalarTable.Name, Minimum: 1, Maximum: 16), "Names in ikev2.proposals, in order of preference.", $"[{ConfigurationTable.DefaultProposal}]") with { RefersTo = ConfigurationTable.Proposals },
        ConfigurationTable.Key("ike-lifetime", ScalarTable.Duration("10s", "30d"), "Age at which the headend rekeys the IKE SA.", "24h"),
        ConfigurationTable.Key("ipsec", IpsecSection(), "The CHILD_SAs."),
        ConfigurationTable.Key("traffic", new SectionSyntax(
            ConfigurationTable.Key("local", new ListSyntax(ScalarTable.Prefix, Minimum: 1, Maximum: 100), "Networks behind the headend that clients may reach.", "[0.0.0.0/0, '::/0']")), "Traffic selectors."),
        ReturnTable.Dpd,
        ReturnTable.Reconnect,
        ReturnTable.ClientResume,
        ReturnTable.SessionResumption,
        CiscoAttributeTable.ProfileKey,
        ConfigurationTable.Key("unique", DynamicAuthorTable.Unique,
            "Sessions that one user may have at once, through whichever profile: any number (`never`), one (`replace` ends the older, `deny` refuses the newer), or so many. Users are told apart by the authenticated identity without regard to case. Port-Limit (62) of AAA goes before the number.",
            "never"),
        ConfigurationTable.Key("interface-config-errors", ScalarTable.Word(("refuse", InterfaceErrorMode.Refuse), ("ignore", InterfaceErrorMode.Ignore)),
            "What an interface command does that is unknown, has a bad value, does not fit the session or cannot be had of this machine: `refuse` the login, or `ignore`: it is left out, with a line in the log. `access-group`, `traffic-filter`, `service-policy`, `ip verify` and `shutdown` always refuse. A CoA-Request is always refused as a whole.",
            "refuse"),
        ConfigurationTable.Required("virtual-template", ScalarTable.Integer(1, 4095), "Number in virtual-templates.") with { RefersTo = ConfigurationTable.Templates })
    { Check = ProfileChecks.Check };

    private static SectionSyntax EapSection() => new([
        ConfigurationTable.Key("query-identity", ScalarTable.Boolean, "Ask for EAP-Identity; `false` takes the IKE identity for it.", "true"),
        ConfigurationTable.Key("timeout", ScalarTable.Duration("45s", "180s"), "Longest time from an EAP-Request to the client's answer; all of EAP may take ten times as long, from the client's first message on. Beside `anyconnect-eap` the longer of the two holds for both.", "90s"),
        ConfigurationTable.Key("allow-methods-without-key", ScalarTable.Boolean,
            "Accept EAP methods that give no key, such as EAP-GTC and EAP-MD5. RFC 7296 2.16 calls such methods open to a man in the middle.", "false"),
        .. LocalEapTable.Keys])
    { Check = LocalEapTable.CheckEap };

    private static SectionSyntax IpsecSection() => new(
        ConfigurationTable.Key("transforms", new ListSyntax(ScalarTable.Text, Minimum: 1, Maximum: 64), "ESP suites in order of preference, such as `aes256gcm16` or `aes128-sha256-ecp256-noesn`. Extended sequence numbers are preferred where a suite does not say `noesn`.", "[aes256gcm16, chacha20poly1305, aes256-sha256]") with { Rule = r => r.EspTransforms },
        ConfigurationTable.Key("pfs", ScalarTable.Word(("optional", PfsMode.Optional), ("required", PfsMode.Required), ("none", PfsMode.None)),
            "Key exchange in rekeys of CHILD_SAs: `optional` as the client offers, `required` always, `none` never.", "optional"),
        ConfigurationTable.Key("lifetime", ScalarTable.Duration("10s", "7d"), "Age at which the headend rekeys a CHILD_SA.", "1h"),
        ConfigurationTable.Key("lifetime-volume", ScalarTable.SizeOrNone("1MB"), "Octets in one direction after which the headend rekeys a CHILD_SA, or `none`.", "4GB"),
        ConfigurationTable.Key("df-bit", ScalarTable.Word(("copy", DfBit.Copy), ("clear", DfBit.Clear), ("set", DfBit.Set)),
            "The DF bit of outer IPv4 packets (RFC 4301 8.1): `copy` as the inner packet has it (IPv6 counts as set), and routers' \"fragmentation needed\" lowers the path MTU of the session; `clear`: routers fragment what is too big, and nothing is learned; "
            + "`set`: on every packet that fits the path as far as it is known. Not `set` with `data-plane: xfrm`.", "copy"),
        ConfigurationTable.Key("replay-window", ScalarTable.Integer(32, 4096), "Packets that may arrive late (RFC 4303 3.4.3).", "1024"));
}
