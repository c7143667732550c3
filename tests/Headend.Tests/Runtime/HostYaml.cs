namespace Headend.Tests.Runtime;

/// <summary>What the configurations of the tests of a whole headend have in common.</summary>
internal static class HostYaml
{
    /// <summary>Key of profiles: users of EAP.</summary>
    public const string Eap = "remote-authentication: { eap: { query-identity: true } }";

    /// <summary>Key of profiles: everybody is of the policy `staff`.</summary>
    public const string Staff = "authorization: { group: { list: local-list, name: staff } }";

    /// <summary>Key of profiles: a client is asked soon whether it is still there.</summary>
    public const string SoonAsked = "dpd: { interval: 4s, mode: periodic, retransmissions: 1 }";

    /// <summary>A configuration with one virtual-template and one pool, `p4`, of nine addresses.</summary>
    /// <param name="port">The clients'.</param>
    /// <param name="state">State directory.</param>
    /// <param name="socket">The admin API's.</param>
    /// <param name="sections">What a test is about.</param>
    public static string Whole(int port, string state, string socket, string sections) => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{LiveHeadend.FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{state}}
        admin: { socket: {{socket}} }
        {{sections}}
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;

    /// <summary>Section `radius`: the group `corp` is a server that nobody runs.</summary>
    public static string Nobody(string further = "") => $$"""
        radius:
          servers: [ { name: nobody, address: 127.0.0.1, acct-port: {{LiveHeadend.FreePort()}}, secret: a-secret-of-24-octets-xy, timeout: 1s, retransmit: 0 } ]
          groups: [ { name: corp, servers: [nobody] } ]
          {{further}}
        """;

    /// <summary>Section `radius`: the group `corp` is the test's own server, which has no ear for accounting.</summary>
    public static string Radius(int port, string further = "") => $$"""
        radius:
          servers: [ { name: radius1, address: 127.0.0.1, auth-port: {{port}}, acct-port: {{LiveHeadend.FreePort()}}, secret: a-shared-secret-of-26-chars, timeout: 5s, retransmit: 3 } ]
          groups: [ { name: corp, servers: [radius1] } ]
          {{further}}
        """;

    /// <summary>A profile of a headend with a certificate, with the proposal `test`.</summary>
    /// <param name="name">The profile's.</param>
    /// <param name="match">Remote identities.</param>
    /// <param name="keys">Its further keys, a line each.</param>
    public static string Profile(string name, string match, params IEnumerable<string> keys) =>
        Lines(name, match, ["local-authentication: { certificate: gw.pem, key: gw.key }", .. keys]);

    /// <summary>A profile of local users of the policy `staff` who log in by EAP.</summary>
    public static string UserProfile(string name, string match, params IEnumerable<string> keys) => Profile(name, match, [Eap, "authentication-list: local-list", Staff, .. keys]);

    /// <summary>A profile of pre-shared keys on either side.</summary>
    public static string KeyProfile(string name, string match, params IEnumerable<string> keys) =>
        Lines(name, match, ["local-authentication: { pre-share: true }", "remote-authentication: { pre-share: true }", .. keys]);

    private static string Lines(string name, string match, IEnumerable<string> keys)
    {
        IEnumerable<string> all = [
            $"match: {{ remote-identity: [{match}] }}", "local-identity: fqdn gw.example", .. keys, "proposals: [test]", "ipsec: { transforms: [aes128gcm16] }", "virtual-template: 1"];
        return $"    - name: {name}\n      {string.Join("\n      ", all)}";
    }
}
