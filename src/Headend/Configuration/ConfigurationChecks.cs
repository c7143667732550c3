using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Dhcp;
using Headend.Ikev2.Crypto;

namespace Headend.Configuration;

/// <summary>What no single key can tell. Each check looks only at values that passed their syntax.</summary>
internal static class ConfigurationChecks
{
    public static void Listen(SectionValue section, DiagnosticStore diagnostics)
    {
        if (section.GetOptionalValue<int>("ike-port") is { } ike && ike == section.GetOptionalValue<int>("nat-t-port"))
            diagnostics.Error(section.PlaceOf("nat-t-port"), "'ike-port' and 'nat-t-port' must differ");
        foreach (var same in section.Items("addresses").GroupBy(a => a.Value).Where(g => g.Count() > 1))
            diagnostics.Error(same.Last().At, $"'{same.Key}' stands twice in 'addresses'");
    }

    public static void Root(SectionValue root, DiagnosticStore diagnostics)
    {
        PoolTable.Check(root, diagnostics);
        if (root.GetOptional<SectionValue>("radius") is { } radius)
            DictionaryTable.Check(radius, diagnostics);
        AccessListTable.Check(root, diagnostics);
        RouteSets(root, diagnostics);
        Policies(root, diagnostics);
        PolicyNatTable.Check(root, diagnostics);
        AuthorizationTable.Check(root, diagnostics);
        if (root.GetOptional<SectionValue>("ikev2") is { } ikev2)
        {
            KeyringTable.CheckProfiles(ikev2, diagnostics);
            ProfileChecks.Order(ikev2, diagnostics);
        }

        VirtualTemplateTable.Check(root, diagnostics);
        VirtualTemplateTable.CheckVrfs(root, diagnostics);
        KernelPlaneChecks.Check(root, diagnostics);
        LocalEapTable.CheckUsers(root, diagnostics);
        Admission(root, diagnostics);
        RadiusTable.Check(root, diagnostics);
        QosTable.Check(root, diagnostics);
        ClientServiceTable.Check(root, diagnostics);
    }

    // What a server of RADIUS names is its matter; what stands in this configuration must exist in it.
    private static void RouteSets(SectionValue root, DiagnosticStore diagnostics)
    {
        var lists = root.Sections("access-lists").Select(l => l.GetOptional<string>("name")).ToHashSet();
        foreach (var route in Ikev2(root, "authorization-policies").SelectMany(p => p.Items("route-set")))
        {
            var words = ((string)route.Value).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["access-list", .., var name] && !lists.Contains(name))
                diagnostics.Error(route.At, $"no '{Shown.Text(name)}' in access-lists");
        }
    }

    private static void Policies(SectionValue root, DiagnosticStore diagnostics)
    {
        Dictionary<string, AddressFamily> families = [];
        HashSet<string> delegating = [];
        foreach (var pool in root.Sections("pools"))
        {
            if (PoolTable.FamilyOf(pool) is not { } family || pool.GetOptional<string>("name") is not { } name)
                continue;
            families.TryAdd(name, family);
            if (pool.GetOptionalValue<int>("prefix-length") is not null)
                delegating.Add(name);
        }

        foreach (var policy in Ikev2(root, "authorization-policies"))
        {
            Expect(policy, "pool", AddressFamily.InterNetwork, "IPv4");
            Expect(policy, "ipv6-pool", AddressFamily.InterNetworkV6, "IPv6");
            Dhcp(policy, diagnostics);
            if (policy.GetOptional<string>("delegated-prefix-pool") is { } prefixes && families.ContainsKey(prefixes) && !delegating.Contains(prefixes))
                diagnostics.Error(policy.PlaceOf("delegated-prefix-pool"), $"'delegated-prefix-pool' needs a pool with a 'prefix-length'; '{prefixes}' has none");
        }

        void Expect(SectionValue policy, string key, AddressFamily family, string word)
        {
            if (policy.GetOptional<string>(key) is { } name && families.TryGetValue(name, out var actual) && actual != family)
                diagnostics.Error(policy.PlaceOf(key), $"'{key}' needs an {word} pool; '{name}' is none");
        }
    }

    private static void Dhcp(SectionValue policy, DiagnosticStore diagnostics)
    {
        if (policy.GetOptional<SectionValue>("dhcp") is not { } dhcp)
            return;
        if (policy.GetOptional<string>("pool") is not null)
            diagnostics.Error(policy.PlaceOf("dhcp"), "'dhcp' and 'pool' both say where the IPv4 address comes from; one of them is enough");
        var addresses = dhcp.Items("servers").AsEnumerable();
        if (dhcp.Find("giaddr") is { } giaddr)
            addresses = addresses.Append(giaddr);
        foreach (var address in addresses.Where(a => !DhcpCodec.IsHost((IPAddress)a.Value)))
            diagnostics.Error(address.At, $"'{address.Value}' is no IPv4 address that a DHCP server or relay can have");
    }

    public static void LegacyAlgorithms(SectionValue ikev2, DiagnosticStore diagnostics)
    {
        if (ikev2.GetOptionalValue<bool>("allow-legacy") is true)
            return;
        foreach (var text in ikev2.Sections("proposals").SelectMany(p => p.Items("transforms")))
            Refuse(text, ProposalParser.TryParseIke((string)text.Value, out var proposal, out _) ? proposal.LegacyAlgorithm : null);
        foreach (var text in ikev2.Sections("profiles").SelectMany(p => p.GetOptional<SectionValue>("ipsec")?.Items("transforms") ?? []))
            Refuse(text, ProposalParser.TryParseEsp((string)text.Value, out var proposal, out _) ? proposal.LegacyAlgorithm : null);

        void Refuse(ConfigurationValue text, string? legacy)
        {
            if (legacy is not null)
                diagnostics.Error(text.At, $"'{text.Value}': '{legacy}' is too weak to be used; 'ikev2.allow-legacy: true' allows it");
        }
    }

    private static void Admission(SectionValue root, DiagnosticStore diagnostics)
    {
        if (root.GetOptional<SectionValue>("admission") is not { } admission || admission.GetOptionalValue<int>("half-open") is not { } all)
            return;
        foreach (var key in (string[])["half-open-per-source", "cookie-threshold"])
            if (admission.GetOptionalValue<int>(key) is { } bound && bound > all && admission.Written)
                diagnostics.Error(admission.PlaceOf(key), $"'{key}' ({bound}) is above 'half-open' ({all}) and would never act");
    }

    private static IEnumerable<SectionValue> Ikev2(SectionValue root, string key) =>
        root.GetOptional<SectionValue>("ikev2")?.Sections(key) ?? [];
}
