using Headend.Cli;
using Headend.Configuration;
using Headend.Eap;
using Headend.Sessions;

namespace Headend.Tests.Cli;

public sealed class UserCommandTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("headend-users-").FullName;
    private string password = "correct horse";

    private string UserFile => LocalUserFile.PathIn(directory);

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("mschapv2", "EAP-MSCHAPv2 EAP-GTC")]
    [InlineData("gtc", "EAP-GTC")]
    [InlineData("mschapv2 gtc", "EAP-MSCHAPv2 EAP-GTC")]
    [InlineData("md5", "EAP-MSCHAPv2 EAP-GTC EAP-MD5")]
    public async Task The_stored_form_serves_what_it_is_for(string methods, string served)
    {
        var (code, output, _) = await RunAsync(["add", "alice", "--policy", "staff", "--for", .. methods.Split(' ')]);
        Assert.Equal(ExitCodes.Done, code);
        Assert.Contains("user alice added", output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(UserFile));
        Assert.Equal(methods == "md5", (await File.ReadAllTextAsync(UserFile)).Contains(password, StringComparison.Ordinal));

        Assert.True(LocalUserFile.TryRead(UserFile, out var users, out _));
        var alice = Assert.Single(users);
        Assert.Equal(("alice", "staff"), (alice.Name, alice.Policy));
        var store = new LocalUserStore([alice with { Policy = null }], Aaa.Authorization.LocalProfiles.None);
        Assert.True(store.TryFind("alice", out var credential, out _));
        using (credential)
            Assert.True(LocalCredential.Verify(credential, "correct horse"u8));

        (_, output, _) = await RunAsync(["list"]);
        Assert.Contains(served, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passwd_keeps_the_form_and_changes_the_password()
    {
        await RunAsync(["add", "alice", "--for", "gtc"]);
        password = "battery staple";
        Assert.Equal(ExitCodes.Done, (await RunAsync(["passwd", "alice"])).Code);
        Assert.True(LocalUserFile.TryRead(UserFile, out var users, out _));
        Assert.Null(users[0].NtHash);
        Assert.True(users[0].PasswordHash!.Verify("battery staple"u8));
        Assert.False(users[0].PasswordHash!.Verify("correct horse"u8));
    }

    [Fact]
    public async Task Users_are_added_once_and_removed_once()
    {
        Assert.Equal(ExitCodes.Done, (await RunAsync(["add", "alice"])).Code);
        Assert.Equal((ExitCodes.Failed, "headend: there is a user alice already\n"), await ErrorAsync(["add", "alice"]));
        Assert.Equal(ExitCodes.Done, (await RunAsync(["add", "bob", "--no-password"])).Code);
        Assert.Equal(ExitCodes.Done, (await RunAsync(["remove", "alice"])).Code);
        Assert.Equal((ExitCodes.Failed, "headend: there is no user alice in the user file\n"), await ErrorAsync(["remove", "alice"]));
        Assert.True(LocalUserFile.TryRead(UserFile, out var users, out _));
        Assert.False(Assert.Single(users).HasSecret);
    }

    [Fact]
    public async Task Bad_names_and_passwords_are_refused()
    {
        Assert.Equal(ExitCodes.Failed, (await RunAsync(["add", "al\u0007ice"])).Code);
        Assert.Equal(ExitCodes.Failed, (await RunAsync(["add", new string('a', 254)])).Code);
        password = new string('a', 257);
        Assert.Equal(ExitCodes.Failed, (await RunAsync(["add", "alice"])).Code);
        password = "";
        Assert.Equal(ExitCodes.Failed, (await RunAsync(["add", "alice"])).Code);
        Assert.False(File.Exists(UserFile));
    }

    // A damaged file is neither taken for empty nor overwritten, and its content is not shown.
    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"version\":2,\"users\":[]}")]
    [InlineData("{\"version\":1,\"users\":[{\"name\":\"\"}]}")]
    [InlineData("{\"version\":1,\"users\":[null]}")]
    [InlineData("{\"version\":1,\"users\":[{\"name\":\"a\",\"nt-hash\":\"secret\"}]}")]
    [InlineData("{\"version\":1,\"users\":[{\"name\":\"a\",\"password-hash\":\"secret\"}]}")]
    [InlineData("{\"version\":1,\"users\":[{\"name\":\"a\",\"secret\":\"secret\"}]}")]
    public async Task A_damaged_file_is_refused(string content)
    {
        await File.WriteAllTextAsync(UserFile, content);
        Assert.False(LocalUserFile.TryRead(UserFile, out _, out var error));
        Assert.StartsWith(UserFile, error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error[UserFile.Length..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hash_prints_what_a_configuration_takes()
    {
        var (_, output, _) = await RunAsync(["hash"]);
        var lines = output.Split('\n');
        Assert.True(PasswordHash.TryParse(lines[0]["password-hash: ".Length..], out var hash, out _));
        Assert.True(hash!.Verify("correct horse"u8));
        Assert.Equal($"nt-hash: {Convert.ToHexString(LocalCredential.ComputeNtHash("correct horse"))}", lines[1]);
    }

    private async Task<(int Code, string Error)> ErrorAsync(string[] arguments)
    {
        var (code, _, error) = await RunAsync(arguments);
        return (code, error);
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] state = arguments[0] == "hash" ? [] : ["--state", directory];
        var code = await CommandLine.InvokeAsync(["user", .. arguments, .. state], new CommandLineOptions
        {
            Run = (_, _) => Task.FromResult(0),
            Rules = ConfigurationRules.OfLeaves,
            Output = output,
            Error = error,
            Width = 400,
            IsInteractive = false,
            ReadSecret = _ => password,
        });
        return (code, output.ToString(), error.ToString());
    }
}
