using System.Diagnostics;
using System.Globalization;
using System.Net;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

public sealed class InterfaceTests : IDisposable
{
    private readonly NetworkNamespace space = new("i");

    public InterfaceTests()
    {
        space.AddStub("lan0", "10.10.0.1/24", "2001:db8:10::1/64");
    }

    public void Dispose() => space.Dispose();

    [FactAsRoot]
    public void CreatesWhatTheTemplateSaysAndRemovesAllOfIt()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        var before = space.Snapshot();
        Assert.Null(gateway.Create(7, ["10.99.0.7", "2001:db8:99::7"], null, EspEncapsulation.Udp, 0, "ip unnumbered lan0", "ipv6 unnumbered lan0", "ip mtu 1200", "description Alice's laptop"));
        var link = space.Ip("-d addr show dev vi7");
        Assert.Contains("mtu 1280", link, StringComparison.Ordinal);
        Assert.Contains("inet 10.10.0.1/32", space.Ip("addr show dev vilent0"), StringComparison.Ordinal);
        Assert.Contains("inet6 2001:db8:10::1/128", link, StringComparison.Ordinal);
        Assert.DoesNotContain("fe80", link, StringComparison.Ordinal);
        Assert.Contains("alias headend test: alice - Alice's laptop", link, StringComparison.Ordinal);
        Assert.Contains("10.99.0.7 dev vi7 proto 201 scope link src 10.10.0.1 mtu 1200", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("2001:db8:99::7 dev vi7 proto 201", space.Ip("-6 route"), StringComparison.Ordinal);
        Assert.True(gateway.Plane.TryAddRoutes(gateway.Session, [IPNetwork.Parse("10.55.0.0/24")], out _));
        Assert.True(gateway.Plane.TryAddRoutes(gateway.Session, [new InterfaceRoute(IPNetwork.Parse("10.57.0.0/24"), 20, 5), new InterfaceRoute(IPNetwork.Parse("2001:db8:57::/48"), 30)], out _));
        Assert.Contains("10.57.0.0/24 dev vi7 proto 201 scope link src 10.10.0.1 metric 20 realm 5 mtu 1200", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("2001:db8:57::/48 dev vi7 proto 201 metric 30", space.Ip("-6 route"), StringComparison.Ordinal);
        Assert.False(gateway.Plane.TryAddRoutes(gateway.Session, [IPNetwork.Parse("10.56.0.0/24"), IPNetwork.Parse("10.55.0.0/24")], out var failure));
        Assert.Equal("route 10.55.0.0/24: EEXIST (File exists)", failure!.ToString());
        Assert.DoesNotContain("10.56.0.0", space.Ip("route"), StringComparison.Ordinal);
        Assert.True(gateway.Plane.RemoveInterface(gateway.Session, out _));
        Assert.False(gateway.Plane.RemoveInterface(gateway.Session, out _));
        Assert.DoesNotContain("10.99.0.7", space.Ip("route"), StringComparison.Ordinal);
        gateway.WaitForDeletions();
        Assert.Equal(before, space.Snapshot());
    }

    [FactAsRoot]
    public void RoutesSurviveALenderThatLosesItsAddress()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "ip unnumbered lan0"));
        Assert.Null(gateway.Create(8, ["10.99.0.8"], null, EspEncapsulation.Udp, 0, "ip unnumbered lan0"));
        Assert.True(gateway.Plane.RemoveInterface(gateway.Session, out _));
        space.Ip("addr flush dev lan0");
        Assert.Contains("10.99.0.7 dev vi7 proto 201 scope link src 10.10.0.1", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("local 10.10.0.1 dev vilent0", space.Ip("route show table local"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void AClientWithoutIpv6GetsAnInterfaceWithoutIpv6UntilARouteNeedsIt()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0));
        Assert.DoesNotContain("vi7", space.Ip("-6 route show table all"), StringComparison.Ordinal);
        Assert.True(space.Do(() => gateway.Plane.TryAddRoutes(gateway.Session, [IPNetwork.Parse("2001:db8:55::/64")], out _)));
        Assert.Contains("2001:db8:55::/64 dev vi7 proto 201", space.Ip("-6 route"), StringComparison.Ordinal);
        Assert.DoesNotContain("fe80", space.Ip("addr show dev vi7"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void AFailedStepIsNamedAndLeavesNothing()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        var before = space.Snapshot();
        Assert.Equal("ip unnumbered nope0: no such interface", gateway.Create(1, ["10.99.0.1"], null, EspEncapsulation.Udp, 0, "ip unnumbered nope0")?.ToString());
        Assert.Equal("route 10.99.0.1/32: EEXIST (File exists)", gateway.Create(1, ["10.99.0.1", "10.99.0.1"], null, EspEncapsulation.Udp, 0)?.ToString());
        Assert.Equal(before, space.Snapshot());
        space.Ip("tuntap add dev vi1 mode tun");
        Assert.StartsWith("create vi1: EBUSY", gateway.Create(1, ["10.99.0.1"], null, EspEncapsulation.Udp, 0)?.ToString(), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void CleanUpTakesOwnLeftoversOnly()
    {
        foreach (var name in new[] { "vi3", "vi4", "vi5", "other0" }) space.Ip($"tuntap add dev {name} mode tun");
        space.Ip("link set vi3 alias 'headend test: bob'");
        space.Ip("link set vi4 alias 'headend another: bob'");
        space.Ip("link set other0 alias 'headend test: bob'");
        using var gateway = new Gateway(space, "10.10.0.1");
        Assert.Equal("vi3", Assert.Single(gateway.RemovedLeftovers));
        var links = space.Ip("-br link");
        Assert.DoesNotContain("vi3", links, StringComparison.Ordinal);
        foreach (var name in new[] { "vi4", "vi5", "other0", "lan0" }) Assert.Contains(name, links, StringComparison.Ordinal);
    }

    /// <summary>The device is not persistent: it goes with the last descriptor, also when the process is killed.</summary>
    [FactAsRoot(Needs = "/usr/bin/python3")]
    public void AKilledProcessLeavesNoInterface()
    {
        var before = space.Snapshot();
        var script = "import fcntl,struct,sys,time\nf=open('/dev/net/tun','r+b',buffering=0)\n"
            + "fcntl.ioctl(f,0x400454ca,struct.pack('16sH22x',b'vi9',0x9001))\nprint('up',flush=True)\ntime.sleep(60)\n";
        using var process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", space.Name, "/usr/bin/python3", "-c", script]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        Assert.Equal("up", process.StandardOutput.ReadLine());
        space.Ip("link set vi9 up");
        space.Ip("route add 10.99.0.9/32 dev vi9 proto 201");
        Assert.Contains("vi9", space.Ip("-br link"), StringComparison.Ordinal);
        process.Kill();
        process.WaitForExit();
        // The kernel takes the device down behind the process's end.
        SpinWait.SpinUntil(() => space.Snapshot() == before, TimeSpan.FromSeconds(20));
        Assert.Equal(before, space.Snapshot());
    }

    [FactAsRoot]
    public void ManyInterfacesComeAndGo()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        var before = space.Snapshot();
        var handles = new List<SessionHandle>();
        var watch = Stopwatch.StartNew();
        for (var i = 1; i <= 200; i++)
        {
            Assert.Null(gateway.Create(i, [$"10.99.1.{i}"], null, EspEncapsulation.Udp, 0, "ip unnumbered lan0", "ip mtu 1400"));
            handles.Add(gateway.Session);
        }

        var created = watch.Elapsed;
        watch.Restart();
        foreach (var handle in handles) Assert.True(gateway.Plane.RemoveInterface(handle, out _));
        gateway.WaitForDeletions();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"200 interfaces: create {created.TotalMilliseconds / 200:F2} ms, delete {watch.Elapsed.TotalMilliseconds / 200:F2} ms each"));
        Assert.Equal(before, space.Snapshot());
    }

    [FactAsRoot]
    public void EveryStepOfALongBatchIsAnswered()
    {
        using var netlink = space.Do(() => new NetlinkSocket());
        var results = netlink.Execute([.. Enumerable.Range(0, 3000).Select(i => new NetlinkStep("delete nothing", NetlinkCodec.DeleteLink(1_000_000 + i)))]);
        Assert.All(results, static errno => Assert.Equal(Errno.ENODEV, errno));
    }
}
