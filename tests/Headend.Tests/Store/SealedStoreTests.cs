using System.Buffers;
using System.Text;
using Headend.Store;
using Headend.Tests.Pki;

namespace Headend.Tests.Store;

/// <summary>Sealed records over crashes: what comes back, what never does, and what the key is good for.</summary>
public sealed partial class SealedStoreTests : IAsyncLifetime
{
    private const string Kind = "test";

    private readonly TemporaryDirectory directory = new();
    private readonly LineLogger log = new();
    private EmbeddedStore embedded;
    private SealedStore store;
    private int copies;

    public SealedStoreTests() => (embedded, store) = Open(DatabaseFile, KeyFile);

    private string DatabaseFile => directory.File("headend.db");

    private string KeyFile => directory.File("headend.key");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        embedded.Dispose();
        directory.Dispose();
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_crash_and_what_was_removed_is_not()
    {
        Assert.True(await store.PutAsync(Kind, "one", Octets("first")));
        Assert.True(await store.PutAsync(Kind, "one", Octets("second")));
        Assert.True(await store.PutAsync(Kind, "two", Octets("gone")));
        Assert.True(await store.RemoveAsync(Kind, "two"));
        Assert.True(await store.PutAsync("other", "two", Octets("another kind")));
        Assert.True(await store.RemoveAsync(Kind, "never there"));
        Assert.Equal(["one=second"], await AfterACrashAsync());
    }

    [Fact]
    public async Task Of_changes_to_one_record_the_last_counts_and_all_are_told()
    {
        Task<bool>[] changes = [.. Enumerable.Range(0, 200).Select(i => i % 3 == 2 ? store.RemoveAsync(Kind, "one") : store.PutAsync(Kind, "one", Octets($"{i}")))];
        Assert.All(await Task.WhenAll(changes), Assert.True);
        Assert.Equal(["one=199"], await AfterACrashAsync());
        Assert.Contains(changes, c => c.IsCompletedSuccessfully);
    }

    /// <summary>What is replaced before the store comes to it is zeroed and never made into octets.</summary>
    [Fact]
    public async Task What_is_replaced_is_not_encoded()
    {
        Picture[] pictures = [.. Enumerable.Range(0, 50).Select(i => new Picture($"{i}"))];
        Assert.All(await Task.WhenAll(pictures.Select(p => store.PutAsync(Kind, "one", p))), Assert.True);
        Assert.All(pictures, p => Assert.True(p.IsZeroed));
        Assert.InRange(pictures.Count(p => p.IsEncoded), 1, 10);
        Assert.Equal(["one=49"], await AfterACrashAsync());
    }

    [Fact]
    public void A_secret_buffer_leaves_nothing_behind()
    {
        var buffer = new SecretBuffer(4);
        buffer.GetMemory(3);
        var small = buffer.GetMemory(4);
        buffer.Write(Octets("abcd"));
        buffer.Write(Octets("efghijkl"));
        Assert.Equal("abcdefghijkl", Encoding.UTF8.GetString(buffer.Written));
        Assert.Equal(new byte[4], small.ToArray());
        var large = buffer.GetMemory();
        buffer.Clear();
        Assert.Equal(0, buffer.Length);
        Assert.All(large.ToArray(), o => Assert.Equal(0, o));
        Assert.Equal(new byte[12], buffer.GetMemory(12)[..12].ToArray());
    }

