using System.Text;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The mark in the alias of our interfaces, <c>headend STATE: label</c>, and the clean-up by it.</summary>
internal static class InterfaceMark
{
    private const int MaximumLabel = 60;
    private const int MaximumAlias = 255;

    public static string Prefix(string stateId) => $"headend {stateId}: ";

    public static string Alias(string stateId, string label, string? description)
    {
        var text = new StringBuilder(Prefix(stateId));
        foreach (var c in label.AsSpan(0, Math.Min(label.Length, MaximumLabel))) text.Append(c is >= ' ' and <= '~' ? c : '?');
        if (description is not null) text.Append(" - ").Append(description);
        return Encoding.UTF8.GetByteCount(text.ToString()) <= MaximumAlias ? text.ToString() : text.ToString(0, Prefix(stateId).Length + Math.Min(label.Length, MaximumLabel));
    }

    /// <summary>Deletes the interfaces named viN, and the VRFs, that carry our mark; their addresses and routes go with them. Everybody else's stay.</summary>
    /// <returns>Names of the deleted interfaces.</returns>
    public static IReadOnlyList<string> RemoveLeftovers(NetlinkSocket netlink, InterfaceOptions options)
    {
        var found = new List<LinkRecord>();
        netlink.Dump(NetlinkCodec.DumpLinks(), (type, body) =>
        {
            if (type == Rtnetlink.RTM_NEWLINK && NetlinkCodec.TryReadLink(body, out var link) && IsOurs(link, options)) found.Add(link);
        });
        var results = netlink.Execute([.. found.Select(link => new NetlinkStep($"delete {link.Name}", NetlinkCodec.DeleteLink(link.Index), Errno.ENODEV))]);
        return [.. found.Where((_, i) => results[i] == 0).Select(link => link.Name)];
    }

    private static bool IsOurs(LinkRecord link, InterfaceOptions options) =>
        (link.Name.StartsWith("vi", StringComparison.Ordinal) || options.Vrfs.Any(v => v.Name == link.Name)) && link.Alias.StartsWith(Prefix(options.StateId), StringComparison.Ordinal);
}
