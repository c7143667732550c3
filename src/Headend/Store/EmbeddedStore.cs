using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Headend.Store;

/// <summary>
/// One SQLite file in the state directory, for what must outlive the process. Write-ahead log with synchronous=FULL: a committed transaction is on the disk, not
/// in its cache, before <see cref="Commit"/> returns. The file is locked for this process (locking_mode=EXCLUSIVE), which also keeps the log's index out of
/// shared memory: with neither that nor mmap a full disk is an error code and never a SIGBUS. One thread at a time: who uses it from the opening on holds
/// <see cref="Gate"/>, from the begin of a transaction to its end.
/// </summary>
internal sealed class EmbeddedStore : IDisposable
{
    private readonly SqliteHandle connection;
    private readonly Dictionary<string, SqliteStatement> statements = new(StringComparer.Ordinal);

    private EmbeddedStore(SqliteHandle connection, string path)
    {
        this.connection = connection;
        Path = path;
    }

    public string Path { get; }

    public Lock Gate { get; } = new();

    /// <summary>Where a damaged file was put by this opening, or null.</summary>
    public string? SetAside { get; private set; }

    /// <summary>Opens the file, or makes it, mode 0600. A damaged one is renamed and a fresh one begun.</summary>
    /// <param name="path">The file; its directory must be there.</param>
    /// <param name="now">For the name of a damaged file.</param>
    /// <exception cref="StoreException">
    /// <see cref="StoreException.IsBusy"/>: another process has it. Otherwise the disk does not allow it, or the file is of a newer version.
    /// </exception>
    /// <exception cref="DllNotFoundException">libsqlite3.so.0 is not installed.</exception>
    public static EmbeddedStore Open(string path, DateTimeOffset now)
    {
        try
        {
            return OpenSound(path);
        }
        catch (StoreException damage) when (damage.IsCorruption)
        {
            var aside = MoveAside(path, now);
            var fresh = OpenSound(path);
            fresh.SetAside = aside;
            return fresh;
        }
    }

    /// <summary>The statement, prepared at its first use and kept. The text must be a constant.</summary>
    public SqliteStatement Statement(string sql)
    {
        if (statements.TryGetValue(sql, out var known)) return known;
        var made = Prepare(sql);
        statements.Add(sql, made);
        return made;
    }

    public void Begin() => Statement("BEGIN IMMEDIATE").Execute();

    /// <summary>Everything since <see cref="Begin"/> is on the disk when this returns.</summary>
    public void Commit() => Statement("COMMIT").Execute();

    /// <summary>Nothing since <see cref="Begin"/> has happened. Never throws; some errors have rolled back already.</summary>
    public void RollBack()
    {
        if (LibSqlite.sqlite3_get_autocommit(connection) != 0) return;
        try
        {
            Statement("ROLLBACK").Execute();
        }
        catch (StoreException)
        {
            // The next BEGIN says it again.
        }
    }

    /// <summary>Reads and writes one number of the table of settings, in a transaction of its own.</summary>
    /// <returns>The value that is now stored.</returns>
    public long UpdateSetting(string name, Func<long?, long> next)
    {
        Begin();
        try
        {
            var value = next(ReadSetting(name));
            WriteSetting(name, value);
            Commit();
            return value;
        }
        catch (StoreException)
        {
            RollBack();
            throw;
        }
    }

    public long? ReadSetting(string name)
    {
        var select = Statement("SELECT value FROM setting WHERE name = ?1").Bind(1, name);
        try
        {
            return select.Step() ? select.Integer(0) : null;
        }
        finally
        {
            select.Reset();
        }
    }

