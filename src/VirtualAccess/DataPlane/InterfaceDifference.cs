using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A step and its inverse.</summary>
internal readonly record struct ReversibleStep(NetlinkStep Step, NetlinkStep Undo);

/// <summary>What takes a standing interface from one request to another.</summary>
/// <param name="Coming">First: what is new or different.</param>
/// <param name="Going">Then: what is no more.</param>
internal sealed record InterfaceDifference(IReadOnlyList<ReversibleStep> Coming, IReadOnlyList<ReversibleStep> Going)
{
    public static InterfaceDifference Compute(InterfaceRequest from, InterfaceRequest to, LentAddresses standing, LentAddresses wanted, InterfaceOptions options, int index)
    {
        var old = InterfaceItem.Of(from, options, index, standing);
        var items = InterfaceItem.Of(to, options, index, wanted);
        var link = Link(from, to, options, index);
        // With its last IPv4 address a device loses its IPv4 routes.
        var losesRoutes = !from.Config.IpAddresses.IsEmpty && to.Config.IpAddresses.IsEmpty;
        return standing.Vrf == wanted.Vrf && from.Config.Shutdown is null == to.Config.Shutdown is null && !losesRoutes
            ? InPlace(old, items, link)
            : Anew(old, items, [.. Vrf(from, to, standing, wanted, index), .. link]);
    }

    public static bool SetsIPv4(InterfaceRequest request) => request.Config.VerifySource is not null || !request.Config.IpAddresses.IsEmpty;

    public static NetlinkStep IPv4Step(InterfaceRequest request, int index) =>
        new($"reverse path filter of {request.Device}", NetlinkCodec.SetIPv4(index, request.Config.VerifySource is not null));

    public static NetlinkStep VrfStep(InterfaceRequest request, int index, VrfBinding? vrf) =>
        new(request.Config.Vrf?.Command ?? $"no vrf forwarding of {request.Device}", VrfLinkCodec.SetMaster(index, vrf?.Index ?? 0));

    public static NetlinkStep LinkStep(InterfaceRequest request, InterfaceOptions options, int index)
    {
        var isUp = request.Config.Shutdown is null;
        var alias = InterfaceMark.Alias(options.StateId, request.Label, request.Config.Description?.Value);
        return new($"mtu and alias of {request.Device}, {request.Device} {(isUp ? "up" : "down")}", NetlinkCodec.SetLink(index, InterfacePlan.LinkMtu(request), alias, isUp));
    }

    private static List<ReversibleStep> Link(InterfaceRequest from, InterfaceRequest to, InterfaceOptions options, int index)
    {
        var steps = new List<ReversibleStep>();
        if (SetsIPv4(from) != SetsIPv4(to) || from.Config.VerifySource is null != to.Config.VerifySource is null) steps.Add(new(IPv4Step(to, index), IPv4Step(from, index)));
        var (before, after) = (LinkStep(from, options, index), LinkStep(to, options, index));
        if (!before.Message.AsSpan().SequenceEqual(after.Message)) steps.Add(new(after, before));
        return steps;
    }

    private static IEnumerable<ReversibleStep> Vrf(InterfaceRequest from, InterfaceRequest to, LentAddresses standing, LentAddresses wanted, int index)
    {
        if (standing.Vrf != wanted.Vrf) yield return new(VrfStep(to, index, wanted.Vrf), VrfStep(from, index, standing.Vrf));
    }

    private static InterfaceDifference InPlace(List<InterfaceItem> old, List<InterfaceItem> items, List<ReversibleStep> link)
    {
        var coming = new List<ReversibleStep>(link);
        foreach (var item in items)
        {
            var former = old.Find(o => o.Key == item.Key);
            if (former is null) coming.Add(new(item.Add, item.Remove));
            else if (!former.IsSame(item) && item.Replace is { } replace) coming.Add(new(replace, former.Replace!));
        }

        return new(coming, [.. old.Where(o => !items.Exists(i => i.Key == o.Key)).Reverse().Select(o => new ReversibleStep(o.Remove, o.Add))]);
    }

    /// <summary>The kernel drops routes, and some addresses, of a link that goes down, changes its VRF or loses its last address: they go before and come after.</summary>
    private static InterfaceDifference Anew(List<InterfaceItem> old, List<InterfaceItem> items, List<ReversibleStep> link) =>
        new([.. Enumerable.Reverse(old).Select(o => new ReversibleStep(o.Remove, o.Add)), .. link, .. items.Select(i => new ReversibleStep(i.Add, i.Remove))], []);
}
