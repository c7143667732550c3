using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Path MTU discovery of the outer path (RFC 4301 8.2). Reports come from anybody: they count for the address and port of a session that stands, with the SPI of one of its
/// SAs where the router has quoted it, only downwards and not below a bound, for ten minutes, and a limited number of them a second. Inner packets that do not fit are then
/// answered towards their sender by <see cref="TunReader"/>.
/// </summary>
public sealed partial class UserSpaceDataPlane
{
    /// <summary>RFC 1191 6.3, RFC 8201 4: ten minutes.</summary>
    private static readonly TimeSpan PathMtuAge = TimeSpan.FromMinutes(10);

    private long pathMtuSecond;
    private int pathMtuReports;

    private void OnPathMtu(PathMtuReport report)
    {
        var now = time.GetTimestamp();
        if (!MayLearnPathMtu(now)) return;
        var until = now + (long)(PathMtuAge.TotalSeconds * time.TimestampFrequency);
        peers.Learn(report, now, until);
    }

    private bool MayLearnPathMtu(long now)
    {
        var second = now / time.TimestampFrequency;
        if (Interlocked.Exchange(ref pathMtuSecond, second) != second) Volatile.Write(ref pathMtuReports, 0);
        return Interlocked.Increment(ref pathMtuReports) <= options.PathMtuReportsPerSecond;
    }
}
