using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Radius;

public sealed class RadiusPacketTests
{
    private static readonly byte[] Nonce = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];

    [Theory]
    [InlineData("", RadiusError.TooShort)]
    [InlineData("01000014000000000000000000000000000000", RadiusError.TooShort)]
    [InlineData("0100001300000000000000000000000000000000", RadiusError.BadLength)]
    [InlineData("0100100100000000000000000000000000000000", RadiusError.BadLength)]
    [InlineData("0100001500000000000000000000000000000000", RadiusError.TooShort)]
    [InlineData("010000150000000000000000000000000000000001", RadiusError.BadAttributeLength)]
    [InlineData("01000016000000000000000000000000000000000100", RadiusError.BadAttributeLength)]
    [InlineData("01000016000000000000000000000000000000000101", RadiusError.BadAttributeLength)]
    [InlineData("01000016000000000000000000000000000000000103", RadiusError.BadAttributeLength)]
    [InlineData("0100001a00000000000000000000000000000000 1a0600000009", RadiusError.BadVendorSpecific)]
    [InlineData("0100001600000000000000000000000000000000 5002", RadiusError.MalformedMessageAuthenticator)]
    public void Malformed_packets_are_refused(string hex, RadiusError expected)
    {
        Assert.False(RadiusPacket.TryParse(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out _, out var error));
        Assert.Equal(expected, error);
    }

    [Fact]
    public void Octets_behind_the_length_are_padding()
    {
        // RFC 2865 3: "Octets outside the range of the Length field MUST be treated as padding and ignored on reception."
        var packet = Wire.Parse([.. Wire.Packet(2, 9, new byte[16], Wire.Attribute(25, 1, 2)), 0xFF, 0x00]);
        Assert.Equal(24, packet.Octets.Length);
        Assert.Single(Wire.List(packet));
    }

    [Fact]
    public void Two_message_authenticators_are_one_too_many()
    {
        var twice = Wire.Packet(2, 9, new byte[16], Wire.Attribute(80, new byte[16]), Wire.Attribute(80, new byte[16]));
        Assert.False(RadiusPacket.TryParse(twice, out _, out var error));
        Assert.Equal(RadiusError.MalformedMessageAuthenticator, error);
    }

    [Fact]
    public void Unknown_attributes_and_the_order_of_all_are_kept()
    {
        byte[] types = [250, 25, 1, 25, 33, 199, 33, 0];
        var packet = Wire.Parse(Wire.Packet(2, 9, new byte[16], [.. types.Select((type, i) => Wire.Attribute(type, (byte)i, 0xFF))]));
        var list = Wire.List(packet);
        Assert.Equal(types, list.Select(a => a.Type.Value));
        Assert.Equal(types.Select((_, i) => (byte)i), list.Select(a => a.Value.Span[0]));
        Assert.Equal("Attr-250", list[0].Type.ToString());
        Assert.Equal("Class", list[1].Type.ToString());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(253, 1)]
    [InlineData(254, 2)]
    [InlineData(506, 2)]
    [InlineData(1500, 6)]
    public void Eap_packets_are_split_at_253_octets_and_joined_in_order(int length, int attributes)
    {
        // RFC 3579 3.1: "If multiple EAP-Message attributes are contained within an Access-Request or Access-Challenge packet, they MUST be in order"
        var eap = new byte[length];
        for (var i = 0; i < length; i++) eap[i] = (byte)(i * 31 >> 3);
        var packet = Wire.Encode(new RadiusRequest(RadiusCode.AccessRequest).AddEapMessage(eap), RadiusSecret.FromText("s"), Nonce);
        Assert.Equal(attributes, Wire.List(packet).Count(a => a.Type == RadiusAttributeType.EapMessage));
        Assert.Equal(eap, packet.GetEapMessage());
        Assert.Null(Wire.Parse(Wire.Packet(2, 1, new byte[16])).GetEapMessage());
    }

    [Fact]
    public void Requests_carry_the_message_authenticator_first_and_it_verifies()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var packet = Wire.Encode(new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, "alice"), secret, Nonce);
        Assert.Equal(RadiusAttributeType.MessageAuthenticator, Wire.List(packet)[0].Type);
        Assert.Equal(Nonce, packet.Authenticator.ToArray());
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(packet, secret, requireMessageAuthenticator: true));
        using var other = RadiusSecret.FromText("testing124");
        Assert.Equal(RadiusError.BadMessageAuthenticator, RadiusAuthenticatorCodec.VerifyRequest(packet, other, true));
    }

    [Fact]
    public void Vendor_attributes_are_walked_across_several_of_type_26()
    {
        var packet = Wire.Parse(Wire.Packet(
            2, 9, new byte[16],
            Wire.CiscoPair("a=1"),
            Wire.Vendor(311, 28, [10, 0, 0, 1]),
            Wire.Attribute(26, 0, 0, 0, 9, 1, 5, (byte)'b', (byte)'=', (byte)'2', 1, 5, (byte)'c', (byte)'=', (byte)'3'),
            Wire.CiscoPair("d=4")));
        Assert.Equal(["a=1", "b=2", "c=3", "d=4"], Wire.CiscoPairs(packet));
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 9, 1 })]
    [InlineData(new byte[] { 0, 0, 0, 9, 1, 0, 65 })]
    [InlineData(new byte[] { 0, 0, 0, 9, 1, 1, 65 })]
    [InlineData(new byte[] { 0, 0, 0, 9, 1, 4, 65 })]
    [InlineData(new byte[] { 0, 0, 0, 9, 1, 3, 65, 1 })]
    public void A_malformed_vendor_list_yields_nothing_and_ends(byte[] value)
    {
        var packet = Wire.Parse(Wire.Packet(2, 9, new byte[16], Wire.Attribute(26, value), Wire.CiscoPair("x=1")));
        Assert.Equal(["x=1"], Wire.CiscoPairs(packet));
        Assert.Equal(value, Wire.List(packet)[0].Value.ToArray());
    }

    [Fact]
    public void Any_octets_are_parsed_or_refused_without_exception()
    {
        Prop.ForAll<byte[], byte[]>((head, tail) =>
        {
            byte[] datagram = [2, 1, 0, (byte)Math.Min(255, 20 + tail.Length), .. new byte[16], .. tail];
            foreach (var octets in new[] { head, datagram })
            {
                if (!RadiusPacket.TryParse(octets, out var packet, out _)) continue;
                var total = 20;
                foreach (var attribute in packet.Attributes)
                {
                    total += 2 + attribute.Value.Length;
                    attribute.TryGetText(out _);
                    attribute.TryGetIpv6Prefix(out _);
                    attribute.SplitTag();
                }
                foreach (var attribute in packet.VendorAttributes(RadiusVendor.Cisco)) attribute.TryGetText(out _);
                if (total != packet.Octets.Length) return false;
            }
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Attribute_lists_survive_the_round_trip()
    {
        using var secret = RadiusSecret.FromText("testing123");
        Prop.ForAll<(byte Type, byte[] Value)[]>(attributes =>
        {
            var request = new RadiusRequest(RadiusCode.AccessRequest);
            var expected = attributes.Where(a => a.Value is { Length: > 0 and <= 253 } && a.Type is not (26 or 80)).ToArray();
            foreach (var (type, value) in expected) request.Add(new RadiusAttributeType(type), value);
            if (request.Error is not null) return true;
            var list = Wire.List(Wire.Encode(request, secret, Nonce)).Skip(1).ToArray();
            return list.Length == expected.Length && list.Zip(expected).All(p => p.First.Type.Value == p.Second.Type && p.First.Value.Span.SequenceEqual(p.Second.Value));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public void What_does_not_fit_is_an_error_of_the_request_and_no_exception()
    {
        Assert.Contains("User-Name has 300 octets", new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, new string('x', 300)).Error, StringComparison.Ordinal);
        Assert.Contains("EAP-Message does not fit", new RadiusRequest(RadiusCode.AccessRequest).AddEapMessage(new byte[4090]).Error, StringComparison.Ordinal);
        Assert.Contains("User-Password has 129", new RadiusRequest(RadiusCode.AccessRequest).AddUserPassword(new byte[129]).Error, StringComparison.Ordinal);
        Assert.Null(new RadiusRequest(RadiusCode.AccessRequest).AddEapMessage(new byte[4000]).Error);
    }

    [Fact]
    public void Tagged_attributes_have_a_tag_only_up_to_0x1F()
    {
        // RFC 2868 3.3: "If the value of the Tag field is greater than 0x1F, it SHOULD be interpreted as the first byte of the following String field."
        var tagged = new RadiusAttribute(RadiusAttributeType.TunnelClientEndpoint, new byte[] { 0x1F, 0x41 }).SplitTag();
        Assert.Equal((0x1F, "A"), (tagged.Tag, Encoding.ASCII.GetString(tagged.Value.Span)));
        var untagged = new RadiusAttribute(RadiusAttributeType.TunnelClientEndpoint, Encoding.ASCII.GetBytes("198.51.100.1")).SplitTag();
        Assert.Equal((0, "198.51.100.1"), (untagged.Tag, Encoding.ASCII.GetString(untagged.Value.Span)));
        Assert.True(new RadiusAttribute(RadiusAttributeType.TunnelType, new byte[] { 1, 0, 0, 9 }).TryGetTaggedInteger(out var tag, out var value));
        Assert.Equal((1, 9u), (tag, value));
    }

    [Theory]
    [InlineData("0040", false)]
    [InlineData("0000", true)]
    [InlineData("002020010db8", true)]
    [InlineData("004020010db8000000", false)]
    [InlineData("008120010db8000000000000000000000000", false)]
    [InlineData("002020010db80001", false)]
    [InlineData("00", false)]
    public void Ipv6_prefixes_follow_RFC_3162(string hex, bool valid)
        => Assert.Equal(valid, new RadiusAttribute(RadiusAttributeType.FramedIpv6Prefix, Convert.FromHexString(hex)).TryGetIpv6Prefix(out _));

    [Theory]
    [InlineData("c3a4", true)]
    [InlineData("ff", false)]
    [InlineData("410a42", false)]
    public void Text_is_strict_utf8_without_control_characters(string hex, bool valid)
        => Assert.Equal(valid, new RadiusAttribute(RadiusAttributeType.UserName, Convert.FromHexString(hex)).TryGetText(out _));
}
