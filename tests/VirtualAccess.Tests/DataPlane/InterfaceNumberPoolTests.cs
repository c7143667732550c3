using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class InterfaceNumberPoolTests
{
    [Fact]
    public void SmallestFreeNumberFirstAfterItsRest()
    {
        var pool = new InterfaceNumberPool(1, 4, holdDown: 10);
        Assert.Equal([1, 2, 3], new[] { Take(0), Take(0), Take(0) });
        pool.Return(2, 5);
        pool.Return(1, 6);
        pool.Return(1, 6);
        Assert.Equal(4, Take(7));
        Assert.Equal(1, Take(16));
        Assert.Equal(2, Take(16));
        Assert.False(pool.TryTake(16, out _));
        pool.Return(3, 20);
        Assert.Equal(3, Take(21));
        Assert.Equal(4, pool.Taken);

        int Take(long now) => pool.TryTake(now, out var number) ? number : -1;
    }

    [Fact]
    public void ANumberThatIsKnownIsTakenOnceAndThoseBelowItStayFree()
    {
        var pool = new InterfaceNumberPool(1, 4, holdDown: 10);
        Assert.True(pool.TryTakeKnown(3));
        Assert.False(pool.TryTakeKnown(3));
        Assert.False(pool.TryTakeKnown(0));
        Assert.False(pool.TryTakeKnown(5));
        Assert.Equal([1, 2, 4], new[] { Take(), Take(), Take() });
        pool.Return(3, 0);
        Assert.False(pool.TryTakeKnown(3));
        Assert.Equal(3, pool.Taken);

        int Take() => pool.TryTake(0, out var number) ? number : -1;
    }
}
