using System.Net;
using System.Text;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.VirtualAccess.DataPlane;
using DpdMode = Headend.Configuration.DpdMode;

namespace Headend.Tests.Configuration;

public sealed class ConfigurationParserTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void A_complete_configuration_gives_every_value()
    {
        var outcome = fixture.Parse(ConfigurationFixture.Complete);

        Assert.Empty(outcome.Diagnostics);
        var c = outcome.Configuration!;
        Assert.Equal([IPAddress.Any, IPAddress.IPv6Any], c.Listen.Addresses);
        Assert.Equal(DataPlaneKind.UserSpace, c.DataPlane);
        Assert.Equal(new Uri("http://127.0.0.1:4317"), c.Telemetry.OtlpEndpoint);
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:9464"), c.Telemetry.PrometheusListen);
        Assert.Equal("a-shared-secret-of-26-chars", Encoding.UTF8.GetString(Assert.Single(c.Radius.Servers).Secret.Octets));
        Assert.Equal(TimeSpan.FromMinutes(2), Assert.Single(c.Radius.Groups).DeadTime);
        Assert.Equal("gw1", c.Radius.NasIdentifier);
        Assert.Equal("corp", c.Aaa.Authentication[0].Methods[0].Group);
        Assert.True(c.Aaa.Authentication[1].Methods[0].IsLocal);
        Assert.Equal(TimeSpan.FromMinutes(10), c.Aaa.Accounting[0].InterimInterval);
        Assert.Equal("correct horse", Encoding.UTF8.GetString(c.Aaa.LocalUsers[0].Password!.Octets));
        Assert.Equal(["strong", "default"], c.Ikev2.Proposals.Select(p => p.Name));
        Assert.Equal("prefix 10.10.0.0/24", Assert.Single(c.Ikev2.AuthorizationPolicies[0].RouteSet));
        var profile = Assert.Single(c.Ikev2.Profiles);
        Assert.Equal(new IkeIdentity(IdType.Fqdn, "vpn.example.com"u8), profile.LocalIdentity);
        Assert.Equal(fixture.File("gw.pem"), profile.LocalAuthentication?.CertificateFile);
        Assert.Equal(new EapOptions(true, TimeSpan.FromSeconds(60), false), profile.Eap);
        Assert.Equal(new AuthorizationOptions(true, null, new AuthorizationRequestOptions("author-list", "staff", null, null), false), profile.Authorization[RemoteMethod.Eap]);
        Assert.Equal((PfsMode.Required, 4_000_000_000L, 1024), (profile.Ipsec.Pfs, profile.Ipsec.LifetimeVolume!.Value, profile.Ipsec.ReplayWindow));
        Assert.Equal(new DpdOptions(TimeSpan.FromSeconds(20), DpdMode.OnDemand, 8), profile.Dpd);
        Assert.Equal(3, Assert.Single(c.VirtualTemplates).Commands.Count);
        Assert.Equal((IPAddress.Parse("10.99.0.0"), IPAddress.Parse("10.99.255.255")), (c.Pools[0].Ranges[0].First, c.Pools[0].Ranges[0].Last));
        Assert.Equal(IPAddress.Parse("2001:db8:99::ffff"), Assert.Single(c.Pools[1].Ranges).Last);
    }

    [Fact]
    public void Weak_algorithms_need_the_switch_and_every_one_is_named_with_its_place()
    {
        var text = ConfigurationFixture.Complete
            .Replace("aes256-sha256-x25519] }", "3des-sha1-modp2048, aes256-sha256-modp1536] }", StringComparison.Ordinal)
            .Replace("[aes256gcm16, aes256-sha256]", "[aes256gcm16, aes256-md5]", StringComparison.Ordinal);
        var findings = fixture.Findings(text);
        Assert.Equal(3, findings.Count);
        Assert.Contains(findings, f => f.Contains("'3des-sha1-modp2048': '3des' is too weak", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Contains("'modp1536' is too weak", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Contains("'aes256-md5': 'md5' is too weak", StringComparison.Ordinal));
        Assert.All(findings, f => Assert.Matches(@"^\d+:\d+: ", f));
        Assert.Empty(fixture.Findings(text.Replace("ikev2:\n", "ikev2:\n  allow-legacy: true\n", StringComparison.Ordinal)));
    }

    [Fact]
    public void Accounting_says_what_an_outage_does_and_how_much_may_wait()
    {
        var accounting = "accounting:     [ { name: acct-list, methods: [group corp], interim-interval: 10m";
        var text = ConfigurationFixture.Complete.Replace(accounting + " } ]", accounting + ", on-failure: end-session, failure-time: 2m }, { name: other, methods: [group corp] } ]"
            + "\n  accounting-spool: { records: 5000, size: 2MB, checkpoint-interval: 10s }", StringComparison.Ordinal);
        var outcome = fixture.Parse(text);
        Assert.Empty(outcome.Diagnostics);
        var aaa = outcome.Configuration!.Aaa;
        Assert.Equal([TimeSpan.FromMinutes(2), null], aaa.Accounting.Select(a => a.EndSessionsAfter));
        Assert.Equal(new AccountingSpoolOptions(5000, 2_000_000, TimeSpan.FromSeconds(10)), aaa.AccountingSpool);

        Assert.Equal(new AccountingSpoolOptions(100_000, 256_000_000, TimeSpan.FromSeconds(30)), fixture.Parse(ConfigurationFixture.Complete).Configuration!.Aaa.AccountingSpool);
        Assert.Contains("is not one of embedded", Assert.Single(fixture.Findings("store: { kind: postgresql }\n" + ConfigurationFixture.Complete)), StringComparison.Ordinal);
        Assert.Contains("'512kB'", Assert.Single(fixture.Findings(text.Replace("2MB", "512kB", StringComparison.Ordinal))), StringComparison.Ordinal);
    }

    [Fact]
    public void Absent_keys_have_the_documented_defaults()
    {
        var outcome = fixture.Parse("""
            aaa: { authentication: [ { name: a, methods: [local] } ] }
            ikev2:
              profiles:
                - { name: p, match: { remote-identity: [any] }, local-identity: fqdn a.example, local-authentication: { certificate: gw.pem, key: gw.key }, remote-authentication: { eap: {} }, authentication-list: a, virtual-template: 1 }
            virtual-templates: [ { number: 1 } ]
            """);

        Assert.Empty(outcome.Diagnostics);
        var c = outcome.Configuration!;
        var profile = c.Ikev2.Profiles[0];
        Assert.Equal((500, 4500), (c.Listen.IkePort, c.Listen.NatTraversalPort));
        Assert.Equal(new AdmissionOptions(20000, 1000, 500), c.Admission);
        Assert.Equal("/run/headend/admin.sock", c.AdminSocket);
        Assert.Equal(TimeSpan.FromSeconds(90), profile.Eap?.Timeout);
        Assert.Equal((TimeSpan.FromHours(24), TimeSpan.FromHours(1)), (profile.IkeLifetime, profile.Ipsec.Lifetime));
        Assert.Equal([ConfigurationTable.DefaultProposal], profile.Proposals);
        Assert.Equal(ConfigurationTable.DefaultTransforms, Assert.Single(c.Ikev2.Proposals).Transforms);
        Assert.Equal(["0.0.0.0/0", "::/0"], profile.TrafficLocal.Select(n => n.ToString()));
        Assert.True(profile.Authorization[RemoteMethod.Eap].UserCached);
        Assert.Null(profile.AccountingLists[RemoteMethod.Eap]);
    }

    [Fact]
    public void Built_in_transforms_are_ones_that_the_leaf_knows()
    {
        Assert.All(ConfigurationTable.DefaultTransforms, t => Assert.Null(ConfigurationRules.OfLeaves.IkeTransforms(t)));
    }

    [Fact]
    public void Every_error_is_reported_at_its_place()
    {
        var text = ConfigurationFixture.Complete
            .Replace("ike-port: 500", "ike-prot: 500", StringComparison.Ordinal)
            .Replace("kind: user-space", "kind: kernel", StringComparison.Ordinal)
            .Replace("servers: [radius1]", "servers: [radus1]", StringComparison.Ordinal)
            .Replace("timeout: 60s", "timeout: 10s", StringComparison.Ordinal)
            .Replace("ip mtu 1400", "ip mut 1400", StringComparison.Ordinal)
            .Replace("range: 10.99.0.0/16", "range: 10.99.0.1/16", StringComparison.Ordinal);

        Assert.Equal(
            [
                "1:39: unknown key 'ike-prot' in 'listen'; did you mean 'ike-port'?",
                "2:21: 'data-plane.kind': 'kernel' is not one of auto, user-space, xfrm, none",
                "10:31: no 'radus1' in radius.servers; did you mean 'radius1'?",
                "31:70: 'ikev2.profiles[].remote-authentication.eap.timeout': '10s' is not a duration from 45s to 180s",
            ],
            fixture.Findings(text).Take(4));
        Assert.Collection(
            fixture.Findings(text).Skip(4),
            f => Assert.StartsWith("43:51: 'virtual-templates[].commands[]': ", f, StringComparison.Ordinal),
            f => Assert.Equal("44:29: 'pools[].range': '10.99.0.1/16' has bits set after its prefix length; meant is perhaps 10.99.0.0/16", f));
    }

    [Theory]
    [InlineData("pools: [ { name: a, range: 10.0.0.0/24 }, { name: b, range: 10.0.0.9-10.0.0.12 } ]", "1:61: the pool 'b' overlaps the pool 'a'")]
    [InlineData("pools: [ { name: a, range: 10.0.0.9-10.0.0.1 } ]", "1:28: 'pools[].range': the range '10.0.0.9-10.0.0.1' ends before it begins")]
    [InlineData("pools: [ { name: a, range: 10.0.0.0/24 }, { name: a, range: 10.0.0.128/25 } ]", "1:61: two ranges of the pool 'a' overlap")]
    [InlineData("pools: [ { name: a, range: 10.0.0.0/24 }, { name: a, range: 10.0.1.0/24, hold-down: 9s } ]", "1:85: 'hold-down' differs from the one of the pool 'a' at 1:10")]
    [InlineData("pools: [ { name: a, range: 10.0.0.0/24 }, { name: a, range: '2001:db8::/64' } ]", "1:43: the pool 'a' at 1:10 is of the other family")]
    [InlineData("pools: [ { name: a, ranges: [10.0.0.0/24, '2001:db8::/64'] } ]", "1:43: '2001:db8::/64' is not of the family of the first range")]
    [InlineData("pools: [ { name: a, range: 10.0.0.0/24, exclude: ['2001:db8::5'] } ]", "1:51: '2001:db8::5' is not of the family of the first range")]
    [InlineData("pools: [ { name: a } ]", "1:10: 'range' or 'ranges' is needed")]
    [InlineData("pools: [ { name: a, ranges: [] } ]", "1:29: 'pools[].ranges' needs at least 1 entry")]
    [InlineData("pools: [ { name: a, range: 10.0.0.0/8, prefix-length: 56 } ]", "1:55: 'prefix-length' is for IPv6 pools")]
    [InlineData("pools: [ { name: a, range: '2001:db8::/64', prefix-length: 56 } ]", "1:28: '2001:db8::/64' holds no prefix of length 56")]
    [InlineData("listen: { ike-port: 4500 }", "1:9: 'ike-port' and 'nat-t-port' must differ")]
    [InlineData("listen: { addresses: [] }", "1:22: 'listen.addresses' needs at least 1 entry")]
    [InlineData("listen: { addresses: 0.0.0.0 }", "1:22: 'listen.addresses': expected a list of address, found '0.0.0.0'")]
    [InlineData("listen: { addresses: [1] }", "1:23: 'listen.addresses[]': '1' is not an IPv4 or IPv6 address")]
    [InlineData("listen:", "1:8: 'listen' has no value")]
    [InlineData("listen: [a]", "1:9: 'listen': expected keys and values, found a list")]
    [InlineData("listen: {}\nlisten: {}", "2:1: duplicate key 'listen', first at line 1")]
    [InlineData("cluster: { kind: embedded }", "1:1: unknown key 'cluster' in the configuration; supported: aaa, access-lists, admin, admission, client-services, data-plane, ikev2, include, listen, pools, qos, radius, state-directory, store, telemetry, virtual-templates, vrfs")]
    [InlineData("radius: { servers: [ { name: a, address: 192.0.2.1 } ] }", "1:22: exactly one of secret, secret-file, secret-env is needed, found none")]
    [InlineData("radius: { servers: [ { name: a, address: 192.0.2.1, secret: x, secret-env: HEADEND_NONE } ] }", "1:76: exactly one of secret, secret-file, secret-env is needed, found secret and secret-env")]
    [InlineData("radius: { servers: [ { name: a, address: 192.0.2.1, secret-env: HEADEND_NONE } ] }", "1:65: the environment variable 'HEADEND_NONE' is not set")]
    [InlineData("radius: { servers: [ { name: a, address: 192.0.2.1, secret: short } ] }", "1:61: warning: a secret of 5 octets is weak; use at least 16")]
    [InlineData("aaa: { accounting: [ { name: a, methods: [local] } ] }", "1:43: 'aaa.accounting[].methods[]': 'local' is not 'group NAME': the local method keeps no accounting")]
    [InlineData("admission: { half-open: 10, half-open-per-source: 10, cookie-threshold: 11 }", "1:73: 'cookie-threshold' (11) is above 'half-open' (10) and would never act")]
    [InlineData("telemetry: { prometheus: { listen: 127.0.0.1 } }", "1:36: 'telemetry.prometheus.listen': '127.0.0.1' is not an address and a port such as 127.0.0.1:9464")]
    public void An_error_names_what_is_wrong(string text, string finding)
    {
        var found = fixture.Findings(text).Select(f => f.Replace(fixture.Directory + "/", "", StringComparison.Ordinal));
        Assert.Contains(finding, found);
    }

    [Theory]
    [InlineData("user-space", "set", DfBit.Set)]
    [InlineData("user-space", "clear", DfBit.Clear)]
    [InlineData("xfrm", "copy", DfBit.Copy)]
    [InlineData("xfrm", "set", null)]
    public void The_df_bit_is_what_the_data_plane_can_do(string plane, string word, DfBit? expected)
    {
        var text = ConfigurationFixture.Complete.Replace("kind: user-space", $"kind: {plane}", StringComparison.Ordinal)
            .Replace("lifetime: 1h,", $"lifetime: 1h, df-bit: {word},", StringComparison.Ordinal);
        Assert.Contains($"df-bit: {word}", text, StringComparison.Ordinal);
        var (configuration, findings) = (fixture.Parse(text).Configuration, fixture.Findings(text));
        Assert.Equal(expected, configuration?.Ikev2.Profiles[0].Ipsec.DfBit);
        if (expected is null) Assert.EndsWith("'df-bit: set' is nothing that the kernel does; with 'data-plane: xfrm' it is 'copy' or 'clear'", Assert.Single(findings), StringComparison.Ordinal);
    }

    /// <summary>What only the data plane in this process has is the reason against the kernel's with <c>auto</c>, and told where it stands with <c>xfrm</c>.</summary>
    [Theory]
    [InlineData("lifetime: 1h,", "lifetime: 1h, df-bit: set,", "'df-bit: set' is nothing that the kernel does", true)]
    [InlineData("{ number: 1, commands", "{ number: 1, mode: auto, commands", "GRE sessions are nothing that the kernel's data plane carries", false)]
    [InlineData("\"ip mtu 1400\"", "\"tunnel mode gre ip\"", "GRE sessions are nothing that the kernel's data plane carries", false)]
    [InlineData("aaa:\n", "aaa:\n  attribute-lists: [ { name: l, attributes: [\"ip:interface-config#1=tunnel  mode auto\"] } ]\n", "GRE sessions are nothing that the kernel's data plane carries", false)]
    [InlineData("pools:", "qos: { class-maps: [ { name: voice, dscp: [ef] } ], policy-maps: [ { name: p, classes: [ { class: voice, police: 1Mbit }, { class: default } ] } ] }\npools:", null, false)]
    [InlineData("pools:", "qos: { policy-maps: [ { name: p, classes: [ { class: default, police: 1Mbit } ] } ] }\npools:", null, false)]
    [InlineData("\"ip mtu 1400\"", "\"tunnel mode ipsec ipv4\"", null, false)]
    [InlineData("\"ip mtu 1400\"", "\"tunnel mode gre ip\", \"no tunnel mode gre ip\"", null, false)]
    public void What_the_kernel_has_not_is_known_beforehand(string instead, string text, string? gap, bool isError)
    {
        string With(string plane) => ConfigurationFixture.Complete.Replace("kind: user-space", $"kind: {plane}", StringComparison.Ordinal).Replace(instead, text, StringComparison.Ordinal);
        var found = fixture.Parse(With("auto"));
        Assert.Empty(found.Diagnostics);
        if (gap is null) Assert.Null(found.Configuration!.KernelPlaneGap);
        else Assert.Matches($"^{System.Text.RegularExpressions.Regex.Escape(gap)}.* \\(.*:[0-9]+:[0-9]+\\)$", found.Configuration!.KernelPlaneGap);
        var asked = fixture.Parse(With("xfrm"));
        Assert.Equal(isError, asked.Configuration is null);
        if (gap is null) Assert.Empty(asked.Diagnostics);
        else Assert.StartsWith(gap, Assert.Single(asked.Diagnostics).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_networks_than_the_kernel_has_policies_for_are_for_user_space()
    {
        string With(string plane, int count) => ConfigurationFixture.Complete.Replace("kind: user-space", $"kind: {plane}", StringComparison.Ordinal)
            .Replace("local: [10.10.0.0/24]", $"local: [{string.Join(", ", Enumerable.Range(0, count).Select(n => $"10.10.{n}.0/24"))}]", StringComparison.Ordinal);
        Assert.Null(fixture.Parse(With("auto", 64)).Configuration!.KernelPlaneGap);
        Assert.StartsWith("more than 64 networks", fixture.Parse(With("auto", 65)).Configuration!.KernelPlaneGap, StringComparison.Ordinal);
        Assert.Null(fixture.Parse(With("xfrm", 65)).Configuration);
    }

    [Fact]
    public void A_policy_of_the_wrong_family_is_refused()
    {
        var text = ConfigurationFixture.Complete.Replace("pool: p4", "pool: p6", StringComparison.Ordinal);
        Assert.Equal(["21:13: 'pool' needs an IPv4 pool; 'p6' is none"], fixture.Findings(text));
    }

    [Fact]
    public void A_group_policy_of_the_local_method_must_exist()
    {
        var text = ConfigurationFixture.Complete.Replace("name: staff, override", "name: stuff, override", StringComparison.Ordinal);
        Assert.Equal(["35:43: no 'stuff' in ikev2.authorization-policies, where the method 'local' of 'author-list' looks"], fixture.Findings(text));
    }

    [Fact]
    public void A_secret_that_others_may_read_is_warned_of()
    {
        fixture.Write("radius1.secret", "0123456789abcdef", UnixFileMode.UserRead | UnixFileMode.GroupRead);
        var outcome = fixture.Parse(ConfigurationFixture.Complete);
        var warning = Assert.Single(outcome.Diagnostics);
        Assert.Equal((DiagnosticSeverity.Warning, 8), (warning.Severity, warning.Line));
        Assert.NotNull(outcome.Configuration);
    }

    [Fact]
    public void Included_files_join_lists_and_refuse_what_is_set_twice()
    {
        fixture.Write("conf.d/a.yaml", "pools: [ { name: p7, range: 10.7.0.0/24 } ]\n");
        fixture.Write("conf.d/b.yaml", "pools:\n  - { name: p8, range: bad }\nadmin: { socket: /tmp/x }\ninclude: [c.yaml]\n");
        var path = fixture.Write("h.yaml", "include: [conf.d/*.yaml]\n" + ConfigurationFixture.Complete);

        var findings = ConfigurationParser.Load(path, ConfigurationRules.OfLeaves).Diagnostics.Select(d => d.ToString()).ToList();

        var b = fixture.File("conf.d/b.yaml");
        Assert.Equal(
            [
                $"{b}:2:24: 'pools[].range': 'bad' is not a prefix such as 10.99.0.0/16 or a range such as 10.99.0.10-10.99.0.99",
                $"{b}:3:10: 'socket' is already set at {path}:5:10",
                $"{b}:4:1: an included file cannot include",
            ],
            findings);
    }

    [Fact]
    public void A_secret_is_not_shown()
    {
        var c = fixture.Parse(ConfigurationFixture.Complete).Configuration!;
        Assert.DoesNotContain("horse", c.Aaa.LocalUsers[0].ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("a-shared", c.Radius.Servers[0].ToString(), StringComparison.Ordinal);
    }
}
