using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Headend.Aaa.Authentication;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Radius;

public sealed class RadiusHidingTests
{
    private static readonly RadiusSecret Secret = RadiusSecret.FromText("testing123");
    private static readonly byte[] Authenticator = [.. Enumerable.Range(100, 16).Select(i => (byte)i)];

    [Fact]
    public void Salted_values_survive_the_round_trip_as_octets()
    {
        Prop.ForAll<byte[], ushort>((value, salt) =>
        {
            if (value.Length > 239) return true;
            var hidden = RadiusHiding.HideSalted(value, salt, Authenticator, Secret);
            return (hidden[0] & 0x80) != 0 && hidden.Length % 16 == 2
                && RadiusHiding.TryRevealSalted(hidden, Authenticator, Secret, out var plain) && plain.AsSpan().SequenceEqual(value);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public void User_passwords_survive_the_round_trip()
    {
        for (var length = 1; length <= 128; length++)
        {
            var password = new byte[length];
            Array.Fill(password, (byte)(200 - length));
            var hidden = new byte[RadiusHiding.HiddenUserPasswordLength(length)];
            RadiusHiding.HideUserPassword(password, Authenticator, Secret, hidden);
            Assert.True(RadiusHiding.TryRevealUserPassword(hidden, Authenticator, Secret, out var plain));
            Assert.Equal(password, plain);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(19)]
    [InlineData(33)]
    public void Salted_values_of_impossible_lengths_are_refused(int length)
        => Assert.False(RadiusHiding.TryRevealSalted(new byte[length], Authenticator, Secret, out _));

    [Fact]
    public void A_key_length_that_does_not_match_its_blocks_is_refused()
    {
        // A change of the first cipher octet is the same change of the length octet; of 48 octets, 32..47 can be the key.
        var hidden = RadiusHiding.HideSalted(new byte[32], 1, Authenticator, Secret);
        foreach (byte length in new byte[] { 0, 16, 31, 48, 200, 255 })
        {
            var changed = hidden.ToArray();
            changed[2] ^= (byte)(32 ^ length);
            var fits = length is >= 32 and <= 47;
            Assert.Equal(fits, RadiusHiding.TryRevealSalted(changed, Authenticator, Secret, out _));
        }
    }

    [Fact]
    public void Tunnel_passwords_are_octets_behind_a_tag()
    {
        byte[] password = [0xFF, 0xFE, 0x00, 0xC3, 0x28];
        byte[] value = [3, .. RadiusHiding.HideSalted(password, 9, Authenticator, Secret)];
        Assert.True(RadiusHiding.TryRevealTunnelPassword(value, Authenticator, Secret, out var tag, out var plain));
        Assert.Equal(3, tag);
        Assert.Equal(password, plain);
        Assert.False(RadiusHiding.TryRevealTunnelPassword([3], Authenticator, Secret, out _, out _));
        Assert.False(RadiusHiding.TryRevealTunnelPassword([], Authenticator, Secret, out _, out _));
    }

    [Fact]
    public void The_msk_is_the_recv_key_then_the_send_key()
    {
        byte[] receive = [.. Enumerable.Repeat((byte)1, 32)], send = [.. Enumerable.Repeat((byte)2, 32)];
        using var attributes = Read(Key(16, send, 1), Key(17, receive, 2));
        Assert.Equal([.. receive, .. send], attributes!.Msk!);
    }

    [Fact]
    public void Keys_of_16_octets_are_padded_behind_both()
    {
        // The keys that FreeRADIUS made for EAP-MSCHAPv2 in the recorded eapol_test run, and the PMK that eapol_test took from EAP.
        var receive = Convert.FromHexString("4ea0255f5e3a57891bb95bf45e994af3");
        var send = Convert.FromHexString("d7152843bf602392f9901700196810d1");
        using var attributes = Read(Key(16, send, 1), Key(17, receive, 2));
        Assert.Equal("4ea0255f5e3a57891bb95bf45e994af3d7152843bf602392f9901700196810d1", Convert.ToHexStringLower(attributes!.Msk!.AsSpan(0, 32)));
        Assert.Equal(new byte[32], attributes.Msk![32..]);
    }

    [Fact]
    public void Malformed_missing_and_doubled_keys_name_their_attribute()
    {
        var key = new byte[32];
        Assert.Equal("MS-MPPE-Send-Key is missing", Failure(Key(17, key, 1)));
        Assert.Equal("MS-MPPE-Recv-Key is missing", Failure(Key(16, key, 1)));
        Assert.Equal("MS-MPPE-Recv-Key occurs twice", Failure(Key(17, key, 1), Key(17, key, 2)));
        Assert.Equal("MS-MPPE-Recv-Key is malformed", Failure(Wire.Vendor(311, 17, [1, 2, 3])));
        Assert.Equal("MS-MPPE-Send-Key is malformed", Failure(Key(16, [], 1), Key(17, key, 2)));
        Assert.Equal("MS-MPPE-Send-Key is malformed", Failure(Key(16, new byte[33], 1), Key(17, key, 2)));
        Assert.Equal("User-Name is not text", Failure(Wire.Attribute(1, 0xFF)));
        using var none = Read(Wire.Text(1, "alice@corp"), Wire.Attribute(79, 3, 1, 0, 4));
        Assert.Null(none!.Msk);
        Assert.Equal("alice@corp", none.UserName);
        Assert.Equal([3, 1, 0, 4], none.EapMessage!);
    }

    private static byte[] Key(byte type, byte[] key, ushort salt) => Wire.Vendor(311, type, RadiusHiding.HideSalted(key, salt, Authenticator, Secret));

    private static AcceptAttributes? Read(params byte[][] attributes) => Read(out _, attributes);

    private static string Failure(params byte[][] attributes)
    {
        Assert.Null(Read(out var error, attributes));
        return error;
    }

    private static AcceptAttributes? Read(out string error, params byte[][] attributes)
    {
        var packet = Wire.Parse(Wire.Packet(2, 1, new byte[16], attributes));
        AcceptAttributes.TryRead(new RadiusOutcome.Accept(packet, new RadiusServerOptions("r", IPAddress.Loopback, Secret), Authenticator), out var read, out error);
        return read;
    }
}
