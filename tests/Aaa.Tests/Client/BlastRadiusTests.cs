using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>
/// CVE-2024-3596: who stands between can make an Access-Reject's Response Authenticator fit an Access-Accept. Here the collision is granted (the authenticator is
/// computed with the secret); what the attacker cannot have is a Message-Authenticator over what he forged.
/// </summary>
public sealed class BlastRadiusTests : IAsyncLifetime
{
    private readonly ClientFixture fixture = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await fixture.DisposeAsync();

    [Theory]
    [InlineData("code", MessageAuthenticatorRule.Always, false)]
    [InlineData("code", MessageAuthenticatorRule.Eap, false)]
    [InlineData("code", MessageAuthenticatorRule.Off, false)]
    [InlineData("code", MessageAuthenticatorRule.Always, true)]
    [InlineData("code", MessageAuthenticatorRule.Eap, true)]
    [InlineData("code", MessageAuthenticatorRule.Off, true)]
    [InlineData("collision", MessageAuthenticatorRule.Always, false)]
    [InlineData("collision", MessageAuthenticatorRule.Eap, false)]
    [InlineData("collision", MessageAuthenticatorRule.Off, false)]
    [InlineData("collision", MessageAuthenticatorRule.Always, true)]
    [InlineData("altered", MessageAuthenticatorRule.Always, false)]
    [InlineData("altered", MessageAuthenticatorRule.Eap, true)]
    [InlineData("altered", MessageAuthenticatorRule.Off, false)]
    [InlineData("stripped", MessageAuthenticatorRule.Always, false)]
    [InlineData("stripped", MessageAuthenticatorRule.Always, true)]
    [InlineData("stripped", MessageAuthenticatorRule.Eap, true)]
    [InlineData("proxy-state", MessageAuthenticatorRule.Always, false)]
    [InlineData("proxy-state", MessageAuthenticatorRule.Eap, false)]
    [InlineData("proxy-state", MessageAuthenticatorRule.Eap, true)]
    [InlineData("proxy-state", MessageAuthenticatorRule.Off, false)]
    [InlineData("short", MessageAuthenticatorRule.Always, false)]
    [InlineData("twice", MessageAuthenticatorRule.Always, false)]
    public async Task A_reject_made_an_accept_is_never_taken(string forgery, MessageAuthenticatorRule rule, bool eap)
    {
        var server = fixture.Serve("r1", request => [Forge(Reject(request), forgery, request)]);
        server.Options = server.Options with { RequireMessageAuthenticator = rule, Retransmit = 0 };
        var sending = fixture.Client.SendAsync(fixture.Group(server), eap ? ClientFixture.Eap() : ClientFixture.Login(), default);
        await fixture.NextIgnoredAsync();
        Assert.False(sending.IsCompleted);
        // The true answer, which the attacker could not hold back for ever, decides.
        var (packet, from) = await server.NextAsync();
        server.Send(Reject(packet), from);
        Assert.IsType<RadiusOutcome.Reject>(await sending);
        Assert.Equal(0, fixture.Statistics("r1").Accepts);
    }

    [Fact]
    public async Task Off_takes_what_it_says_it_takes()
    {
        var server = fixture.Serve("r1", request => [Forge(Reject(request), "stripped", request)]);
        server.Options = server.Options with { RequireMessageAuthenticator = MessageAuthenticatorRule.Off };
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(server)));
    }

    private static byte[] Reject(RadiusPacket request) => Wire.Reply(request, RadiusCode.AccessReject, FakeRadiusServer.Secret, true, Wire.Text(18, "no"));

    private static byte[] Forge(byte[] reject, string forgery, RadiusPacket request)
    {
        byte[] authenticator = [80, 18, .. reject.AsSpan(22, 16)];
        byte[] rest = [.. reject.AsSpan(38)];
        byte[] garbage = Wire.Attribute(33, RandomNumberGenerator.GetBytes(40));
        return forgery switch
        {
            // The code alone, as a bit flipped on the way.
            "code" => [2, .. reject.AsSpan(1)],
            "collision" => Seal(request, [.. authenticator, .. rest]),
            "altered" => Seal(request, [80, 18, .. RandomNumberGenerator.GetBytes(16), .. rest]),
            "stripped" => Seal(request, rest),
            "proxy-state" => Seal(request, [.. rest, .. garbage]),
            "short" => Seal(request, [80, 17, .. authenticator.AsSpan(2, 15), .. rest]),
            _ => Seal(request, [.. authenticator, .. authenticator, .. rest]),
        };
    }

    /// <summary>Access-Accept with the Response Authenticator that the collision would have given.</summary>
    private static byte[] Seal(RadiusPacket request, byte[] attributes)
    {
        byte[] packet = [2, request.Identifier, 0, 0, .. request.Authenticator, .. attributes];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
#pragma warning disable CA5351 // RADIUS is made of MD5
        MD5.HashData([.. packet, .. Encoding.ASCII.GetBytes("testing123")]).CopyTo(packet.AsSpan(4));
#pragma warning restore CA5351
        return packet;
    }
}
