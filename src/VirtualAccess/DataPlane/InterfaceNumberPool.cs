namespace Headend.VirtualAccess.DataPlane;

/// <summary>Hands out interface numbers, smallest free first; a number given back rests before it is used again, so that late packets,
/// counters and logs of two sessions do not mix. Thread-safe. Time is a parameter in any unit, as long as it is always the same.</summary>
public sealed class InterfaceNumberPool(int first, int last, long holdDown)
{
    private readonly Lock gate = new();
    private readonly SortedSet<int> free = [];
    private readonly HashSet<int> taken = [];
    private readonly Queue<(int Number, long Until)> resting = new();
    private readonly int lowest = first;
    private int next = first;

    public int Taken
    {
        get
        {
            lock (gate) return taken.Count;
        }
    }

    /// <summary>Takes a number. When only resting numbers are left, the one that rested longest is used.</summary>
    /// <returns>False when all are taken.</returns>
    public bool TryTake(long now, out int number)
    {
        lock (gate)
        {
            while (resting.TryPeek(out var rested) && rested.Until <= now) free.Add(resting.Dequeue().Number);
            if (free.Count > 0)
            {
                number = free.Min;
                free.Remove(number);
            }
            else if (next <= last) number = next++;
            else if (resting.TryDequeue(out var early)) number = early.Number;
            else
            {
                number = 0;
                return false;
            }

            taken.Add(number);
            return true;
        }
    }

    /// <summary>Takes this number, which a session of an earlier process has.</summary>
    /// <returns>False when it is taken already, or none of the pool's.</returns>
    public bool TryTakeKnown(int number)
    {
        lock (gate)
        {
            if (number < lowest || number > last || taken.Contains(number) || resting.Any(r => r.Number == number)) return false;
            for (; next <= number; next++) free.Add(next);
            free.Remove(number);
            taken.Add(number);
            return true;
        }
    }

    /// <summary>Gives a number back; one that is not taken is ignored.</summary>
    public void Return(int number, long now)
    {
        lock (gate)
        {
            if (taken.Remove(number)) resting.Enqueue((number, now + holdDown));
        }
    }
}
