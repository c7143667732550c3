using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Interface ids of a headend's sessions, which its states and policies carry: 12 bits of the state id, never all zero, and the number of the interface. Two headends on
/// one machine differ in the upper bits; where they do not, the kernel refuses the second one's interface.
/// </summary>
public static class XfrmMark
{
    private const int NumberBits = 20;

    /// <summary>Steps in one datagram.</summary>
    private const int Piece = 64;

    internal static bool TryGetId(string stateId, int number, out uint interfaceId)
    {
        interfaceId = Prefix(stateId) << NumberBits | (uint)number;
        return number >> NumberBits == 0;
    }

    /// <summary>Takes away states and policies of a killed run with the same state id; everybody else's stay. For whichever data plane comes after it.</summary>
    public static void RemoveLeftovers(string stateId)
    {
        NetlinkSocket xfrm;
        try
        {
            xfrm = new NetlinkSocket(Xfrm.NETLINK_XFRM);
        }
        catch (IOException)
        {
            // A kernel without IPsec has kept nothing of it.
            return;
        }

        using (xfrm)
        using (var links = new NetlinkSocket())
            RemoveLeftovers(xfrm, FindLinks(links), stateId);
    }

    /// <summary>
    /// Whether a state or policy is what an earlier run left. Twelve bits are shared by one headend in some thousand, and other programs number interfaces as they like: the
    /// interface's mark decides, and where the interface is gone, that only we give the interface's id as reqid, too.
    /// </summary>
    /// <param name="interfaceId">That it carries.</param>
    /// <param name="requestId">That it carries.</param>
    /// <param name="links">Alias of each xfrm link by its id.</param>
    /// <param name="stateId">Ours.</param>
    internal static bool IsLeftover(uint interfaceId, uint requestId, IReadOnlyDictionary<uint, string> links, string stateId) =>
        interfaceId >> NumberBits == Prefix(stateId) && requestId == interfaceId
        && (!links.TryGetValue(interfaceId, out var alias) || alias.StartsWith(InterfaceMark.Prefix(stateId), StringComparison.Ordinal));

    private static Dictionary<uint, string> FindLinks(NetlinkSocket netlink)
    {
        var links = new Dictionary<uint, string>();
        netlink.Dump(NetlinkCodec.DumpLinks(), (type, body) =>
        {
            if (type == Rtnetlink.RTM_NEWLINK && XfrmLinkCodec.ReadInterfaceId(body) is not 0 and var id && NetlinkCodec.TryReadLink(body, out var link)) links[id] = link.Alias;
        });
        return links;
    }

    private static void RemoveLeftovers(NetlinkSocket xfrm, Dictionary<uint, string> links, string stateId)
    {
        var steps = new List<NetlinkStep>();
        xfrm.Dump(XfrmCodec.DumpSas(), (_, body) =>
        {
            if (XfrmCodec.TryReadSa(body, out var report) && IsLeftover(report.InterfaceId, report.RequestId, links, stateId))
                steps.Add(new NetlinkStep(string.Create(CultureInfo.InvariantCulture, $"no SA {report.Spi:x8}"), XfrmCodec.DeleteSa(report.Destination, report.Spi)));
        });
        xfrm.Dump(XfrmCodec.DumpPolicies(), (_, body) =>
        {
            if (XfrmCodec.TryReadPolicy(body, out var interfaceId, out var requestId) && IsLeftover(interfaceId, requestId, links, stateId))
                steps.Add(new NetlinkStep("no policy", XfrmCodec.DeletePolicy(body, interfaceId)));
        });
        xfrm.Forget();
        foreach (var piece in steps.Chunk(Piece)) xfrm.Execute(piece);
    }

    private static uint Prefix(string stateId)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(stateId), hash);
        return (uint)(((hash[0] << 8) | hash[1]) & 0xfff) | 1;
    }
}