    [Fact]
    public async Task A_crash_at_any_moment_leaves_a_store_that_opens_and_holds_no_more_than_was_given()
    {
        for (var i = 0; i < 40; i++)
        {
            await store.PutAsync(Kind, $"{i:00}", Octets("kept"));
            var (_, removed) = (store.PutAsync(Kind, $"{i:00} under way", Octets("maybe")), i == 0 ? null : store.RemoveAsync(Kind, $"{i - 1:00}"));
            var left = await AfterACrashAsync();
            Assert.Contains($"{i:00}=kept", left);
            Assert.True(left.Count <= (2 * i) + 3);
            if (removed is not null)
                await removed;
        }
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("another")]
    [InlineData("garbled")]
    public async Task A_copy_without_its_key_is_useless_and_the_log_says_so(string key)
    {
        await store.PutAsync(Kind, "one", Octets("a secret that nobody else may read"));
        var (database, keyFile) = Copy();
        Assert.True(File.ReadAllBytes(database).AsSpan().IndexOf("a secret"u8) < 0 && File.ReadAllBytes(database + "-wal").AsSpan().IndexOf("a secret"u8) < 0);
        if (key == "missing")
            File.Delete(keyFile);
        else
            File.WriteAllText(keyFile, key == "another" ? new string('0', 64) + "\n" : "not a key\n");
        Assert.Empty(await ReadAsync(database, keyFile));
        Assert.Contains(log.Lines, l => l.Contains("records=1", StringComparison.Ordinal) && l.Contains("cannot be come back to", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("UPDATE sealed_record SET id = 'two'")]
    [InlineData("UPDATE sealed_record SET kind = 'other'")]
    [InlineData("UPDATE sealed_record SET expires_at = 9999999999999")]
    [InlineData("UPDATE sealed_record SET expires_at = NULL")]
    [InlineData("UPDATE sealed_record SET content = CAST(x'02' || substr(content, 2) AS BLOB)")]
    [InlineData("UPDATE sealed_record SET content = CAST(substr(content, 1, length(content) - 1) || x'00' AS BLOB)")]
    [InlineData("UPDATE sealed_record SET content = substr(content, 1, 20)")]
    [InlineData("UPDATE sealed_record SET content = x''")]
    public async Task A_record_that_was_changed_is_none(string change)
    {
        await store.PutAsync(Kind, "one", Octets("content"), DateTimeOffset.UtcNow + TimeSpan.FromHours(1));
        var (database, keyFile) = Copy();
        using (var tampering = EmbeddedStore.Open(database, DateTimeOffset.UtcNow))
            tampering.Statement(change).Execute();
        Assert.Empty(await ReadAsync(database, keyFile));
        Assert.Contains(log.Lines, l => l.Contains("records=1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_of_an_earlier_start_is_not_taken_back()
    {
        await store.PutAsync(Kind, "one", Octets("revoked later"));
        var (old, oldKey) = Copy();
        var thatKey = File.ReadAllText(oldKey);
        await RestartAsync();
        Assert.True(await store.RemoveAsync(Kind, "one"));
        var (_, key) = Copy();
        Assert.NotEqual(thatKey, File.ReadAllText(key));
        Assert.Empty(await ReadAsync(old, key));
    }

    [Fact]
    public async Task A_start_that_broke_off_between_its_keys_loses_nothing()
    {
        await store.PutAsync(Kind, "one", Octets("kept"));
        var (database, keyFile) = Copy();
        File.WriteAllText(keyFile, new string('0', 64) + "\n" + File.ReadAllText(keyFile));
        Assert.Equal(["one=kept"], await ReadAsync(database, keyFile));
    }

    [Fact]
    public async Task Expired_records_are_forgotten()
    {
        await store.PutAsync(Kind, "past", Octets("x"), DateTimeOffset.UtcNow - TimeSpan.FromSeconds(1));
        await store.PutAsync(Kind, "future", Octets("x"), DateTimeOffset.UtcNow + TimeSpan.FromHours(1));
        Assert.Equal(["future=x"], await AfterACrashAsync());
    }

    [Fact]
    public async Task They_leave_the_disk_with_the_first_commit_behind_their_time()
    {
        await store.PutAsync(Kind, "past", Octets("x"), DateTimeOffset.UtcNow - TimeSpan.FromSeconds(1));
        Assert.Equal(0, Rows());
        await store.PutAsync(Kind, "soon", Octets("x"), DateTimeOffset.UtcNow + TimeSpan.FromSeconds(5));
        await store.PutAsync(Kind, "later", Octets("x"), DateTimeOffset.UtcNow + TimeSpan.FromHours(1));
        Assert.Equal(2, Rows());
        await Task.Delay(TimeSpan.FromSeconds(5.1));
        await store.PutAsync(Kind, "never", Octets("x"));
        Assert.Equal(2, Rows());
    }

    [Fact]
    public async Task Where_the_disk_takes_no_revocation_the_key_goes_until_it_does()
    {
        await store.PutAsync(Kind, "one", Octets("revoked"));
        await store.PutAsync(Kind, "two", Octets("kept"));
        SetReadOnly(true);
        Assert.False(await store.PutAsync(Kind, "three", Octets("later")));
        Assert.True(File.Exists(KeyFile));
        Assert.True(await store.RemoveAsync(Kind, "one"));
        Assert.False(File.Exists(KeyFile));
        Assert.Empty(await AfterACrashAsync());

        SetReadOnly(false);
        Assert.True(await store.RemoveAsync(Kind, "nothing"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        Assert.Equal(["three=later", "two=kept"], await AfterACrashAsync());
    }

    [Fact]
    public async Task Where_not_even_the_key_can_be_destroyed_the_revocation_is_refused_and_the_key_comes_back_with_the_disk()
    {
        await store.PutAsync(Kind, "one", Octets("revoked"));
        await store.PutAsync(Kind, "two", Octets("kept"));
        SetReadOnly(true);
        File.Delete(KeyFile);
        Directory.CreateDirectory(KeyFile);
        Assert.False(await store.RemoveAsync(Kind, "one"));

        Directory.Delete(KeyFile);
        SetReadOnly(false);
        Assert.True(await store.RemoveAsync(Kind, "nothing"));
        Assert.Equal(["two=kept"], await AfterACrashAsync());
    }

    /// <summary>A change of rights that the disk refuses must not leave the rights of before for the next start.</summary>
    [Fact]
    public async Task A_replacement_that_the_disk_refuses_is_a_revocation()
    {
        await store.PutAsync(Kind, "one", Octets("wide"));
        await store.PutAsync(Kind, "two", Octets("kept"));
        SetReadOnly(true);
        Assert.True(await store.ReplaceAsync(Kind, "one", new Picture("narrow")));
        Assert.Empty(await AfterACrashAsync());

        SetReadOnly(false);
        Assert.True(await store.RemoveAsync(Kind, "nothing"));
        Assert.Equal(["one=narrow", "two=kept"], await AfterACrashAsync());
    }

    [Fact]
    public async Task Where_the_disk_takes_a_removal_at_least_the_others_are_spared()
    {
        await store.PutAsync(Kind, "one", Octets("wide"));
        await store.PutAsync(Kind, "two", Octets("kept"));
        Execute("CREATE TEMP TRIGGER no_room BEFORE INSERT ON sealed_record BEGIN SELECT RAISE(ABORT, 'no room'); END");
        Task<bool>[] changes = [store.PutAsync(Kind, "three", Octets("new")), store.ReplaceAsync(Kind, "one", new Picture("narrow")), store.RemoveAsync(Kind, "four")];
        Assert.Equal("False True True", string.Join(" ", await Task.WhenAll(changes)));
        Assert.Equal(["two=kept"], await AfterACrashAsync());

        Execute("DROP TRIGGER no_room");
        Assert.True(await store.PutAsync(Kind, "five", Octets("new"), isUrgent: true));
        Assert.Equal(["five=new", "one=narrow", "three=new", "two=kept"], await AfterACrashAsync());
    }

    [Fact]
    public async Task What_takes_the_place_of_a_revocation_revokes_too()
    {
        string[] names = [.. Enumerable.Range(0, 50).Select(i => $"{i}")];
        await Task.WhenAll(names.Select(n => store.PutAsync(Kind, n, Octets("old"))));
        SetReadOnly(true);
        Task<bool>[] removals = [.. names.Select(n =>
        {
            var removal = store.RemoveAsync(Kind, n);
            _ = store.PutAsync(Kind, n, Octets("new"));
            return removal;
        })];
        Assert.All(await Task.WhenAll(removals), Assert.True);
        Assert.Empty(await AfterACrashAsync());
        SetReadOnly(false);
    }

    /// <summary>The key file may be on another file system than a database whose disk is full.</summary>
    [Fact]
    public async Task However_often_it_starts_on_a_disk_that_takes_nothing_all_is_kept()
    {
        await store.PutAsync(Kind, "one", Octets("kept"));
        for (var i = 0; i < 12; i++)
        {
            Assert.Equal(["one=kept"], await RestartAsync(isReadOnly: true));
            Assert.InRange(File.ReadAllLines(KeyFile).Length, 1, 2);
            // A crash is no worse than a stop.
            if (i % 4 == 0)
                Assert.Equal(["one=kept"], await AfterACrashAsync());
        }

        Assert.Equal(["one=kept"], await RestartAsync());
        Assert.Single(File.ReadAllLines(KeyFile));
    }

    [Fact]
    public async Task A_key_that_records_of_before_need_comes_back_with_the_disk()
    {
        await store.PutAsync(Kind, "one", Octets("kept"));
        await RestartAsync(isReadOnly: true);
        Assert.True(await store.RemoveAsync(Kind, "nothing"));
        Assert.False(File.Exists(KeyFile));
        SetReadOnly(false);
        Assert.True(await store.PutAsync(Kind, "two", Octets("new"), isUrgent: true));
        Assert.Equal(["one=kept", "two=new"], await AfterACrashAsync());
    }

    [Fact]
    public async Task A_record_that_cannot_be_made_fails_alone_and_what_was_there_of_it_goes()
    {
        await store.PutAsync(Kind, "one", Octets("out of date"));
        await store.PutAsync(Kind, "two", Octets("out of date, too"));
        var broken = new Picture("half of it", new InvalidOperationException("a fault of ours"));
        Task<bool>[] changes =
        [
            store.PutAsync(Kind, "a", Octets("written")), store.PutAsync(Kind, "one", broken),
            store.ReplaceAsync(Kind, "two", new Picture("half", new NotSupportedException())), store.PutAsync(Kind, "z", Octets("written")),
        ];
        Assert.Equal("True False True True", string.Join(" ", await Task.WhenAll(changes)));
        Assert.True(broken.IsZeroed);
        Assert.Contains(log.Lines, l => l.Contains("sealed-record-unmakeable", StringComparison.Ordinal) && l.Contains("id=one", StringComparison.Ordinal));
        Assert.True(await store.PutAsync(Kind, "later", Octets("written"), isUrgent: true));
        Assert.Equal(["a=written", "later=written", "z=written"], await AfterACrashAsync());
    }

    [Fact]
    public async Task The_key_file_is_the_owners_alone_and_one_that_was_not_is_said()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        await store.PutAsync(Kind, "one", Octets("kept"));
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Equal(["one=kept"], await RestartAsync());
        Assert.Contains(log.Lines, l => l.Contains("key-file-open", StringComparison.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
    }

    [Fact]
    public async Task A_key_file_that_cannot_be_written_is_said_at_the_start()
    {
        var (database, _) = Copy();
        using var opened = EmbeddedStore.Open(database, DateTimeOffset.UtcNow);
        var error = Assert.Throws<StoreException>(() => SealedStore.Open(opened, "/proc/nowhere/headend.key", TimeProvider.System, log));
        Assert.Contains("/proc/nowhere/headend.key", error.Message, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task The_next_start_knows_when_this_one_last_lived()
    {
        var before = DateTimeOffset.UtcNow;
        Assert.Null(store.LastAlive);
        await store.PutAsync(Kind, "one", Octets("kept"));
        await RestartAsync();
        Assert.InRange(store.LastAlive!.Value, before - TimeSpan.FromMilliseconds(1), DateTimeOffset.UtcNow);
    }
}
