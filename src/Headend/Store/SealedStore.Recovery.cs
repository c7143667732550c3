using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Headend.Store;

/// <summary>What an earlier process left, and the change of keys at every start.</summary>
internal sealed partial class SealedStore
{
    // In an order that may break off anywhere: a record on disk is always sealed with a key that is in the file. Of the file's keys only those stay that a record needs, and where the disk
    // does not let the file or the records have the new one, the older goes on: however many starts in a row find it so, the file does not grow.
    private byte[][] Recover()
    {
        var fresh = RandomNumberGenerator.GetBytes(SealingKeyFile.KeyLength);
        var known = SealingKeyFile.TryRead(keyFile, out var found, out var why);
        if (known && SealingKeyFile.IsOpenToOthers(keyFile))
        {
            LogOpenKey(logger, keyFile);
            SealingKeyFile.CloseToOthers(keyFile);
        }

        var (records, foreign, needed) = ReadAll(found);
        if (foreign > 0)
            LogDropped(logger, foreign, known ? "they were sealed with another key, or changed since" : $"key file {keyFile}: {why}");
        var standing = TakeKeys(fresh, found, needed, records);
        foreach (var key in found.Append(fresh).Except(standing))
            CryptographicOperations.ZeroMemory(key);
        foreach (var record in records)
        {
            if (!loaded.TryGetValue(record.Kind, out var ofKind))
                loaded[record.Kind] = ofKind = [];
            ofKind.Add(record);
        }

        return standing;
    }

    // Answers the keys to go on with: the file has them, but where none could be had nor written.
    private byte[][] TakeKeys(byte[] fresh, IReadOnlyList<byte[]> found, byte[][] needed, List<SealedRecord> records)
    {
        // Where no record needs one, the newest of before is kept until the file is known to have its successor: whichever half of a write that fails is done, one of them is in it.
        byte[][] before = needed.Length > 0 ? needed : [.. found.Take(1)];
        try
        {
            SealingKeyFile.Write(keyFile, [fresh, .. before]);
        }
        catch (StoreException error) when (before.Length > 0)
        {
            LogKeyKept(logger, error.Message);
            keyFileIs = KeyFileState.Stale;
            return before;
        }
        catch (StoreException error) when (error.IsOfTheDisk)
        {
            Fail(error.Message);
            keyFileIs = KeyFileState.Uncertain;
            return [fresh];
        }

        keyFileIs = before.Length > 0 ? KeyFileState.Stale : KeyFileState.Sound;
        if (!TryReseal(records, fresh))
            return needed.Length > 0 ? needed : [fresh];
        if (before.Length == 0)
            return [fresh];
        try
        {
            SealingKeyFile.Write(keyFile, fresh);
            keyFileIs = KeyFileState.Sound;
        }
        catch (StoreException error)
        {
            LogKeyKept(logger, error.Message);
        }

        return [fresh];
    }

    private (List<SealedRecord> Records, int Foreign, byte[][] Needed) ReadAll(IReadOnlyList<byte[]> known)
    {
        AesGcm[] ciphers = [.. known.Select(RecordSealing.CipherOf)];
        var needed = new HashSet<int>();
        var now = time.GetUtcNow();
        var records = new List<SealedRecord>();
        var foreign = 0;
        var select = store.Statement("SELECT kind, id, coalesce(expires_at, -1), content FROM sealed_record ORDER BY kind, id");
        while (select.Step())
        {
            var (kind, id, content) = (select.Text(0), select.Text(1), select.Octets(3));
            var expires = select.Integer(2) is >= 0 and var at ? at : (long?)null;
            byte[]? plain = null;
            var opens = Array.FindIndex(ciphers, c => RecordSealing.TryOpen(c, kind, id, expires, content, out plain));
            if (opens < 0)
            {
                foreign++;
                continue;
            }

            needed.Add(opens);
            if (expires is { } end && EmbeddedStore.FromMilliseconds(end) <= now)
                CryptographicOperations.ZeroMemory(plain);
            else
                records.Add(new SealedRecord(kind, id, plain!, expires is { } until ? EmbeddedStore.FromMilliseconds(until) : null));
        }

        select.Reset();
        foreach (var cipher in ciphers)
            cipher.Dispose();
        return (records, foreign, [.. known.Where((_, i) => needed.Contains(i))]);
    }

    private bool TryReseal(List<SealedRecord> records, byte[] key)
    {
        using var sealing = RecordSealing.CipherOf(key);
        var isDone = TryTransact(
            () =>
            {
                store.Statement("DELETE FROM sealed_record").Execute();
                foreach (var record in records)
                {
                    var expiresAt = record.ExpiresAt?.ToUnixTimeMilliseconds();
                    sealedRows.ResetWrittenCount();
                    RecordSealing.Seal(sealing, record.Kind, record.Id, expiresAt, record.Content, sealedRows);
                    Insert(record.Kind, record.Id, expiresAt, sealedRows.WrittenSpan);
                }
            },
            out var failure);
        // A full disk: what is there stays readable by the older key.
        if (!isDone)
            Fail(failure);
        return isDone;
    }

    [LoggerMessage(EventId = 1251, EventName = "sealed-records-dropped", Level = LogLevel.Warning, Message = "records={Records} reason={Reason}: their sessions cannot be come back to")]
    private static partial void LogDropped(ILogger logger, int records, string reason);

    [LoggerMessage(EventId = 1252, EventName = "key-file-open", Level = LogLevel.Warning, Message = "file={File}: others than its owner could read or write it; it has mode 0600 now, and a new key where the store can be written")]
    private static partial void LogOpenKey(ILogger logger, string file);

    [LoggerMessage(EventId = 1253, EventName = "sealed-store-failed", Level = LogLevel.Error, Message = "{Failure}: sessions that begin now would not outlive this process")]
    private static partial void LogFailed(ILogger logger, string failure);

    [LoggerMessage(EventId = 1254, EventName = "key-file-destroyed", Level = LogLevel.Error, Message = "file={File}: a revocation could not be written, so that no session may outlive this process until the disk takes it")]
    private static partial void LogKeyDestroyed(ILogger logger, string file);

    [LoggerMessage(EventId = 1255, EventName = "sealed-store-recovered", Level = LogLevel.Information, Message = "file={File}: it takes records again")]
    private static partial void LogRecovered(ILogger logger, string file);

    [LoggerMessage(EventId = 1256, EventName = "sealed-record-unmakeable", Level = LogLevel.Error, Message = "kind={Kind} id={Id}: the record cannot be made, what it is about would not outlive this process")]
    private static partial void LogUnmakeable(ILogger logger, Exception error, string kind, string id);

    [LoggerMessage(EventId = 1257, EventName = "key-file-kept", Level = LogLevel.Warning, Message = "{Failure}: the key of before goes on, and a copy of the store that was taken with it stays good, until a start whose disk takes a new one: make room and restart")]
    private static partial void LogKeyKept(ILogger logger, string failure);
}
