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

        using (xfrm) RemoveLeftovers(xfrm, stateId);
    }

    private static void RemoveLeftovers(NetlinkSocket xfrm, string stateId)
    {
        var prefix = Prefix(stateId);
        var steps = new List<NetlinkStep>();
        xfrm.Dump(XfrmCodec.DumpSas(), (_, body) =>
        {
            if (XfrmCodec.TryReadSa(body, out var report) && report.InterfaceId >> NumberBits == prefix)
                steps.Add(new NetlinkStep(string.Create(CultureInfo.InvariantCulture, $"no SA {report.Spi:x8}"), XfrmCodec.DeleteSa(report.Destination, report.Spi)));
        });
        xfrm.Dump(XfrmCodec.DumpPolicies(), (_, body) =>
        {
            if (XfrmCodec.TryReadPolicy(body, out var interfaceId) && interfaceId >> NumberBits == prefix)
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
