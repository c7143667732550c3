using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Headend.Aaa.Addresses;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Telemetry;

// The meter is the process's: another test's headend would count into these figures.
[Collection("one meter")]
public sealed partial class PrometheusTests
{
    [Fact]
    public async Task Metrics_are_served_in_the_text_format()
    {
        using var metrics = new HeadendMetrics();
        var options = new TelemetryOptions("headend", OtlpEndpoint: null, new IPEndPoint(IPAddress.Loopback, 0));
        await using var server = await TelemetryServer.StartAsync(options, NullLoggerFactory.Instance, CancellationToken.None);
        metrics.Observe(new MetricsObserver
        {
            InactiveSessions = () => 0,
            ActiveSessions = () => 3,
            HalfOpen = () => 1,
            Accounting = () => null,
            Dhcp = () => new DhcpStatistics(Outstanding: 2, Bound: 5, Granted: 6, Failed: 1, Renewed: 8, Lost: 3, Discarded: 4, Unsent: 0),
            Pools = () => [new AddressPoolStatistics("p4", Size: 254, Free: 250, Leased: 3, HeldDown: 1, HighWater: 9, Exhausted: 7)],
            Esp = () => new EspTotalsRecord(10, 1000, 20, long.MaxValue),
            EspDrops = () => new Dictionary<string, long> { ["replay"] = 2 },
        });
        metrics.LoginEnded(LoginOutcome.Success, "", TimeSpan.FromMilliseconds(30));
        metrics.LoginEnded(LoginOutcome.Rejected, "a\"b\\c\nd", TimeSpan.FromSeconds(4000));
        metrics.RadiusRequestEnded("radius1", "access", "accept", TimeSpan.FromMilliseconds(2));
        metrics.Rekeyed("child", local: true);

        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri($"http://{server.PrometheusEndPoint}/metrics"));
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        var samples = Parse(text);
        Assert.Equal(1, samples["headend_logins_total{outcome=\"success\",reason=\"\"}"]);
        Assert.Equal(1, samples["headend_logins_total{outcome=\"rejected\",reason=\"a\\\"b\\\\c\\nd\"}"]);
        Assert.Equal(3, samples["headend_pool_addresses{pool=\"p4\",state=\"in-use\"}"]);
        Assert.Equal(1, samples["headend_pool_addresses{pool=\"p4\",state=\"held-down\"}"]);
        Assert.Equal(7, samples["headend_pool_exhausted_total{pool=\"p4\"}"]);
        Assert.Equal(0, samples["headend_login_duration_seconds_bucket{outcome=\"success\",le=\"0.025\"}"]);
        Assert.Equal(1, samples["headend_login_duration_seconds_bucket{outcome=\"success\",le=\"0.05\"}"]);
        Assert.Equal(0, samples["headend_login_duration_seconds_bucket{outcome=\"rejected\",le=\"180\"}"]);
        Assert.Equal(1, samples["headend_login_duration_seconds_bucket{outcome=\"rejected\",le=\"+Inf\"}"]);
        Assert.Equal(4000, samples["headend_login_duration_seconds_sum{outcome=\"rejected\"}"]);
        Assert.Equal(1, samples["headend_login_duration_seconds_count{outcome=\"success\"}"]);
        Assert.Equal(3, samples["headend_sessions"]);
        Assert.Equal(1000, samples["headend_esp_octets_bytes_total{direction=\"in\"}"]);
        Assert.Equal(2, samples["headend_esp_drops_total{reason=\"replay\"}"]);
        Assert.Equal(1, samples["headend_ike_rekeys_total{initiator=\"local\",kind=\"child\"}"]);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri($"http://{server.PrometheusEndPoint}/"))).StatusCode);
    }

    // The grammar of the exposition format: a TYPE once per name, before its samples; one sample a line; no sample twice.
    private static Dictionary<string, double> Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Dictionary<string, string> types = [];
        Dictionary<string, double> samples = [];
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var words = line.Split(' ');
                types.Add(words[2], words[3]);
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var match = SampleRegex().Match(line);
                Assert.True(match.Success, line);
                var name = match.Groups["name"].Value;
                var family = types.ContainsKey(name) ? name : Regex.Replace(name, "_(bucket|sum|count)$", "", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
                Assert.True(types.TryGetValue(family, out var type), line);
                Assert.Equal(type == "counter", name.EndsWith("_total", StringComparison.Ordinal));
                samples.Add(name + match.Groups["labels"].Value, double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture));
            }
        }
        return samples;
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*")*\})? (?<value>[0-9.eE+-]+|\+Inf)$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SampleRegex();
}
