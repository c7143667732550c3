using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Headend.Aaa.Addresses;

namespace Headend.Aaa.Tests.Addresses;

/// <summary>Random histories of a small pool against a model that is a plain table of all its addresses.</summary>
public sealed class AddressPoolPropertyTests
{
    private static readonly TimeSpan HoldDown = TimeSpan.FromSeconds(10);
    private static readonly AddressPoolOptions Options = new("p", ["10.0.1.1-10.0.1.6", "10.0.0.0/29"]) { Exclusions = ["10.0.0.3", "10.0.1.5"], HoldDown = HoldDown };

    [Fact]
    public void Never_two_holders_nothing_lost_own_address_first_and_hold_down_kept() =>
        Prop.ForAll<(byte Who, byte What)[]>(steps => new History().Holds(steps)).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(300));

    private sealed class History
    {
        private readonly ManualTimeProvider time = new();
        private readonly AddressPool pool;
        private readonly Dictionary<IPAddress, string> held = [];
        private readonly Dictionary<IPAddress, (string Identity, DateTimeOffset At)> returned = [];

        public History() => Assert.True(AddressPool.TryCreate(Options, time, out pool!, out _));

        public bool Holds((byte Who, byte What)[] steps)
        {
            foreach (var (who, what) in steps)
            {
                var fine = (what % 8) switch
                {
                    0 or 1 => Release(who),
                    2 => LeaseParticular($"u{who % 14}", new IPAddress([10, 0, (byte)(who % 2), (byte)(what % 9)])),
                    3 => Wait(TimeSpan.FromSeconds(who % 7)),
                    _ => Lease($"u{who % 14}"),
                };
                if (!fine || !Conserves()) return false;
            }
            return true;
        }

        private bool Wait(TimeSpan span)
        {
            time.Advance(span);
            return true;
        }

        private bool Release(byte which)
        {
            if (held.Count == 0) return true;
            var address = held.Keys.Order(Comparer<IPAddress>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()))).ElementAt(which % held.Count);
            returned[address] = (held[address], time.GetUtcNow());
            held.Remove(address);
            return pool.Release(address) && !pool.Release(address);
        }

        private bool LeaseParticular(string identity, IPAddress wanted)
        {
            var free = Members().Contains(wanted) && !held.ContainsKey(wanted);
            if (pool.TryLease(identity, wanted) != free) return false;
            if (free) Hold(identity, wanted);
            return true;
        }

        private bool Lease(string identity)
        {
            var own = returned.Where(r => r.Value.Identity == identity).Select(r => r.Key).ToHashSet();
            var available = Members().Where(m => !held.ContainsKey(m) && (!returned.TryGetValue(m, out var last) || IsRested(last) || last.Identity == identity)).ToHashSet();
            if (pool.TryLease(identity, out var address) != available.Count > 0) return false;
            if (address is null) return true;
            // Sticky: what rests for an identity is its before anything else.
            if (!available.Contains(address) || (own.Count > 0 && !own.Contains(address))) return false;
            // Least recently used: a stranger takes what was returned only where nothing fresh is left, and then the oldest.
            if (own.Count == 0 && returned.TryGetValue(address, out var taken)
                && (available.Any(a => !returned.ContainsKey(a)) || available.Any(a => returned[a].At < taken.At)))
            {
                return false;
            }
            Hold(identity, address);
            return true;
        }

        private void Hold(string identity, IPAddress address)
        {
            held.Add(address, identity);
            returned.Remove(address);
        }

        private bool IsRested((string Identity, DateTimeOffset At) last) => time.GetUtcNow() - last.At >= HoldDown;

        private bool Conserves()
        {
            var statistics = pool.GetStatistics();
            return statistics.Leased == held.Count
                && statistics.HeldDown == returned.Values.Count(r => !IsRested(r))
                && statistics.Free + statistics.Leased + statistics.HeldDown == statistics.Size
                && statistics.Size == Members().Count;
        }

        private static HashSet<IPAddress> Members() =>
            [.. new[] { 1, 2, 3, 4, 6 }.Select(i => IPAddress.Parse($"10.0.1.{i}")), .. new[] { 1, 2, 4, 5, 6 }.Select(i => IPAddress.Parse($"10.0.0.{i}"))];
    }
}
