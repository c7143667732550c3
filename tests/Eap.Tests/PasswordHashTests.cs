using System.Text;

namespace Headend.Eap.Tests;

public class PasswordHashTests
{
    // Python: hashlib.pbkdf2_hmac('sha512', b'password', b'0123456789abcdef', 1000, 64) in passlib's format.
    private const string Known =
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$38DzhdBT7fPaUGBlsh42VTuuKSFAIYGZJ7l6feCDLIl.K3hdPFgxxu7xuUi4gIuH6cEIoODn18xH9Ig2ryNgUw";

    [Fact]
    public void AnotherProgramsHashIsVerified()
    {
        Assert.True(PasswordHash.TryParse(Known, out var hash, out _));
        Assert.True(hash!.Verify("password"u8));
        Assert.False(hash.Verify("Password"u8));
        Assert.False(hash.Verify(""u8));
        Assert.Equal(1000, hash.Rounds);
        Assert.Equal(Known, hash.ToModularCrypt());
        Assert.DoesNotContain("MDEy", hash.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void OurHashComesBackAndSaltsDiffer()
    {
        var first = PasswordHash.Create("pässwörd"u8, PasswordHash.MinRounds);
        var second = PasswordHash.Create("pässwörd"u8, PasswordHash.MinRounds);
        Assert.NotEqual(first.ToModularCrypt(), second.ToModularCrypt());
        Assert.True(PasswordHash.TryParse(first.ToModularCrypt(), out var parsed, out _));
        Assert.True(parsed!.Verify(Encoding.UTF8.GetBytes("pässwörd")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("password")]
    [InlineData("$6$salt$hash")]
    [InlineData("$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg")]
    [InlineData("$pbkdf2-sha512$999$MDEyMzQ1Njc4OWFiY2RlZg$38DzhdBT7fPaUGBlsh42VTuuKSFAIYGZJ7l6feCDLIl.K3hdPFgxxu7xuUi4gIuH6cEIoODn18xH9Ig2ryNgUw")]
    [InlineData("$pbkdf2-sha512$99999999$MDEyMzQ1Njc4OWFiY2RlZg$38DzhdBT7fPaUGBlsh42VTuuKSFAIYGZJ7l6feCDLIl.K3hdPFgxxu7xuUi4gIuH6cEIoODn18xH9Ig2ryNgUw")]
    [InlineData("$pbkdf2-sha512$1000$MDEy$38DzhdBT7fPaUGBlsh42VTuuKSFAIYGZJ7l6feCDLIl.K3hdPFgxxu7xuUi4gIuH6cEIoODn18xH9Ig2ryNgUw")]
    [InlineData("$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$38Dzhd")]
    [InlineData("$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$!8DzhdBT7fPaUGBlsh42VTuuKSFAIYGZJ7l6feCDLIl.K3hdPFgxxu7xuUi4gIuH6cEIoODn18xH9Ig2ryNgUw")]
    public void WhatIsNoHashIsRefusedWithoutRepeatingIt(string text)
    {
        Assert.False(PasswordHash.TryParse(text, out var hash, out var error));
        Assert.Null(hash);
        Assert.NotEmpty(error);
        Assert.DoesNotContain("38Dz", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clear")]
    [InlineData("nt")]
    [InlineData("hash")]
    public void EveryStoredFormVerifiesItsPasswordAndNoOther(string form)
    {
        using var credential = form switch
        {
            "clear" => LocalCredential.FromPassword("pässword"),
            "nt" => LocalCredential.FromNtHash(LocalCredential.ComputeNtHash("pässword")),
            _ => LocalCredential.FromHashes(default, PasswordHash.Create("pässword"u8, PasswordHash.MinRounds)),
        };
        Assert.True(LocalCredential.Verify(credential, "pässword"u8));
        Assert.False(LocalCredential.Verify(credential, "passwort"u8));
        Assert.False(LocalCredential.Verify(credential, ""u8));
        Assert.False(LocalCredential.Verify(credential, [0x70, 0xff, 0x73]));
        Assert.False(LocalCredential.Verify(credential, new byte[1024]));
        Assert.False(LocalCredential.Verify(null, "pässword"u8));
    }
}