    /// <summary>A clock that was set to the year 10000 is a damaged row, not a reason to fall.</summary>
    public static DateTimeOffset FromMilliseconds(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, 0, 253402300799999));

    /// <summary>Inside a transaction.</summary>
    public void WriteSetting(string name, long value) =>
        Statement("INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value").Bind(1, name).Bind(2, value).Execute();

    public void Dispose()
    {
        foreach (var statement in statements.Values) statement.Dispose();
        statements.Clear();
        connection.Dispose();
    }

    /// <exception cref="StoreException">The result is an error.</exception>
    internal void Check(int result)
    {
        if (result == LibSqlite.Ok) return;
        var why = Marshal.PtrToStringUTF8(LibSqlite.sqlite3_errmsg(connection));
        throw new StoreException($"{Path}: {why} (SQLite {LibSqlite.sqlite3_extended_errcode(connection)})", result);
    }

    private static EmbeddedStore OpenSound(string path)
    {
        CreatePrivate(path);
        var result = LibSqlite.sqlite3_open_v2(
            path, out var connection, LibSqlite.OpenReadWrite | LibSqlite.OpenCreate | LibSqlite.OpenNoMutex, 0);
        var store = new EmbeddedStore(connection, path);
        try
        {
            store.Check(result);
            store.Configure(isNew: new FileInfo(path).Length == 0);
            store.CheckIntegrity();
            store.Migrate();
            return store;
        }
        catch (StoreException)
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>SQLite would make the file with the umask's mode; the log beside it gets the mode of the file.</summary>
    private static void CreatePrivate(string path)
    {
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using var file = new FileStream(path, options);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(error.Message, LibSqlite.Ok);
        }
    }

    private static string MoveAside(string path, DateTimeOffset now)
    {
        var stamp = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var aside = $"{path}.damaged-{stamp}";
        for (var i = 2; File.Exists(aside); i++) aside = $"{path}.damaged-{stamp}-{i}";
        try
        {
            File.Move(path, aside);
            // The log belongs to its file and would otherwise be replayed into the fresh one.
            foreach (var suffix in (string[])["-wal", "-journal"])
            {
                if (File.Exists(path + suffix)) File.Move(path + suffix, aside + suffix);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{path} is damaged and cannot be set aside: {error.Message}", LibSqlite.Ok);
        }
        return aside;
    }

    private void Configure(bool isNew)
    {
        // Exclusive before the log is first touched; auto_vacuum before the first table, and never again because it writes.
        Run("PRAGMA locking_mode = EXCLUSIVE");
        if (isNew) Run("PRAGMA auto_vacuum = INCREMENTAL");
        foreach (var pragma in (string[])
            ["mmap_size = 0", "journal_mode = WAL", "synchronous = FULL", "journal_size_limit = 67108864", "temp_store = MEMORY", "trusted_schema = OFF", "cell_size_check = ON",
                // Room for the pages of some ten thousand sessions that come and go; taken only as they are read.
                "cache_size = -16384"])
        {
            Run("PRAGMA " + pragma);
        }
        // Takes the lock now: a second headend on this directory is told at its start.
        Run("BEGIN EXCLUSIVE");
        Run("COMMIT");
    }

    private void CheckIntegrity()
    {
        using var check = Prepare("PRAGMA integrity_check(1)");
        if (!check.Step()) return;
        var verdict = check.Text(0);
        check.Reset();
        if (verdict != "ok") throw new StoreException($"{Path}: {verdict}", LibSqlite.Corrupt);
    }

    private void Migrate()
    {
        Run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT");
        var version = 0L;
        using (var select = Prepare("SELECT max(version) FROM schema_version"))
        {
            if (select.Step()) version = select.Integer(0);
        }
        if (version > StoreSchema.Migrations.Count)
            throw new StoreException($"{Path} was written by a newer headend (schema version {version}; this one knows {StoreSchema.Migrations.Count})", LibSqlite.Ok);
        for (; version < StoreSchema.Migrations.Count; version++)
        {
            Begin();
            try
            {
                foreach (var step in StoreSchema.Migrations[(int)version]) Run(step);
                Run(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO schema_version (version) VALUES ({version + 1})"));
                Commit();
            }
            catch (StoreException)
            {
                RollBack();
                throw;
            }
        }
        try
        {
            // What an outage made the file grow to goes back to the disk here, where nobody waits for it.
            Run("PRAGMA incremental_vacuum");
        }
        catch (StoreException error) when (error.IsOfTheDisk)
        {
            // It takes room in the log: on a full disk the next start does it.
        }
    }

    private void Run(string sql)
    {
        using var statement = Prepare(sql);
        statement.Execute();
    }

    private SqliteStatement Prepare(string sql)
    {
        var text = Encoding.UTF8.GetBytes(sql);
        var result = LibSqlite.sqlite3_prepare_v2(connection, text, text.Length, out var handle, 0);
        if (result != LibSqlite.Ok)
        {
            handle.Dispose();
            Check(result);
        }
        return new SqliteStatement(this, handle);
    }
}
