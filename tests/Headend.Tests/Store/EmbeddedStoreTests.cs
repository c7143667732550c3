using System.Text;
using Headend.Aaa.Accounting;
using Headend.Store;
using Headend.Tests.Pki;

namespace Headend.Tests.Store;

/// <summary>The SQLite file itself: modes, locks, versions, damage, a full disk.</summary>
public sealed class EmbeddedStoreTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly TemporaryDirectory directory = new();

    private string File => Path.Combine(directory.Path, "headend.db");

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_file_and_its_log_are_the_owners_alone()
    {
        using var store = EmbeddedStore.Open(File, Now);
        store.UpdateSetting("epoch", _ => 1);
        foreach (var file in Directory.GetFiles(directory.Path))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(file));
        Assert.Contains(Directory.GetFiles(directory.Path), f => f.EndsWith("-wal", StringComparison.Ordinal));
        // Without shared memory there is nothing that a full disk could turn into SIGBUS.
        Assert.DoesNotContain(Directory.GetFiles(directory.Path), f => f.EndsWith("-shm", StringComparison.Ordinal));
    }

    [Fact]
    public void What_was_committed_is_there_after_a_crash_and_what_was_not_is_not()
    {
        using var store = EmbeddedStore.Open(File, Now);
        store.UpdateSetting("one", _ => 1);
        store.Begin();
        store.WriteSetting("two", 2);
        using var crashed = EmbeddedStore.Open(CopyAsACrashLeavesIt(), Now);
        Assert.Equal((1L, (long?)null), (crashed.ReadSetting("one"), crashed.ReadSetting("two")));
        Assert.Null(crashed.SetAside);
        store.RollBack();
        Assert.Null(store.ReadSetting("two"));
    }

    [Fact]
    public void A_second_process_is_told()
    {
        using var store = EmbeddedStore.Open(File, Now);
        var error = Assert.Throws<StoreException>(() => EmbeddedStore.Open(File, Now));
        Assert.True(error.IsBusy);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_newer_headend_is_not_touched()
    {
        using (var store = EmbeddedStore.Open(File, Now))
        {
            store.Begin();
            store.Statement("INSERT INTO schema_version (version) VALUES (99)").Execute();
            store.Commit();
        }
        var before = System.IO.File.ReadAllBytes(File);
        var error = Assert.Throws<StoreException>(() => EmbeddedStore.Open(File, Now));
        Assert.Contains("newer headend (schema version 99", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
    }

    [Theory]
    [InlineData(0)] // the header
    [InlineData(1)] // the first page behind it
    [InlineData(2)]
    [InlineData(5)]
    public void A_damaged_file_is_set_aside_and_a_fresh_one_begun(int page)
    {
        using (var store = EmbeddedStore.Open(File, Now))
        {
            var spool = new EmbeddedAccountingSpool(store);
            Assert.True(spool.TryCommit(new SpoolBatch([.. Enumerable.Range(1, 500).Select(i => Record(i))], [], [], [], Now), out _));
        }
        var octets = System.IO.File.ReadAllBytes(File);
        Assert.True(octets.Length > 7 * 4096);
        new Random(page).NextBytes(octets.AsSpan(page * 4096, 4096));
        System.IO.File.WriteAllBytes(File, octets);

        using (var store = EmbeddedStore.Open(File, Now))
        {
            Assert.Equal(File + ".damaged-20260102T030405Z", store.SetAside);
            Assert.Empty(new EmbeddedAccountingSpool(store).Load().Records);
            store.UpdateSetting("epoch", _ => 1);
        }
        Assert.Equal(octets, System.IO.File.ReadAllBytes(File + ".damaged-20260102T030405Z"));
        using var again = EmbeddedStore.Open(File, Now);
        Assert.Null(again.SetAside);
        Assert.Equal(1, again.ReadSetting("epoch"));
    }

    [Fact]
    public void A_text_file_is_set_aside_too()
    {
        System.IO.File.WriteAllText(File, string.Join('\n', Enumerable.Repeat("this is no database", 500)));
        using var store = EmbeddedStore.Open(File, Now);
        Assert.NotNull(store.SetAside);
        Assert.StartsWith("this is no database", System.IO.File.ReadAllText(store.SetAside), StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_is_a_failure_that_passes()
    {
        using var store = EmbeddedStore.Open(File, Now);
        var spool = new EmbeddedAccountingSpool(store);
        var batch = new SpoolBatch([.. Enumerable.Range(1, 500).Select(i => Record(i))], [], [], [], Now);
        SetMaximumPages(store, 10);
        Assert.False(spool.TryCommit(batch, out var failure));
        Assert.Contains("full", failure, StringComparison.Ordinal);
        Assert.Empty(spool.Load().Records);
        SetMaximumPages(store, 1_000_000);
        Assert.True(spool.TryCommit(batch, out _));
        Assert.Equal(500, spool.Load().Records.Count);
    }

    [Fact]
    public void A_directory_that_may_not_be_written_is_said()
    {
        var error = Assert.Throws<StoreException>(() => EmbeddedStore.Open("/proc/headend.db", Now));
        Assert.Contains("/proc/headend.db", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsCorruption);
    }

    [Fact]
    public void The_epoch_grows_even_when_the_clock_does_not()
    {
        var seen = new List<long>();
        foreach (var now in (long[])[100, 100, 50, 200])
        {
            using var store = EmbeddedStore.Open(File, Now);
            seen.Add(store.UpdateSetting("epoch", last => Math.Max(now, last + 1 ?? 0)));
        }
        Assert.Equal([100, 101, 102, 200], seen);
    }

    private static SpooledRecord Record(int id) => new(id, "acct", $"s{id}", AcctStatusType.Start, Now, Encoding.ASCII.GetBytes(new string('x', 100)));

    private static void SetMaximumPages(EmbeddedStore store, int pages)
    {
        var pragma = store.Statement($"PRAGMA max_page_count = {pages}");
        pragma.Step();
        pragma.Reset();
    }

    private string CopyAsACrashLeavesIt()
    {
        var copy = Path.Combine(directory.Path, "crashed.db");
        System.IO.File.Copy(File, copy);
        System.IO.File.Copy(File + "-wal", copy + "-wal");
        return copy;
    }
}
