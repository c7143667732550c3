using System.Text.Json.Nodes;
using Headend.Cli;
using Headend.Configuration;
using Headend.Tests.Admin;

namespace Headend.Tests.Cli;

/// <summary><c>show crypto ikev2 stats</c> and what is below it.</summary>
public sealed class IkeStatisticsTests
{
    /// <summary>As FlexVPN prints it, to the column.</summary>
    [Fact]
    public async Task Reconnects_are_counted_in_the_words_of_IOS()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var (code, shown, _) = await RunAsync("show", "crypto", "ikev2", "stats", "reconnect", "--socket", backend.Path);
        Assert.Equal(0, code);
        Assert.Equal(
            """
            Total incoming reconnect connection:        20
            Success reconnect connection:               20
            Failed reconnect connection:                0
            Reconnect capable active session count:     5
            Reconnect capable inactive session count:   2

            """,
            shown);
    }

    [Fact]
    public async Task Statistics_of_IKE_are_shown_as_text_and_as_json()
    {
        await using var backend = await new SocketBackend().StartAsync();
        var (code, shown, _) = await RunAsync("show", "crypto", "ikev2", "stats", "--socket", backend.Path);
        Assert.Equal(0, code);
        Assert.Equal(
            """
            IKE SAs:                                    7
              half-open:                                2
            CHILD_SAs:                                  6
            Active sessions:                            5
            Inactive sessions:                          2
            Shards that demand cookies:                 1 of 4
            Logins:                                     23
              rejected, authentication-failed:          3
              success:                                  20
            Reconnects:                                 20
              success:                                  19
              failed:                                   1
            Sessions ended:                             13
              peer-deleted:                             13
            Exchanges begun by clients:                 94
              IKE_AUTH:                                 90
              INFORMATIONAL:                            4
            Exchanges begun by the headend:             11
              IKE_AUTH:                                 0
              INFORMATIONAL:                            11
            Rekeys begun by clients:                    1
              child:                                    1
            Rekeys begun by the headend:                2
              child:                                    2
            Retransmissions received:                   8
            Retransmissions sent:                       9
            Datagrams discarded:                        50
              cookie-demanded:                          50
              half-open-limit:                          0

            """,
            shown);

        (code, shown, _) = await RunAsync("show", "crypto", "ikev2", "stats", "--json", "--socket", backend.Path);
        Assert.Equal(0, code);
        var json = JsonNode.Parse(shown)!;
        Assert.Equal(
            "activeSessions childSas discards exchanges halfOpen ikeSas inactiveSessions logins reconnects rekeys retransmissionsReceived retransmissionsSent sessionsEnded shards shardsDemandingCookies",
            string.Join(' ', json.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal)));
        Assert.Equal("""{"outcome":"success","reason":null,"count":20}""", json["logins"]![1]!.ToJsonString());
        Assert.Equal("""{"type":"INFORMATIONAL","remote":4,"local":11}""", json["exchanges"]![1]!.ToJsonString());
        Assert.Equal("""{"reason":"cookie-demanded","count":50}""", json["discards"]![0]!.ToJsonString());
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var options = new CommandLineOptions { Run = (_, _) => Task.FromResult(ExitCodes.Done), Rules = ConfigurationRules.OfLeaves, Output = output, Error = error };
        return (await CommandLine.InvokeAsync(arguments, options), output.ToString(), error.ToString());
    }
}
