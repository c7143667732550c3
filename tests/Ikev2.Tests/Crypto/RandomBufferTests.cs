using Headend.Ikev2.Crypto;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class RandomBufferTests
{
    [Fact]
    public void NeverHandsOutTheSameOctetsTwice()
    {
        var seen = new HashSet<ulong>();
        var octets = new byte[16];
        for (var i = 0; i < 10_000; i++)
        {
            RandomBuffer.Fill(octets);
            Assert.True(seen.Add(BitConverter.ToUInt64(octets)));
            Assert.True(seen.Add(BitConverter.ToUInt64(octets, 8)));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(4000)]
    public void FillsAnyLengthToItsEnds(int length)
    {
        var touched = new bool[length + 2];
        for (var round = 0; round < 40; round++)
        {
            var octets = new byte[length + 2];
            RandomBuffer.Fill(octets.AsSpan(1, length));
            Assert.Equal((0, 0), (octets[0], octets[^1]));
            for (var i = 0; i < octets.Length; i++) touched[i] |= octets[i] != 0;
        }

        Assert.All(touched[1..^1], Assert.True);
    }
}
