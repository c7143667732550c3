using Headend.Configuration;
using Headend.Sessions;
using Headend.VirtualAccess.DataPlane;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Sessions;

/// <summary>A template is locked while interfaces are cloned from it: a change is for new sessions.</summary>
public sealed class VirtualTemplateStoreTests
{
    [Fact]
    public void A_change_waits_for_new_sessions()
    {
        var store = new VirtualTemplateStore([new VirtualTemplateOptions(1, ["ip mtu 1400"]), new VirtualTemplateOptions(2, [])]);
        var binding = TestSession.Binding with { Template = store.Find(1) };
        var table = new SessionTable();
        var standing = TestSession.Create("alice", binding: binding);
        standing.Handle = new SessionHandle(1);
        table.Add(standing);
        var admin = new InterfaceAdmin(table, null!, store, null!);
        Assert.Equal([(1, true, 0), (0, false, 0)], Shown(admin));

        store.Reload([new VirtualTemplateOptions(1, ["ip mtu 1400"]), new VirtualTemplateOptions(2, [])], table.All, NullLogger.Instance);
        Assert.Equal((1, true, 0), Shown(admin)[0]);

        store.Reload([new VirtualTemplateOptions(1, ["ip mtu 1300"])], table.All, NullLogger.Instance);
        Assert.Equal((1, true, 1), Shown(admin)[0]);
        Assert.Equal("ip mtu 1400", Assert.Single(standing.Template.Commands));

        var next = TestSession.Create("bob", binding: binding);
        next.Handle = new SessionHandle(2);
        table.Add(next);
        Assert.Equal("ip mtu 1300", Assert.Single(next.Template.Commands));
        Assert.Equal((2, true, 1), Shown(admin)[0]);

        table.Remove(standing, wasUp: false);
        Assert.Equal((1, true, 0), Shown(admin)[0]);
    }

    private static (int Active, bool Locked, int Before)[] Shown(InterfaceAdmin admin) =>
        [.. admin.DescribeTemplates().Select(t => (t.ActiveInterfaces, t.IsLocked, t.InterfacesBeforeChange))];
}
