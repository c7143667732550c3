using System.Collections.Immutable;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Drops by reason; thread-safe.</summary>
internal sealed class DropTable
{
    private readonly long[] counts = new long[Enum.GetValues<EspDrop>().Length];

    public void Count(EspDrop drop) => Interlocked.Increment(ref counts[(int)drop]);

    public ImmutableArray<long> Snapshot()
    {
        var snapshot = new long[counts.Length];
        for (var i = 0; i < counts.Length; i++) snapshot[i] = Volatile.Read(ref counts[i]);
        return ImmutableArray.Create(snapshot);
    }
}
