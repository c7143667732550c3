using System.Net;
using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Authentication;

public sealed class PreSharedKeyAttributesTests
{
    private static readonly RadiusSecret Secret = RadiusSecret.FromText("testing123");
    private static readonly byte[] Authenticator = [.. Enumerable.Range(100, 16).Select(i => (byte)i)];

    /// <summary>RFC 2868 3.5: tag, salt, then the length, the password and zeros, encrypted.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    public void Tunnel_Password_is_the_key_of_both_directions(byte tag)
    {
        using var keys = Read(TunnelPassword("pre_shared_key", tag));
        Assert.Equal(("pre_shared_key", "pre_shared_key"), Texts(keys!));
    }

    [Theory]
    [InlineData("ipsec:tunnel-password=pre_shared_key", "pre_shared_key", "pre_shared_key")]
    [InlineData("ip:tunnel-password=a=b*c", "a=b*c", "a=b*c")]
    [InlineData("ipsec:ikev2-password-local=ours ipsec:ikev2-password-remote=theirs", "ours", "theirs")]
    [InlineData("IPsec:IKEv2-Password-Remote=theirs", "", "theirs")]
    [InlineData("ipsec:tunnel-password=both ipsec:ikev2-password-local=ours", "ours", "both")]
    [InlineData("ipsec:tunnel-password=both ipsec:ikev2-password-remote=theirs", "both", "theirs")]
    public void Cisco_pairs_are_keys_of_both_directions_or_of_one(string pairs, string local, string remote)
    {
        using var keys = Read([.. pairs.Split(' ').Select(Wire.CiscoPair)]);
        Assert.Equal((local, remote), Texts(keys!));
        Assert.True(PreSharedKeyAttributes.TryRead(pairs.Split(' '), out var listed, out _));
        Assert.Equal((local, remote), Texts(listed!));
    }

    [Fact]
    public void An_attribute_list_may_use_the_name_of_the_dictionary()
    {
        Assert.True(PreSharedKeyAttributes.TryRead(["Framed-Pool=p4", "Tunnel-Password=pre_shared_key"], out var keys, out _));
        Assert.Equal(("pre_shared_key", "pre_shared_key"), Texts(keys!));
    }

    [Fact]
    public void An_answer_without_keys_has_none()
    {
        Assert.Null(Read(Wire.CiscoPair("ipsec:route-set=interface"), Wire.CiscoPair("shell:tunnel-password=x"), Wire.Text(1, "router1")));
    }

    public static TheoryData<byte[][], string> Bad => new()
    {
        { [Wire.Attribute(69, [1, 2, 3])], "Tunnel-Password is malformed" },
        { [Wire.Attribute(69, [0, .. new byte[33]])], "Tunnel-Password is malformed" },
        { [TunnelPassword("", 0)], "Tunnel-Password is empty" },
        { [TunnelPassword("one", 0), TunnelPassword("two", 1)], "there are two different keys, the second in Tunnel-Password" },
        { [TunnelPassword("one", 0), Wire.CiscoPair("ipsec:tunnel-password=two")], "there are two different keys, the second in ipsec:tunnel-password" },
        { [Wire.CiscoPair("ipsec:ikev2-password-remote=")], "ipsec:ikev2-password-remote is empty" },
        { [Wire.CiscoPair("ipsec:ikev2-password-local=ours")], "ikev2-password-local without a ikev2-password-remote, by which the peer proves itself" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Keys_that_cannot_be_used_are_an_error_that_names_the_attribute_and_no_key(byte[][] attributes, string expected)
    {
        Assert.False(PreSharedKeyAttributes.TryRead(Accept(attributes), out var keys, out var error));
        Assert.Null(keys);
        Assert.Equal(expected, error);
    }

    [Fact]
    public void The_same_key_twice_is_one()
    {
        using var keys = Read(TunnelPassword("one", 0), Wire.CiscoPair("ipsec:tunnel-password=one"));
        Assert.Equal(("one", "one"), Texts(keys!));
    }

    private static byte[] TunnelPassword(string password, byte tag) =>
        Wire.Attribute(69, [tag, .. RadiusHiding.HideSalted(Encoding.UTF8.GetBytes(password), 7, Authenticator, Secret)]);

    private static (string Local, string Remote) Texts(PreSharedKeyAttributes keys) => (Encoding.UTF8.GetString(keys.Local), Encoding.UTF8.GetString(keys.Remote));

    private static PreSharedKeyAttributes? Read(params byte[][] attributes)
    {
        Assert.True(PreSharedKeyAttributes.TryRead(Accept(attributes), out var keys, out var error), error);
        return keys;
    }

    private static RadiusOutcome.Accept Accept(byte[][] attributes) =>
        new(Wire.Parse(Wire.Packet(2, 1, new byte[16], attributes)), new RadiusServerOptions("r", IPAddress.Loopback, Secret), Authenticator);
}
