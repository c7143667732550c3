using System.Text.Json;
using System.Text.Json.Nodes;
using Headend.Admin;
using Headend.Cli;
using Headend.Configuration;
using Headend.Tests.Admin;
using Headend.Tests.Configuration;

namespace Headend.Tests.Cli;

public sealed class CommandLineTests
{
    [Fact]
    public async Task Sessions_as_json_have_every_key_of_the_contract()
    {
        await using var backend = await new SocketBackend().StartAsync();
        backend.Sessions.Add(SocketBackend.Session("1", "alice"));
        backend.Sessions.Add(SocketBackend.Session("2", "bob"));

        var (code, output, _) = await RunAsync("show", "crypto", "session", "--user", "bob", "--json", "--socket", backend.Path);

        Assert.Equal(ExitCodes.Done, code);
        var session = Assert.Single(JsonDocument.Parse(output).RootElement.EnumerateArray());
        // Readers go by name: the order of the keys is no part of the contract.
        Assert.Equal(
            ("id profile profileMatch status user ikeIdentity eapIdentity remoteAddress remotePort localAddress localPort interface device assignedAddresses dhcpLease framedPrefix "
            + "delegatedPrefix auditSessionId acctSessionId groups authentication localAuthentication localIdentity keyringEntry reconnected uptimeSeconds inOctets outOctets inPackets "
            + "outPackets ikeSa childSas").Split(' ').Order(StringComparer.Ordinal),
            session.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.Equal(
            "localSpi remoteSpi encryption integrity prf dhGroup nat capabilities",
            string.Join(' ', session.GetProperty("ikeSa").EnumerateObject().Select(p => p.Name)));
        Assert.Equal(
            "inSpi outSpi transform mode localSelectors remoteSelectors",
            string.Join(' ', session.GetProperty("childSas")[0].EnumerateObject().Select(p => p.Name)));
        Assert.Equal(ulong.MaxValue, session.GetProperty("inOctets").GetUInt64());
        Assert.Equal("bob", session.GetProperty("user").GetString());
    }

    [Fact]
    public async Task Tables_name_what_runs()
    {
        await using var backend = await new SocketBackend().StartAsync();
        backend.Sessions.Add(SocketBackend.Session("1", "al\u001b[2Jice") with
        {
            DhcpLease = new DhcpLeaseRecord("10.10.0.67", "10.97.0.1", "ff:00", "renewing", 59),
            DelegatedPrefix = "2001:db8:d0::/56",
        });

        var (_, sessions, _) = await RunAsync("show", "crypto", "session", "--socket", backend.Path);
        Assert.Contains("Virtual-Access7", sessions, StringComparison.Ordinal);
        Assert.Contains("[2001:db8::7]:4500", sessions, StringComparison.Ordinal);
        Assert.Contains("1d 01:01:01", sessions, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', sessions);

        var (_, detail, _) = await RunAsync("show", "crypto", "session", "detail", "--socket", backend.Path);
        Assert.Contains("in c0000001 out c0000002", detail, StringComparison.Ordinal);
        Assert.Matches("dhcp lease +renewing, of 10.10.0.67 through 10.97.0.1, expires in 00:00:59, client ff:00\n", detail);
        Assert.Matches("delegated prefix +2001:db8:d0::/56\n", detail);
        Assert.DoesNotContain('\u001b', detail);

        var (_, sas, _) = await RunAsync("show", "crypto", "ikev2", "sa", "--socket", backend.Path);
        Assert.Contains("AES_CBC_256 HMAC_SHA2_256_128", sas, StringComparison.Ordinal);
        var (_, servers, _) = await RunAsync("show", "aaa", "servers", "--socket", backend.Path);
        Assert.Contains("dead for 00:01:01", servers, StringComparison.Ordinal);
        var (_, accounting, _) = await RunAsync("show", "aaa", "accounting", "--socket", backend.Path);
        Assert.Contains("failed: database or disk is full", accounting, StringComparison.Ordinal);
        Assert.Contains("7 of 100000 records, 3500 B of 256 MB", accounting, StringComparison.Ordinal);
        Assert.Matches("acct-list +silent for 00:01:01 +5 ", accounting);
        var (_, pools, _) = await RunAsync("show", "ip", "local", "pool", "--socket", backend.Path);
        Assert.Matches("p4 +10.99.0.1 +10.99.255.254 +65536 +3 +4 +9 +77", pools);
        Assert.Matches("\n +10.98.0.1 +10.98.0.9", pools);
    }

    /// <summary>The chapter's legend above the sessions, its letters joined, and what it has no letter for in words.</summary>
    [Fact]
    public async Task Capabilities_are_shown_by_the_letters_of_IOS()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var session = SocketBackend.Session("1", "alice");
        backend.Sessions.Add(session with { IkeSa = session.IkeSa! with { Capabilities = ["D", "N", "X", "signature-hash-algorithms", "ticket"] } });
        backend.Sessions.Add(session with { Id = "2", IkeSa = session.IkeSa with { Capabilities = ["ticket"] } });

        var (_, detail, _) = await RunAsync("show", "crypto", "session", "detail", "--socket", backend.Path);
        Assert.StartsWith(
            """
            Crypto session current status

            Code: D - Dead Peer Detection, N - NAT-traversal
            X - IKE Extended Authentication, F - IKE Fragmentation
            R - IKE Auto Reconnect

            Session 1

            """,
            detail, StringComparison.Ordinal);
        Assert.Matches("\n  capabilities +DNX signature-hash-algorithms ticket\n", detail);
        Assert.Matches("\n  capabilities +ticket\n", detail);
        var (_, table, _) = await RunAsync("show", "crypto", "session", "--socket", backend.Path);
        Assert.DoesNotContain("Code:", table, StringComparison.Ordinal);
    }

    /// <summary>All clients of AnyConnect-EAP have one IKE identity: who they are stands beside it.</summary>
    [Fact]
    public async Task An_IKE_SA_tells_the_identity_within_EAP_where_there_is_one()
    {
        await using var backend = await new SocketBackend { AnyConnectUser = "alice@example.com" }.StartAsync();
        var (_, detail, _) = await RunAsync("show", "crypto", "ikev2", "sa", "detail", "--socket", backend.Path);
        Assert.Matches("\n  remote identity +\\*\\$AnyConnectClient\\$\\*\n  remote eap id +alice@example.com\n  user +alice@example.com\n", detail);
        var (_, table, _) = await RunAsync("show", "crypto", "ikev2", "sa", "--socket", backend.Path);
        Assert.Matches("\\*\\$AnyConnectClient\\$\\* +alice@example.com +ESTABLISHED", table);
        var (_, json, _) = await RunAsync("show", "crypto", "ikev2", "sa", "--json", "--socket", backend.Path);
        Assert.Equal("alice@example.com", JsonNode.Parse(json)![0]!["eapIdentity"]!.GetValue<string>());

        backend.AnyConnectUser = null;
        (_, detail, _) = await RunAsync("show", "crypto", "ikev2", "sa", "detail", "--socket", backend.Path);
        Assert.DoesNotContain("remote eap id", detail, StringComparison.Ordinal);
        Assert.DoesNotContain("  user ", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interfaces_and_templates_are_shown_in_the_words_of_IOS()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var (code, derived, _) = await RunAsync("show", "derived-config", "interface", "virtual-access", "7", "--socket", backend.Path);
        Assert.Equal(0, code);
        Assert.Equal(
            "Building configuration...\n\nDerived configuration : 77 bytes\n\ninterface Virtual-Access7\n ip mtu 1200\n tunnel destination 172.16.1.1\nend\n", derived);

        var (_, json, _) = await RunAsync("show", "derived-config", "interface", "virtual-access", "7", "--json", "--socket", backend.Path);
        Assert.Equal("aaa user alice", JsonNode.Parse(json)!["derivedConfig"]![0]!["origin"]!.GetValue<string>());

        var (_, shown, _) = await RunAsync("show", "interface", "virtual-access", "7", "--socket", backend.Path);
        Assert.Contains("Virtual-Access7 is up, line protocol is up", shown, StringComparison.Ordinal);
        Assert.Contains("  Tunnel protocol/transport IPSEC/IP", shown, StringComparison.Ordinal);
        Assert.Contains("  Last input 00:01:01, output never", shown, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', shown);

        var (missing, _, error) = await RunAsync("show", "interface", "virtual-access", "8", "--socket", backend.Path);
        Assert.Equal((1, "headend: there is no Virtual-Access8"), (missing, error.Trim()));

        var (_, templates, _) = await RunAsync("show", "vtemplate", "--socket", backend.Path);
        Assert.Equal(
            """
                     Active     Active    Subint  Interface
                   Interface Subinterface Capable Type
                   --------- ------------ ------- ---------
            Vt1            2            0    No   Tunnel
            Vt200          0            0    No   Tunnel

            Virtual-Template1 is locked, active vaccess present: a change of the configuration is for new sessions
              a change waits: 1 of 2 interfaces were cloned before it

            """.ReplaceLineEndings("\n"),
            templates.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Policies_of_an_interface_are_printed_in_the_form_of_ios()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var (code, output, _) = await RunAsync("show", "policy-map", "interface", "virtual-access", "7", "--socket", backend.Path);
        Assert.Equal(ExitCodes.Done, code);
        Assert.Equal(
            """
             Virtual-Access7

              Service-policy output: outer

                Class-map: class-default (match-any)
                  12 packets, 3456 bytes
                  30 second rate 8000 bps
                  Match: any
                  shape (average) cir 8000000 bps
                  (queue depth/total drops) 0/0

                  Service-policy : inner

                    Class-map: voice (match-all)
                      2 packets, 300 bytes
                      30 second rate 0 bps
                      Match: dscp ef
                      police:
                          cir 1000000 bps, bc 31250 bytes
                      bandwidth 20%
                      priority 2000000 bps
                      (queue depth/total drops) 3/1

            """,
            output);
        (code, output, _) = await RunAsync("show", "policy-map", "interface", "virtual-access", "7", "--json", "--socket", backend.Path);
        var policy = Assert.Single(JsonDocument.Parse(output).RootElement.EnumerateArray());
        Assert.Equal((ExitCodes.Done, "output", 1), (code, policy.GetProperty("direction").GetString(), policy.GetProperty("classes")[1].GetProperty("droppedPackets").GetInt32()));
        (code, output, _) = await RunAsync("show", "policy-map", "interface", "virtual-access", "8", "--socket", backend.Path);
        Assert.Equal((ExitCodes.Done, ""), (code, output));
    }

    [Theory]
    [InlineData("id", "2", 1)]
    [InlineData("user", "alice", 2)]
    [InlineData("remote", "2001:db8::7", 3)]
    public async Task Clear_ends_the_sessions_that_fit(string by, string value, int cleared)
    {
        await using var backend = await new SocketBackend().StartAsync();
        backend.Sessions.AddRange([SocketBackend.Session("1", "alice"), SocketBackend.Session("2", "bob"), SocketBackend.Session("3", "alice")]);

        var (code, output, _) = await RunAsync("clear", "crypto", "session", by, value, "--socket", backend.Path);

        Assert.Equal((ExitCodes.Done, 3 - cleared), (code, backend.Sessions.Count));
        Assert.StartsWith($"{cleared} session", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Access_lists_are_printed_as_IOS_prints_them()
    {
        await using var backend = await new SocketBackend().StartAsync();
        const string Plain = "Extended IP access list lan-only\n    10 permit ip any host 10.10.0.2 (1 match)\n    20 deny tcp any any log (5 matches)\n"
            + "Standard IP access list Virtual-Access1#2601\n    10 permit 1.1.1.1\n";
        Assert.Equal((ExitCodes.Done, Plain, ""), await RunAsync("show", "access-lists", "--socket", backend.Path));
        Assert.Equal((ExitCodes.Done, Plain, ""), await RunAsync("show", "ip", "access-lists", "--socket", backend.Path));
        var (_, one, _) = await RunAsync("show", "access-lists", "Virtual-Access1#2601", "--detail", "--socket", backend.Path);
        Assert.Equal(
            "Standard IP access list Virtual-Access1#2601\n    10 permit 1.1.1.1\n    deny everything else\n    Virtual-Access1 in: 7 packets, 3 denied\n    counted together with equal lists: 2 interfaces\n", one);
        var (_, other, _) = await RunAsync("show", "access-lists", "lan-only", "--detail", "--socket", backend.Path);
        Assert.EndsWith("    deny everything else (2 matches)\n    Virtual-Access1 out: 8 packets, 2 denied\n", other, StringComparison.Ordinal);
        var (_, json, _) = await RunAsync("show", "access-lists", "lan-only", "--json", "--socket", backend.Path);
        using var parsed = System.Text.Json.JsonDocument.Parse(json);
        Assert.Equal(5, parsed.RootElement[0].GetProperty("entries")[1].GetProperty("matches").GetInt64());
    }

    [Fact]
    public async Task A_lockout_is_cleared_once()
    {
        await using var backend = await new SocketBackend().StartAsync();
        backend.Lockouts.Add(new LockoutRecord { User = "alice", Failures = 0, LockedForSeconds = 60 });

        var (_, shown, _) = await RunAsync("show", "aaa", "lockout", "--socket", backend.Path);
        Assert.Matches("alice +0 +for 00:01:00", shown);
        Assert.Equal((ExitCodes.Done, "lockout cleared\n", ""), await RunAsync("clear", "aaa", "user", "alice", "lockout", "--socket", backend.Path));
        Assert.Equal(ExitCodes.Failed, (await RunAsync("clear", "aaa", "user", "alice", "lockout", "--socket", backend.Path)).Code);
        Assert.Equal(ExitCodes.Usage, (await RunAsync("clear", "aaa", "user", "alice", "everything", "--socket", backend.Path)).Code);
    }

    [Fact]
    public async Task A_user_is_shown_with_the_origin_of_each_attribute()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var origin = new AaaOriginRecord("implicit-user", "alice", "authentication", "radius1", "eap-list");
        var session = new AaaUserSessionRecord
        {
            Id = "7",
            Status = SessionStatus.UpActive,
            Profile = "remote-workers",
            AuditSessionId = "a1",
            Sources = [new AaaOriginRecord("group", "staff", "group-authorization", null, "local-list"), origin],
            Attributes = [new AaaAttributeRecord("Framed-Pool", "p4\u001b[2J", origin), new AaaAttributeRecord("Class", "0x01", null)],
        };
        backend.AaaUsers.Add(new AaaUserRecord { User = "alice", Sessions = [session] });
        backend.AaaUsers.Add(new AaaUserRecord { User = "bob", Local = new AaaLocalUserRecord { Policy = "staff", HasPassword = true, LockedForSeconds = 60 } });

        var (code, all, _) = await RunAsync("show", "aaa", "user", "all", "--socket", backend.Path);
        Assert.Equal(ExitCodes.Done, code);
        Assert.Contains(" Session 7\n  status            UP-ACTIVE\n  profile           remote-workers\n  audit-session-id  a1\n  authorization     group staff (group-authorization, list local-list)\n", all, StringComparison.Ordinal);
        Assert.Matches("Framed-Pool +p4\uFFFD\\[2J +implicit-user alice \\(authentication, radius1, list eap-list\\)", all);
        Assert.Matches("Class +0x01 +-", all);
        Assert.Matches("User bob\n  local user +with a password\n  policy +staff\n  locked out +for 00:01:00\n", all);

        var (_, json, _) = await RunAsync("show", "aaa", "user", "bob", "--json", "--socket", backend.Path);
        Assert.Equal("bob", JsonDocument.Parse(json).RootElement.EnumerateArray().Single().GetProperty("user").GetString());
        Assert.Equal((ExitCodes.Failed, "", "headend: no session and no local user 'eve & co'\n"), await RunAsync("show", "aaa", "user", "eve & co", "--socket", backend.Path));
    }

    [Fact]
    public async Task Clearing_what_a_restart_could_bring_back_says_so_and_fails()
    {
        await using var backend = await new SocketBackend { NotRevoked = 2 }.StartAsync();
        backend.Sessions.Add(SocketBackend.Session("1", "alice"));
        var (code, output, error) = await RunAsync("clear", "crypto", "session", "all", "--socket", backend.Path);
        Assert.Equal((ExitCodes.Failed, "1 session cleared\n"), (code, output));
        Assert.StartsWith("headend: 2 more ended, but neither the store nor its key file", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clearing_nobody_fails_and_clearing_all_of_none_does_not()
    {
        await using var backend = await new SocketBackend().StartAsync();
        Assert.Equal(ExitCodes.Failed, (await RunAsync("clear", "crypto", "session", "id", "9", "--socket", backend.Path)).Code);
        Assert.Equal(ExitCodes.Failed, (await RunAsync("clear", "crypto", "session", "remote", "nowhere", "--socket", backend.Path)).Code);
        Assert.Equal(ExitCodes.Done, (await RunAsync("clear", "crypto", "session", "all", "--socket", backend.Path)).Code);
    }

    [Fact]
    public async Task No_headend_is_exit_code_3()
    {
        var (code, _, error) = await RunAsync("show", "aaa", "servers", "--socket", "/nonexistent/admin.sock");
        Assert.Equal(ExitCodes.Unreachable, code);
        Assert.Equal("headend: no headend answers at /nonexistent/admin.sock: there is no such socket\n", error);
    }

    [Theory]
    [InlineData("shwo")]
    [InlineData("show")]
    [InlineData("show", "crypto", "session", "brief")]
    [InlineData("clear", "crypto", "session")]
    [InlineData("check-config")]
    [InlineData("run", "--confg", "x")]
    public async Task Wrong_usage_is_exit_code_2(params string[] arguments) =>
        Assert.Equal(ExitCodes.Usage, (await RunAsync(arguments)).Code);

    [Fact]
    public async Task Check_config_prints_every_finding_and_fails_on_errors_only()
    {
        using var fixture = new ConfigurationFixture();
        var good = fixture.Write("good.yaml", ConfigurationFixture.Complete);
        var bad = fixture.Write("bad.yaml", ConfigurationFixture.Complete + "pool: 1\nlisten: {}\n");

        Assert.Equal((ExitCodes.Done, "", ""), await RunAsync("check-config", good));
        var (code, output, _) = await RunAsync("check-config", bad);
        Assert.Equal(ExitCodes.Failed, code);
        Assert.Equal($"{bad}:45:1: unknown key 'pool' in the configuration; did you mean 'pools'?\n{bad}:46:1: duplicate key 'listen', first at line 1\n", output);
        Assert.Equal(ExitCodes.Failed, (await RunAsync("check-config", fixture.File("none.yaml"))).Code);
    }

    [Fact]
    public async Task Without_a_command_the_headend_runs()
    {
        List<RunOptions> runs = [];
        var options = Options(new StringWriter(), new StringWriter()) with
        {
            Run = (run, _) =>
            {
                runs.Add(run);
                return Task.FromResult(7);
            },
        };

        Assert.Equal(7, await CommandLine.InvokeAsync([], options));
        Assert.Equal(7, await CommandLine.InvokeAsync(["run", "--config", "f", "--state", "d", "--socket", "s"], options));
        Assert.Equal([new RunOptions(null, null, null), new RunOptions("f", "d", "s")], runs);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(arguments, Options(output, error));
        return (code, output.ToString(), error.ToString());
    }

    private static CommandLineOptions Options(TextWriter output, TextWriter error) => new()
    {
        Run = (_, _) => Task.FromResult(ExitCodes.Done),
        Rules = ConfigurationRules.OfLeaves,
        Output = output,
        Error = error,
        Width = 400,
    };
}
