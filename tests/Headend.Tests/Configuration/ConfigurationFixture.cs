using Headend.Configuration;

namespace Headend.Tests.Configuration;

/// <summary>A directory with the files that a complete configuration names, and that configuration.</summary>
internal sealed class ConfigurationFixture : IDisposable
{
    public const string Complete = """
        listen: { addresses: [0.0.0.0, "::"], ike-port: 500, nat-t-port: 4500 }
        data-plane: { kind: user-space }
        state-directory: /var/lib/headend
        admin: { socket: /run/headend/admin.sock }
        telemetry: { service-name: headend, otlp: { endpoint: "http://127.0.0.1:4317" }, prometheus: { listen: "127.0.0.1:9464" } }
        radius:
          servers:
            - { name: radius1, address: 198.51.100.2, auth-port: 1812, acct-port: 1813, secret-file: radius1.secret, timeout: 5s, retransmit: 3 }
          groups:
            - { name: corp, servers: [radius1], dead-time: 2m, load-balance: false }
          attributes: { nas-identifier: gw1 }
        aaa:
          authentication: [ { name: eap-list, methods: [group corp] }, { name: local-list, methods: [local] } ]
          authorization:  [ { name: author-list, methods: [group corp, local] } ]
          accounting:     [ { name: acct-list, methods: [group corp], interim-interval: 10m } ]
          local-users: [ { name: alice, password-file: alice.secret, policy: staff } ]
        ikev2:
          proposals: [ { name: strong, transforms: [aes256gcm16-prfsha384-ecp384, aes256-sha256-x25519] } ]
          authorization-policies:
            - name: staff
              pool: p4
              ipv6-pool: p6
              dns: [10.10.0.53]
              default-domain: corp.example
              route-set: ["prefix 10.10.0.0/24"]
          profiles:
            - name: remote-workers
              match: { remote-identity: [any] }
              local-identity: fqdn vpn.example.com
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true, timeout: 60s } }
              authentication-list: eap-list
              authorization:
                user: { cached: true }
                group: { list: author-list, name: staff, override: false }
              accounting-list: acct-list
              proposals: [strong, default]
              ipsec: { transforms: [aes256gcm16, aes256-sha256], pfs: required, lifetime: 1h, lifetime-volume: 4GB, replay-window: 1024 }
              traffic: { local: [10.10.0.0/24] }
              dpd: { interval: 20s, mode: on-demand }
              virtual-template: 1
        virtual-templates:
          - { number: 1, commands: ["ip unnumbered lan0", "ip mtu 1400", "ip tcp adjust-mss 1360"] }
        pools: [ { name: p4, range: 10.99.0.0/16 }, { name: p6, range: "2001:db8:99::/112" } ]

        """;

    public ConfigurationFixture()
    {
        Write("radius1.secret", "a-shared-secret-of-26-chars\nsecond line\n");
        Write("alice.secret", "correct horse\r\n");
        Write("gw.pem", "certificate");
        Write("gw.key", "key");
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("headend-test").FullName;

    public string File(string name) => Path.Combine(Directory, name);

    public string Write(string name, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var path = File(name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
        System.IO.File.SetUnixFileMode(path, mode);
        return path;
    }

    public ConfigurationOutcome Parse(string text) => ConfigurationParser.ParseText(text, File("h.yaml"), ConfigurationRules.OfLeaves);

    /// <summary>The findings as LINE:COL: message.</summary>
    public IReadOnlyList<string> Findings(string text) => [.. Parse(text).Diagnostics.Select(d => d.ToString().Replace(File("h.yaml") + ":", "", StringComparison.Ordinal))];

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
