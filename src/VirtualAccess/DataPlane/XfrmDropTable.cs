using System.Collections.Immutable;
using System.Globalization;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The kernel's own counts of IPsec packets that it dropped (xfrm_stat), under our reasons.</summary>
internal static class XfrmDropTable
{
    private const string StatisticsFile = "/proc/thread-self/net/xfrm_stat";

    public static ImmutableArray<long> Read()
    {
        var counts = new long[Enum.GetValues<EspDrop>().Length];
        if (!File.Exists(StatisticsFile)) return [.. counts];
        foreach (var line in File.ReadLines(StatisticsFile))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 2 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count)) counts[(int)Translate(words[0])] += count;
        }

        counts[(int)EspDrop.None] = 0;
        return [.. counts];
    }

    public static ImmutableArray<long> Difference(ImmutableArray<long> before, ImmutableArray<long> after) => [.. after.Select((count, index) => Math.Max(0, count - before[index]))];

    private static EspDrop Translate(string name) => name switch
    {
        "XfrmInHdrError" or "XfrmInBufferError" => EspDrop.Malformed,
        "XfrmInNoStates" => EspDrop.UnknownSpi,
        "XfrmInStateProtoError" => EspDrop.AuthenticationFailed,
        "XfrmInStateSeqError" => EspDrop.Replay,
        "XfrmInStateModeError" => EspDrop.UnsupportedNextHeader,
        "XfrmInTmplMismatch" or "XfrmInNoPols" or "XfrmInPolBlock" or "XfrmInPolError" or "XfrmInStateMismatch" => EspDrop.InboundSelector,
        "XfrmOutPolBlock" or "XfrmOutPolDead" or "XfrmOutPolError" => EspDrop.OutboundSelector,
        "XfrmOutNoStates" or "XfrmOutStateInvalid" or "XfrmOutStateExpired" => EspDrop.NoOutboundSa,
        "XfrmOutStateSeqError" => EspDrop.SequenceExhausted,
        "XfrmOutError" or "XfrmOutBundleGenError" or "XfrmOutStateProtoError" or "XfrmOutStateModeError" => EspDrop.SendFailed,
        _ => EspDrop.None,
    };
}
