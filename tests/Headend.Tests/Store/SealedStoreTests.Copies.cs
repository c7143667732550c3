using System.Buffers;
using System.Text;
using Headend.Store;
using Microsoft.Extensions.Logging;

namespace Headend.Tests.Store;

public sealed partial class SealedStoreTests
{
    private static byte[] Octets(string text) => Encoding.UTF8.GetBytes(text);

    private void SetReadOnly(bool isReadOnly) => SetReadOnly(embedded, isReadOnly);

    private static void SetReadOnly(EmbeddedStore database, bool isReadOnly)
    {
        lock (database.Gate)
            database.Statement(isReadOnly ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0").Execute();
    }

    private long Rows()
    {
        lock (embedded.Gate)
        {
            var count = embedded.Statement("SELECT count(*) FROM sealed_record");
            Assert.True(count.Step());
            var rows = count.Integer(0);
            count.Reset();
            return rows;
        }
    }

    private void Execute(string sql)
    {
        lock (embedded.Gate)
            embedded.Statement(sql).Execute();
    }

    private (EmbeddedStore Embedded, SealedStore Store) Open(string database, string keyFile, bool isReadOnly = false)
    {
        var opened = EmbeddedStore.Open(database, DateTimeOffset.UtcNow);
        SetReadOnly(opened, isReadOnly);
        return (opened, SealedStore.Open(opened, keyFile, TimeProvider.System, log));
    }

    private async Task<IReadOnlyList<string>> RestartAsync(bool isReadOnly = false)
    {
        await store.DisposeAsync();
        embedded.Dispose();
        (embedded, store) = Open(DatabaseFile, KeyFile, isReadOnly);
        return [.. store.Take(Kind).Select(Shown)];
    }

    /// <summary>The files as a crash would leave them now; a commit is never half of itself.</summary>
    private (string Database, string KeyFile) Copy()
    {
        var database = directory.File($"copy{++copies}.db");
        lock (embedded.Gate)
        {
            File.Copy(DatabaseFile, database);
            File.Copy(DatabaseFile + "-wal", database + "-wal");
        }

        var keyFile = directory.File($"copy{copies}.key");
        if (File.Exists(KeyFile))
            File.Copy(KeyFile, keyFile);
        return (database, keyFile);
    }

    private async Task<IReadOnlyList<string>> AfterACrashAsync()
    {
        var (database, keyFile) = Copy();
        return await ReadAsync(database, keyFile);
    }

    private async Task<IReadOnlyList<string>> ReadAsync(string database, string keyFile)
    {
        var (opened, records) = Open(database, keyFile);
        string[] found = [.. records.Take(Kind).Select(Shown)];
        await records.DisposeAsync();
        opened.Dispose();
        return found;
    }

    private static string Shown(SealedRecord record) => $"{record.Id}={Encoding.UTF8.GetString(record.Content)}";

    private sealed class Picture(string text, Exception? fault = null) : ISealedContent
    {
        public bool IsEncoded { get; private set; }

        public bool IsZeroed { get; private set; }

        public void Encode(IBufferWriter<byte> output)
        {
            IsEncoded = true;
            output.Write(Encoding.UTF8.GetBytes(text));
            if (fault is not null)
                throw fault;
        }

        public void Zero() => IsZeroed = true;
    }

    private sealed class LineLogger : ILogger
    {
        private readonly Lock gate = new();
        private readonly List<string> lines = [];

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (gate)
                    return [.. lines];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (gate)
                lines.Add($"{eventId.Name} {formatter(state, exception)}");
        }
    }
}
