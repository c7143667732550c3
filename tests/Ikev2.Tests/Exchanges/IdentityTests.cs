using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Exchanges;

public class IdentityTests
{
    /// <summary>The initiator's identity is described before anybody is authenticated: no octets of it may throw.</summary>
    [Fact]
    public void NoDistinguishedNameThrows()
    {
        var valid = new X500DistinguishedName("CN=alice, OU=Vertrieb + O=Beispiel GmbH, C=DE, E=alice@example.com, 1.2.3.4.5=#0403010203").RawData;
        var random = new Random(1);
        byte[] tags = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x14, 0x16, 0x1c, 0x1e, 0x30, 0x31, 0x80, 0xff];
        for (var i = 0; i < 100_000; i++)
        {
            var octets = (byte[])valid.Clone();
            for (var changes = 1 + random.Next(4); changes > 0; changes--)
                octets[random.Next(octets.Length)] = random.Next(2) == 0 ? tags[random.Next(tags.Length)] : (byte)random.Next(256);
            var cut = random.Next(4) == 0 ? random.Next(octets.Length) : octets.Length;
            Assert.NotNull(new IkeIdentity(IdType.DerAsn1Dn, octets.AsSpan(0, cut)).Text);
        }
    }
}
