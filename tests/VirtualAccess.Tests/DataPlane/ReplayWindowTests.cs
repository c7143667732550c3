using FsCheck;
using FsCheck.Fluent;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class ReplayWindowTests
{
    /// <summary>RFC 4303 3.4.3: "duplicates are rejected", numbers left of the window are rejected, all else is accepted; against a model that remembers everything.</summary>
    [Fact]
    public void BehavesLikeASetOfAllNumbersSeen()
    {
        var steps = Gen.Choose(-5000, 6000).ListOf(400);
        Check.QuickThrowOnFailure(Prop.ForAll(steps.ToArbitrary(), Gen.Elements(1, 2, 32, 63, 64, 65, 128, 1000, 1024, 4096).ToArbitrary(), (moves, size) =>
        {
            var window = new ReplayWindow(size);
            var seen = new HashSet<uint>();
            long highest = 0;
            foreach (var move in moves)
            {
                var number = (uint)Math.Clamp(highest + (move / 3), 0, uint.MaxValue);
                var expected = number != 0 && !seen.Contains(number) && (number > highest || highest - number < size);
                if (window.IsFresh(number) != expected) return false;
                if (!expected) continue;
                window.Accept(number);
                seen.Add(number);
                highest = Math.Max(highest, number);
            }

            return window.Highest == (ulong)highest;
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(4096)]
    public void EveryPositionOfTheWindowIsAcceptedOnce(int size)
    {
        const ulong Top = 100_000;
        for (var back = 0ul; back < (ulong)size + 70; back++)
        {
            var window = new ReplayWindow(size);
            window.Accept(Top);
            var number = Top - back;
            var expected = back > 0 && back < (ulong)size;
            Assert.Equal(expected, window.IsFresh(number));
            if (!expected) continue;
            window.Accept(number);
            Assert.False(window.IsFresh(number));
            Assert.Equal(Top, window.Highest);
        }
    }

    /// <summary>RFC 4303 A2.1: of all numbers with this low half the one that lies in the window or least ahead of it; the model tries them all.</summary>
    [Fact]
    public void ExtendsLikeASearchForTheNearestNumber()
    {
        var tops = Gen.Elements<ulong>(0, 1, 31, 4095, 4096, 0x7fff_ffff, 0xffff_f000, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0fff, 0x5_8000_0000, 0x7_ffff_ffff, 0xffff_fffe_0000_0010);
        var lows = Gen.Elements<uint>(0, 1, 31, 4094, 4095, 4096, 0x7fff_ffff, 0x8000_0000, 0xffff_f000, 0xffff_f001, 0xffff_ffff);
        Check.QuickThrowOnFailure(Prop.ForAll(tops.ToArbitrary(), lows.ToArbitrary(), Gen.Elements(1, 32, 64, 1024, 4096).ToArbitrary(), (top, low, size) =>
        {
            var window = new ReplayWindow(size);
            if (top > 0) window.Accept(top);
            var bottom = (Int128)top - size + 1;
            var nearest = (Int128)low + ((Int128)(top >> 32) << 32) - ((Int128)1 << 32);
            while (nearest < bottom) nearest += (Int128)1 << 32;
            var found = window.TryExtend(low, out var number);
            return nearest < 0 ? !found : found && number == (ulong)nearest;
        }));
    }

    [Fact]
    public void WorksUpToTheLastNumber()
    {
        var window = new ReplayWindow(1024);
        window.Accept(uint.MaxValue - 2000);
        window.Accept(uint.MaxValue);
        Assert.False(window.IsFresh(uint.MaxValue));
        Assert.True(window.IsFresh(uint.MaxValue - 1023));
        Assert.False(window.IsFresh(uint.MaxValue - 1024));
        Assert.False(window.IsFresh(1));
    }

    [Fact]
    public void SizeZeroTakesEverything()
    {
        var window = new ReplayWindow(0);
        window.Accept(7);
        Assert.True(window.IsFresh(7));
    }
}
