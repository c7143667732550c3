using System.Runtime.Versioning;
using Headend.Clients;

namespace Headend.Tests.Pki;

[SupportedOSPlatform("linux")]
public class SwanctlProfileTests
{
    private static SwanctlProfile Profile(string user = "alice", string password = "pass") => new()
    {
        ServerAddress = "192.0.2.1",
        ServerIdentity = "vpn.example.com",
        UserName = user,
        Password = password,
        AuthorityPem = "-----BEGIN CERTIFICATE-----\n",
    };

    [Fact]
    public void NamesEverythingOnce()
    {
        var text = Profile().Render();
        Assert.Contains("remote_addrs = \"192.0.2.1\"", text, StringComparison.Ordinal);
        Assert.Contains("        id = \"vpn.example.com\"\n            cacerts = headend-ca.pem", text, StringComparison.Ordinal);
        Assert.Contains("eap_id = \"alice\"", text, StringComparison.Ordinal);
        Assert.Contains("secret = \"pass\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("remote_port", text, StringComparison.Ordinal);
        Assert.Contains("remote_port = 1500", (Profile() with { Port = 1500 }).Render(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\"b\\c", "secret = \"a\\\"b\\\\c\"")]
    [InlineData("a # b { } $x = y", "secret = \"a # b { } $x = y\"")]
    [InlineData("0x41", "secret = \"0sMHg0MQ==\"")]
    [InlineData("0s41", "secret = \"0sMHM0MQ==\"")]
    public void PasswordsAreQuoted(string password, string expected) => Assert.Contains(expected, Profile(password: password).Render(), StringComparison.Ordinal);

    [Theory]
    [InlineData("alice@example.com", "eap_id = \"alice@example.com\"")]
    [InlineData(@"CORP\alice", @"eap_id = ""fqdn:CORP\\alice""")]
    [InlineData("10.0.0.1", "eap_id = \"fqdn:10.0.0.1\"")]
    [InlineData("cn=alice", "eap_id = \"fqdn:cn=alice\"")]
    [InlineData("%any", "eap_id = \"fqdn:%any\"")]
    public void IdentitiesKeepTheirText(string user, string expected) => Assert.Contains(expected, Profile(user).Render(), StringComparison.Ordinal);

    [Fact]
    public void DirectoryIsReady()
    {
        using var state = new TemporaryDirectory();
        Profile().Write(state.File("clients"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(state.File("clients", "swanctl.conf")));
        Assert.StartsWith("-----BEGIN CERTIFICATE", File.ReadAllText(state.File("clients", "x509ca", "headend-ca.pem")), StringComparison.Ordinal);
        Assert.Contains("swanctl --initiate --child headend", File.ReadAllText(state.File("clients", "README.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void GeneratedPasswordsAreUnambiguous()
    {
        var passwords = Enumerable.Range(0, 100).Select(_ => GeneratedPassword.Create()).ToList();
        Assert.Equal(100, passwords.Distinct(StringComparer.Ordinal).Count());
        Assert.All(passwords, password => Assert.Matches("^[a-km-np-zA-HJ-NP-Z2-9]{20}$", password));
        Assert.Empty(GeneratedPassword.Alphabet.Intersect("0Oo1Il"));
    }
}
