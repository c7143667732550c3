using System.Buffers;
using System.Text;
using Headend.Store;
using Headend.Tests.Pki;
using Headend.Tests.Runtime;

namespace Headend.Tests.Store;

/// <summary>Sealed records beside a key file that cannot be written, and while the disk hangs or refuses.</summary>
public sealed class SealedStoreFaultTests : IAsyncLifetime
{
    private const string Kind = "test";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory directory = new();
    private readonly LineLog log = new();
    private readonly EmbeddedStore embedded;
    private readonly SealedStore store;
    private int copies;

    public SealedStoreFaultTests()
    {
        embedded = EmbeddedStore.Open(directory.File("headend.db"), DateTimeOffset.UtcNow);
        store = SealedStore.Open(embedded, KeyFile, TimeProvider.System, log);
    }

    private string KeyFile => directory.File("headend.key");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        embedded.Dispose();
        directory.Dispose();
    }

    /// <summary>An authenticated client may ask for tickets as fast as it can, and each is a change of its session's record.</summary>
    [Fact]
    public async Task While_the_disk_hangs_changes_of_one_record_cost_no_more_for_those_that_wait_already()
    {
        const int Changes = 20_000;
        Assert.True(await store.PutAsync(Kind, "one", Octets("old")));
        using var hung = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        var disk = new Thread(() =>
        {
            lock (embedded.Gate)
            {
                hung.Set();
                goesOn.Wait(Patience);
            }
        });
        disk.Start();
        Assert.True(hung.Wait(Patience));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var tasks = new HashSet<Task<bool>>();
        for (var i = 0; i < Changes; i++)
            tasks.Add(i % 2 == 0 ? store.PutAsync(Kind, "one", Octets("new")) : store.ReplaceAsync(Kind, "one", new Text("newer")));
        var octets = GC.GetAllocatedBytesForCurrentThread() - before;
        goesOn.Set();
        disk.Join();
        Assert.All(await Task.WhenAll(tasks), Assert.True);
        Assert.InRange(octets / Changes, 0, 1000);
        // One of each kind for what the writer has in hand, one for what waits behind it.
        Assert.InRange(tasks.Count, 2, 4);
        Assert.Equal(["one=newer"], await AfterACrashAsync());
    }

    /// <summary>Whoever comes after a refusal waits for the next attempt, and those who were told are not told again.</summary>
    [Fact]
    public async Task Behind_a_refusal_waiters_are_new_ones()
    {
        SetReadOnly(true);
        Assert.False(await store.PutAsync(Kind, "one", Octets("first"), isUrgent: true));
        // The first one is back among what waits.
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        var second = store.PutAsync(Kind, "one", Octets("second"));
        Assert.False(second.IsCompleted);
        SetReadOnly(false);
        Assert.True(await second.WaitAsync(Patience));
        Assert.Equal(["one=second"], await AfterACrashAsync());
    }

    [Fact]
    public async Task While_the_disk_refuses_changes_that_nobody_waits_for_make_no_more_attempts()
    {
        SetReadOnly(true);
        Assert.False(await store.PutAsync(Kind, "one", Octets("first"), isUrgent: true));
        var texts = new List<Text>();
        for (var i = 0; i < 40; i++)
        {
            texts.Add(new Text($"{i}"));
            _ = store.PutAsync(Kind, "one", texts[^1]);
            await Task.Delay(20);
        }

        // One a second.
        Assert.InRange(texts.Count(static t => t.IsEncoded), 0, 10);
        SetReadOnly(false);
    }

    /// <summary>
    /// The flush of a directory cannot be made to fail here. What it would leave is made by hand: the key was destroyed, the attempt to write it again failed, and yet it is there.
    /// </summary>
    [Fact]
    public async Task A_key_that_came_back_is_destroyed_again_before_a_revocation_is_acknowledged()
    {
        await store.PutAsync(Kind, "one", Octets("revoked"));
        await store.PutAsync(Kind, "two", Octets("revoked later"));
        var key = await File.ReadAllBytesAsync(KeyFile);
        SetReadOnly(true);
        Assert.True(await store.RemoveAsync(Kind, "one"));
        Assert.False(File.Exists(KeyFile));

        Directory.CreateDirectory(KeyFile);
        SetReadOnly(false);
        Assert.True(await store.RemoveAsync(Kind, "nothing"));
        Directory.Delete(KeyFile);
        SetReadOnly(true);
        await File.WriteAllBytesAsync(KeyFile, key);
        Assert.Equal(["two=revoked later"], await AfterACrashAsync());
        Assert.True(await store.RemoveAsync(Kind, "two"));
        Assert.False(File.Exists(KeyFile));
        Assert.Empty(await AfterACrashAsync());
    }

    [Fact]
    public async Task What_is_written_without_its_key_is_not_acknowledged_until_the_key_is()
    {
        SetReadOnly(true);
        Assert.True(await store.RemoveAsync(Kind, "nothing"));
        Directory.CreateDirectory(KeyFile);
        SetReadOnly(false);
        Assert.False(await store.PutAsync(Kind, "one", Octets("kept"), isUrgent: true));
        Assert.Empty(await AfterACrashAsync());
        Assert.DoesNotContain("it takes records again", log.Text, StringComparison.Ordinal);

        Directory.Delete(KeyFile);
        Assert.True(await store.PutAsync(Kind, "two", Octets("kept"), isUrgent: true));
        Assert.Contains("it takes records again", log.Text, StringComparison.Ordinal);
        Assert.Equal(["one=kept", "two=kept"], await AfterACrashAsync());
    }

    /// <summary>Its name is as long as names may be, so that nothing can be written beside it under a longer one; it can be read and deleted.</summary>
    [Fact]
    public async Task A_key_file_that_can_be_read_alone_goes_on()
    {
        await store.PutAsync(Kind, "one", Octets("kept"));
        await store.PutAsync(Kind, "two", Octets("revoked"));
        var (database, key) = Copy();
        var unwritable = directory.File(new string('k', 255));
        File.Move(key, unwritable);
        var bytes = await File.ReadAllBytesAsync(unwritable);
        for (var i = 0; i < 3; i++)
        {
            using var opened = EmbeddedStore.Open(database, DateTimeOffset.UtcNow);
            await using var records = SealedStore.Open(opened, unwritable, TimeProvider.System, log);
            Assert.Equal(i == 0 ? ["one=kept", "two=revoked"] : ["new=kept", "one=kept"], records.Take(Kind).Select(Shown));
            Assert.True(await records.RemoveAsync(Kind, "two"));
            Assert.True(await records.PutAsync(Kind, "new", Octets("kept"), isUrgent: true));
        }

        Assert.Equal(bytes, await File.ReadAllBytesAsync(unwritable));
        Assert.Contains("the key of before goes on", log.Text, StringComparison.Ordinal);

        // Where the disk takes no revocation either, it is destroyed like any, and a place where no key file can be is said at the start.
        using (var opened = EmbeddedStore.Open(database, DateTimeOffset.UtcNow))
        {
            await using var records = SealedStore.Open(opened, unwritable, TimeProvider.System, log);
            lock (opened.Gate)
                opened.Statement("PRAGMA query_only = 1").Execute();
            Assert.True(await records.RemoveAsync(Kind, "one"));
        }

        using var last = EmbeddedStore.Open(database, DateTimeOffset.UtcNow);
        Assert.Throws<StoreException>(() => SealedStore.Open(last, unwritable, TimeProvider.System, log));
    }

    private static byte[] Octets(string text) => Encoding.UTF8.GetBytes(text);

    private static string Shown(SealedRecord record) => $"{record.Id}={Encoding.UTF8.GetString(record.Content)}";

    private void SetReadOnly(bool isReadOnly)
    {
        lock (embedded.Gate)
            embedded.Statement(isReadOnly ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0").Execute();
    }

    private (string Database, string KeyFile) Copy()
    {
        var (database, key) = (directory.File($"copy{++copies}.db"), directory.File($"copy{copies}.key"));
        lock (embedded.Gate)
        {
            File.Copy(directory.File("headend.db"), database);
            File.Copy(directory.File("headend.db-wal"), database + "-wal");
        }

        if (File.Exists(KeyFile))
            File.Copy(KeyFile, key);
        return (database, key);
    }

    private async Task<IReadOnlyList<string>> AfterACrashAsync()
    {
        var (database, key) = Copy();
        using var opened = EmbeddedStore.Open(database, DateTimeOffset.UtcNow);
        await using var records = SealedStore.Open(opened, key, TimeProvider.System, log);
        return [.. records.Take(Kind).Select(Shown)];
    }

    private sealed class Text(string text) : ISealedContent
    {
        public bool IsEncoded { get; private set; }

        public void Encode(IBufferWriter<byte> output)
        {
            IsEncoded = true;
            output.Write(Encoding.UTF8.GetBytes(text));
        }

        public void Zero()
        {
        }
    }
}
