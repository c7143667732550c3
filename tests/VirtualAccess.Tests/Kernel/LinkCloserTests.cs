using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

public sealed class LinkCloserTests
{
    [FactAsRoot]
    public void A_device_is_made_once_the_former_one_of_its_name_is_gone()
    {
        using var space = new NetworkNamespace("lc");
        using var held = new HeldDevice();
        using var netlink = space.Do(() => new NetlinkSocket());
        using var closer = space.Do(() => new LinkCloser());
        var target = new InterfaceTarget("vi7", 0);
        var first = space.Do(() => IfbDevice.TryCreate(netlink, closer, target, "test", out var made, out _) ? made : null);
        Assert.NotNull(first);

        // The thread of deletions is busy, so that the name is taken for sure.
        closer.Close(held);
        Assert.True(held.Reached.Wait(TimeSpan.FromSeconds(60)));
        closer.Close(first);
        IfbDevice? second = null;
        InterfaceFailure? failure = null;
        var making = new Thread(() => space.Do(() => IfbDevice.TryCreate(netlink, closer, target, "test", out second, out failure)));
        making.Start();
        Assert.False(making.Join(200));
        Assert.Contains($"{first.Index}: vi7-in", space.Ip("link"), StringComparison.Ordinal);

        // Another name waits for nobody.
        closer.WaitFor("vi8-in");
        held.Release.Set();
        Assert.True(making.Join(TimeSpan.FromSeconds(60)));
        Assert.Null(failure);
        Assert.NotEqual(first.Index, second!.Index);
        Assert.Contains($"{second.Index}: vi7-in", space.Ip("link"), StringComparison.Ordinal);
        closer.Close(second);
        closer.WaitIdle();
        Assert.DoesNotContain("vi7-in", space.Ip("link"), StringComparison.Ordinal);
    }

    private sealed class HeldDevice : IInterfaceDevice
    {
        public ManualResetEventSlim Reached { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public string Name => "held";

        public int Index => 0;

        /// <summary>By the closer first.</summary>
        public void Dispose()
        {
            Reached.Set();
            Release.Wait(TimeSpan.FromSeconds(60));
        }
    }
}
