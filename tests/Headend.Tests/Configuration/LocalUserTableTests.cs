using Headend.Configuration;
using Headend.Eap;

namespace Headend.Tests.Configuration;

public sealed class LocalUserTableTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Users_have_passwords_hashes_or_neither()
    {
        var hash = PasswordHash.Create("correct horse"u8, PasswordHash.MinRounds).ToModularCrypt();
        var users = Users($$"""
            - { name: clear, password: correct horse }
            - { name: hashed, password-hash: "{{hash}}", attribute-list: extra }
            - { name: nt, nt-hash: 8846F7EAEE8FB117AD06BDD830B7586C }
            - { name: both, password-hash: "{{hash}}", nt-hash: 8846f7eaee8fb117ad06bdd830b7586c }
            - { name: certificate, policy: staff }
            """);

        Assert.Equal("clear,hashed,nt,both", string.Join(',', users.Where(u => u.HasSecret).Select(u => u.Name)));
        Assert.Equal("clear,nt,both", string.Join(',', users.Where(u => u.Serves(EapType.MsChapV2)).Select(u => u.Name)));
        Assert.Equal("clear,hashed,nt,both", string.Join(',', users.Where(u => u.Serves(EapType.Gtc)).Select(u => u.Name)));
        Assert.Equal("clear", string.Join(',', users.Where(u => u.Serves(EapType.Md5)).Select(u => u.Name)));
        Assert.Equal("extra", users[1].AttributeList);
        Assert.Equal("(secret)", users[2].NtHash!.ToString());
        Assert.Equal("(password hash)", users[3].PasswordHash!.ToString());
    }

    [Theory]
    [InlineData("{ name: a, password: correct horse, nt-hash: 8846F7EAEE8FB117AD06BDD830B7586C }", "'nt-hash' beside a password in clear text; one of them is enough")]
    [InlineData("{ name: a, password: correct horse, password-file: alice.secret }", "exactly one of password, password-file, password-env is needed, found password and password-file")]
    [InlineData("{ name: a, nt-hash: 8846 }", "'aaa.local-users[].nt-hash': an NT hash is 32 hexadecimal digits")]
    [InlineData("{ name: a, password-hash: $6$salt$hash }", "'aaa.local-users[].password-hash': no password hash: not $pbkdf2-sha512$ROUNDS$SALT$CHECKSUM")]
    [InlineData("{ name: a, attribute-list: nowhere }", "no 'nowhere' in aaa.attribute-lists; configured: extra")]
    public void What_cannot_be_is_said(string user, string message) =>
        Assert.Contains(Parse("- " + user).Diagnostics, d => d.Message == message);

    [Fact]
    public void An_attribute_list_is_checked_where_it_stands()
    {
        var outcome = fixture.Parse(ConfigurationFixture.Complete.Replace(
            "  local-users:", "  attribute-lists: [ { name: bad, attributes: [\"interface-config=ip mtu 1300\", \"ipsec:dns-servers=nowhere\"] } ]\n  local-users:", StringComparison.Ordinal));
        var error = Assert.Single(outcome.Errors);
        Assert.Contains("dns-servers", error.Message, StringComparison.Ordinal);
    }

    private IReadOnlyList<LocalUserOptions> Users(string users)
    {
        var outcome = Parse(users);
        Assert.Empty(outcome.Errors);
        return outcome.Configuration!.Aaa.LocalUsers;
    }

    private ConfigurationOutcome Parse(string users)
    {
        var lines = string.Concat(users.Split('\n').Select(l => "    " + l + "\n"));
        return fixture.Parse(ConfigurationFixture.Complete.Replace(
            "  local-users: [ { name: alice, password-file: alice.secret, policy: staff } ]\n",
            "  attribute-lists: [ { name: extra, attributes: [\"interface-config=ip mtu 1300\"] } ]\n  local-users:\n" + lines, StringComparison.Ordinal));
    }
}
