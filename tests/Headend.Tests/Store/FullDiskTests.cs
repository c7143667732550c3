using System.Text;
using Headend.Aaa.Accounting;
using Headend.Store;
using Headend.Tests.Pki;
using Headend.Tests.Runtime;

namespace Headend.Tests.Store;

/// <summary>Starts on a disk that takes not one octet more, database and key file being on the same one.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private const string Kind = "test";

    private readonly TemporaryDirectory aside = new();
    private readonly LineLog log = new();
    private TinyDisk? disk;
    private EmbeddedStore? embedded;
    private SealedStore? store;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await CloseAsync();
        disk?.Dispose();
        aside.Dispose();
    }

    [FactOnTinyDisk]
    public async Task What_is_there_goes_on_and_what_is_revoked_does_not_come_back()
    {
        await MakeAsync("one", "two");
        await CrashAsync();
        disk!.Fill();
        Assert.Equal(["one", "two"], Open());
        Assert.True(await store!.RemoveAsync(Kind, "two"));
        await CrashAsync();
        disk.Fill();
        Assert.DoesNotContain("two", Open());
        await CrashAsync();
        Assert.DoesNotContain("two", Open());
        Assert.True(await store!.PutAsync(Kind, "three", Octets("content"), isUrgent: true));
        await CrashAsync();
        Assert.Contains("three", Open());
    }

    [FactOnTinyDisk]
    public async Task However_often_it_starts_all_is_kept_and_with_room_a_copy_of_before_is_good_no_more()
    {
        await MakeAsync("one", "two");
        await CrashAsync();
        var key = await File.ReadAllTextAsync(disk!.File("headend.key"));
        for (var i = 0; i < 5; i++)
        {
            disk.Fill();
            Assert.Equal(["one", "two"], Open());
            await CrashAsync();
            Assert.Equal(key, await File.ReadAllTextAsync(disk.File("headend.key")));
        }

        Assert.Equal(["one", "two"], Open());
        await CrashAsync();
        Assert.DoesNotContain(key, await File.ReadAllTextAsync(disk.File("headend.key")), StringComparison.Ordinal);
        Assert.Contains("the key of before goes on", log.Text, StringComparison.Ordinal);
    }

    [FactOnTinyDisk]
    public async Task Without_a_key_file_nothing_is_kept_until_the_disk_takes_one()
    {
        await MakeAsync("one");
        await CrashAsync();
        File.Delete(disk!.File("headend.key"));
        disk.Fill();
        Assert.Empty(Open());
        Assert.Contains("sessions that begin now would not outlive this process", log.Text, StringComparison.Ordinal);
        Assert.False(await store!.PutAsync(Kind, "two", Octets("content"), isUrgent: true));
        Assert.True(await store.RemoveAsync(Kind, "two"));
        Assert.False(File.Exists(disk.File("headend.key")));
        disk.Free();
        Assert.True(await store.PutAsync(Kind, "three", Octets("content"), isUrgent: true));
        Assert.Contains("it takes records again", log.Text, StringComparison.Ordinal);
        await CrashAsync();
        Assert.Equal(["three"], Open());
    }

    /// <summary>What an outage made the file grow to is given back at the start, which takes room first.</summary>
    [FactOnTinyDisk]
    public async Task A_file_that_could_be_smaller_is_opened()
    {
        disk = new TinyDisk(1 << 20);
        Open();
        var spool = new EmbeddedAccountingSpool(embedded!);
        SpooledRecord[] records = [.. Enumerable.Range(1, 500).Select(i => new SpooledRecord(i, "acct", $"s{i}", AcctStatusType.Start, DateTimeOffset.UtcNow, new byte[200]))];
        Assert.True(spool.TryCommit(new SpoolBatch(records, [], [], [], DateTimeOffset.UtcNow), out _));
        Assert.True(spool.TryCommit(new SpoolBatch([], [.. records.Select(r => r.Id)], [], [], DateTimeOffset.UtcNow), out _));
        await CloseAsync();
        var grown = new FileInfo(disk.File("headend.db")).Length;
        disk.Fill();
        Open();
        await CloseAsync();
        disk.Free();
        Open();
        await CloseAsync();
        Assert.InRange(new FileInfo(disk.File("headend.db")).Length, 1, grown / 2);
    }

    private static byte[] Octets(string text) => Encoding.UTF8.GetBytes(text);

    private async Task MakeAsync(params string[] ids)
    {
        disk = new TinyDisk(1 << 20);
        Open();
        foreach (var id in ids)
            Assert.True(await store!.PutAsync(Kind, id, Octets("content"), isUrgent: true));
    }

    private IReadOnlyList<string> Open()
    {
        embedded = EmbeddedStore.Open(disk!.File("headend.db"), DateTimeOffset.UtcNow);
        store = SealedStore.Open(embedded, disk.File("headend.key"), TimeProvider.System, log);
        return [.. store.Take(Kind).Select(static r => r.Id)];
    }

    private async Task CloseAsync()
    {
        if (store is not null)
            await store.DisposeAsync();
        embedded?.Dispose();
        (store, embedded) = (null, null);
    }

    /// <summary>What the disk holds now goes on, without the process and with room.</summary>
    private async Task CrashAsync()
    {
        lock (embedded!.Gate)
            Copy(disk!.Path, aside.Path);
        await CloseAsync();
        Copy(aside.Path, disk.Path);
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(to))
            File.Delete(file);
        foreach (var file in Directory.GetFiles(from).Where(static f => !f.EndsWith(TinyDisk.Filler, StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
