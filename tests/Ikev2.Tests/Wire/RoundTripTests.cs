using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>Whatever we write, we read back as the same.</summary>
public sealed class RoundTripTests
{
    private static Gen<byte> Octet => Gen.Choose(0, 255).Select(value => (byte)value);

    private static Gen<IkePayload> AnyPayload => Gen.OneOf(
        from proposals in Many(AnyProposal, 1, 4) select (IkePayload)new SaPayload(proposals),
        from @group in Word from value in Octets(1, 200) select (IkePayload)new KeyExchangePayload(@group, value),
        from side in Flag from value in Octets(1, 60) select (IkePayload)new IdPayload(side, IdType.KeyId, value),
        from encoding in Octet from value in Octets(1, 300) select (IkePayload)new CertificatePayload(new(encoding), value),
        from encoding in Octet from value in Octets(0, 60) select (IkePayload)new CertificateRequestPayload(new(encoding), value),
        from method in Octet from value in Octets(1, 300) select (IkePayload)new AuthenticationPayload(new(method), value),
        from value in Octets(16, 256) select (IkePayload)new NoncePayload(value),
        AnyNotify,
        from spis in Many(Word, 1, 5) select (IkePayload)DeletePayload.ForEsp([.. spis.Select(spi => (uint)spi)]),
        Gen.Constant((IkePayload)DeletePayload.ForIkeSa()),
        from value in Octets(0, 40) select (IkePayload)new VendorIdPayload(value),
        from side in Flag from selectors in Many(AnySelector, 1, 4) select (IkePayload)new TrafficSelectorPayload(side, selectors),
        from type in Octet from attributes in Many(AnyAttribute, 0, 6) select (IkePayload)new ConfigurationPayload(new(type), attributes),
        from value in Octets(4, 100) select (IkePayload)new EapPayload(value),
        from type in Gen.Choose(55, 255) from value in Octets(0, 40) select (IkePayload)new UnknownPayload(new((byte)type), false, value));

    private static Gen<IkePayload> AnyNotify =>
        from protocol in Octet
        from spi in Octets(0, 8)
        from type in Word
        from value in Octets(0, 60)
        select (IkePayload)new NotifyPayload(new(protocol), spi, new(type), value);

    private static Gen<Proposal> AnyProposal =>
        from number in Octet
        from protocol in Gen.Choose(1, 3)
        from spi in Octets(0, 8)
        from transforms in Many(AnyTransform, 1, 6)
        select new Proposal(number, new ProtocolId((byte)protocol), spi, transforms);

    private static Gen<Transform> AnyTransform =>
        from type in Octet from id in Word from bits in Word select new Transform(new TransformType(type), id, bits);

    private static Gen<ConfigurationAttribute> AnyAttribute =>
        from type in Gen.Choose(0, 0x7fff) from value in Octets(0, 20) select new ConfigurationAttribute(new((ushort)type), value);

    private static Gen<TrafficSelector> AnySelector =>
        from size in Gen.Elements(4, 16)
        from octets in Octets(size, size)
        from bits in Gen.Choose(0, size * 8)
        from protocol in Octet
        from port in Word
        select TrafficSelector.FromNetwork(Masked(octets, bits)) with { Protocol = protocol, StartPort = port };

    private static Gen<ushort> Word => Gen.Choose(0, 65535).Select(value => (ushort)value);

    private static Gen<bool> Flag => Gen.Elements(false, true);

    [Fact]
    public void PayloadsSurviveWritingAndReading() =>
        Prop.ForAll(Many(AnyPayload, 0, 12).ToArbitrary(), payloads =>
        {
            byte[] datagram = UnprotectedMessage.Write(
                new IkeHeader(new IkeSpi(1), new IkeSpi(2), default, 2, 0, ExchangeType.IkeAuth, IkeHeaderFlags.Initiator, 1, 0), payloads);
            Assert.True(IkeHeader.TryRead(datagram, out IkeHeader header, out WireError error), error.ToString());
            Assert.True(UnprotectedMessage.TryParse(datagram, header, out IkeMessage? message, out error), error.ToString());
            Assert.Equal(payloads.Select(payload => payload.Type), message.Payloads.Select(payload => payload.Type));
            Assert.Equal(datagram, UnprotectedMessage.Write(header, message.Payloads));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void AnyOctetsAreRefusedOrRead() =>
        Prop.ForAll(Octets(0, 200).ToArbitrary(), Gen.Choose(33, 54).ToArbitrary(), (octets, type) =>
        {
            bool accepted = PayloadChain.TryParse(new PayloadType((byte)type), octets, out IkePayload[]? payloads, out WireError error);
            Assert.Equal(accepted, payloads is not null);
            Assert.Equal(accepted, error.Code == WireErrorCode.None);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void IntersectionIsWithinBothSides() =>
        Prop.ForAll(AnySelector.ToArbitrary(), AnySelector.ToArbitrary(), (left, right) =>
        {
            bool meet = left.TryIntersect(right, out TrafficSelector both);
            Assert.Equal(meet, right.TryIntersect(left, out TrafficSelector reverse));
            if (!meet) return;
            Assert.Equal(both, reverse);
            Assert.True(left.Contains(both) && right.Contains(both));
        }).QuickCheckThrowOnFailure();

    private static Gen<T[]> Many<T>(Gen<T> one, int least, int most) =>
        from count in Gen.Choose(least, most) from list in one.ArrayOf(count) select list;

    private static Gen<byte[]> Octets(int least, int most) => Many(Octet, least, most);

    private static IPNetwork Masked(byte[] octets, int bits)
    {
        for (int i = bits; i < octets.Length * 8; i++) octets[i / 8] &= (byte)~(0x80 >> (i % 8));
        return new IPNetwork(new IPAddress(octets), bits);
    }
}
