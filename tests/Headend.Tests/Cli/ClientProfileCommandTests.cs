using System.Xml.Linq;
using Headend.Cli;
using Headend.Configuration;
using Headend.Tests.Configuration;

namespace Headend.Tests.Cli;

public sealed class ClientProfileCommandTests : IDisposable
{
    private static readonly XNamespace Schema = "http://schemas.xmlsoap.org/encoding/";
    private readonly ConfigurationFixture fixture = new();

    public ClientProfileCommandTests()
    {
        var text = ConfigurationFixture.Complete.Replace(
            "eap: { query-identity: true, timeout: 60s }", "anyconnect-eap: { timeout: 150s, groups: [staff, 'R&D'] }", StringComparison.Ordinal);
        Assert.Empty(fixture.Findings(text));
        fixture.Write("headend.yaml", text);
        var returns = text.Replace("dpd: { interval: 20s, mode: on-demand }", "dpd: { interval: 20s }\n      reconnect: { timeout: 30m }", StringComparison.Ordinal);
        Assert.Empty(fixture.Findings(returns));
        fixture.Write("reconnect.yaml", returns);
        fixture.Write("eap.yaml", ConfigurationFixture.Complete);
        fixture.Write("bad.yaml", "ikev2: {}");
    }

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task The_profile_leads_the_client_here_by_IPsec()
    {
        var (code, output, _) = await RunAsync("--config", fixture.File("headend.yaml"), "--profile", "remote-workers", "--group", "R&D");
        Assert.Equal(ExitCodes.Done, code);
        var profile = XDocument.Parse(output).Root!;
        Assert.Equal(Schema + "AnyConnectProfile", profile.Name);
        // The client's schema allows no longer one.
        Assert.Equal("120", profile.Element(Schema + "ClientInitialization")!.Element(Schema + "AuthenticationTimeout")!.Value);
        var host = profile.Element(Schema + "ServerList")!.Element(Schema + "HostEntry")!;
        Assert.Equal(
            [("HostName", "remote-workers"), ("HostAddress", "vpn.example.com"), ("UserGroup", "R&D"), ("PrimaryProtocol", "IPsec")], host.Elements().Select(e => (e.Name.LocalName, e.Value)));
    }

    /// <summary>The chapter: the client's default is DisconnectOnSuspend. The order is that of Cisco's profile editor.</summary>
    [Fact]
    public async Task With_reconnect_the_client_comes_back_after_sleep()
    {
        var (code, output, _) = await RunAsync("--config", fixture.File("reconnect.yaml"), "--profile", "remote-workers");
        Assert.Equal(ExitCodes.Done, code);
        var initialization = XDocument.Parse(output).Root!.Element(Schema + "ClientInitialization")!;
        Assert.Equal([Schema + "AuthenticationTimeout", Schema + "AutoReconnect"], initialization.Elements().Select(e => e.Name));
        Assert.Contains(
            "<AutoReconnect UserControllable=\"false\">true<AutoReconnectBehavior UserControllable=\"false\">ReconnectAfterResume</AutoReconnectBehavior></AutoReconnect>", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_reconnect_the_clients_own_default_stands()
    {
        var (_, output, _) = await RunAsync("--config", fixture.File("headend.yaml"), "--profile", "remote-workers");
        Assert.DoesNotContain("AutoReconnect", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_can_be_a_file_and_name_another_host()
    {
        var (code, output, _) = await RunAsync("--config", fixture.File("headend.yaml"), "--profile", "remote-workers", "--server", "203.0.113.7", "-o", fixture.File("p.xml"));
        Assert.Equal((ExitCodes.Done, ""), (code, output));
        Assert.Contains("<HostAddress>203.0.113.7</HostAddress>", await File.ReadAllTextAsync(fixture.File("p.xml")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("headend.yaml", "nobody", "", "no 'nobody' in ikev2.profiles")]
    [InlineData("eap.yaml", "remote-workers", "", "has no anyconnect-eap")]
    [InlineData("headend.yaml", "remote-workers", "--group guests", "has no group 'guests'")]
    [InlineData("headend.yaml", "remote-workers", "--server a/b", "is no host name")]
    [InlineData("bad.yaml", "remote-workers", "", "profiles")]
    [InlineData("headend.yaml", "remote-workers", "-o FILE/p.xml", "eap.yaml")]
    public async Task What_cannot_be_is_said(string file, string profile, string further, string reason)
    {
        var (code, output, error) = await RunAsync(["--config", fixture.File(file), "--profile", profile, .. further.Replace("FILE", fixture.File("eap.yaml"), StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal((ExitCodes.Failed, ""), (code, output));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var options = new CommandLineOptions { Run = (_, _) => Task.FromResult(ExitCodes.Done), Rules = ConfigurationRules.OfLeaves, Output = output, Error = error };
        var code = await CommandLine.InvokeAsync(["client-profile", "anyconnect", .. arguments], options);
        return (code, output.ToString(), error.ToString());
    }
}
