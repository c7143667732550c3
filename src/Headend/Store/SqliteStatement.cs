using System.Runtime.InteropServices;
using System.Text;

namespace Headend.Store;

/// <summary>One prepared statement of an <see cref="EmbeddedStore"/>, kept for its life. Parameters count from 1, columns from 0. Its store's thread only.</summary>
internal sealed class SqliteStatement(EmbeddedStore store, SqliteStatementHandle handle) : IDisposable
{
    public SqliteStatement Bind(int index, long value)
    {
        store.Check(LibSqlite.sqlite3_bind_int64(handle, index, value));
        return this;
    }

    /// <summary>SQLite's integers are signed: the same 64 bits.</summary>
    public SqliteStatement Bind(int index, ulong value) => Bind(index, unchecked((long)value));

    /// <summary>Null binds NULL.</summary>
    public SqliteStatement Bind(int index, long? value) => value is { } number ? Bind(index, number) : BindNull(index);

    public SqliteStatement Bind(int index, string? text)
    {
        if (text is null)
            return BindNull(index);
        var octets = Encoding.UTF8.GetBytes(text);
        store.Check(LibSqlite.sqlite3_bind_text(handle, index, Pinnable(octets), octets.Length, LibSqlite.Transient));
        return this;
    }

    public SqliteStatement Bind(int index, ReadOnlySpan<byte> octets)
    {
        store.Check(LibSqlite.sqlite3_bind_blob(handle, index, Pinnable(octets), octets.Length, LibSqlite.Transient));
        return this;
    }

    /// <summary>Runs it to the end and makes it ready for the next time.</summary>
    /// <exception cref="StoreException">SQLite says why.</exception>
    public void Execute()
    {
        try
        {
            while (Step())
            {
            }
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>True while there is a row. After the last one, or before it, call <see cref="Reset"/>.</summary>
    /// <exception cref="StoreException">SQLite says why.</exception>
    public bool Step()
    {
        var result = LibSqlite.sqlite3_step(handle);
        if (result == LibSqlite.Row) return true;
        if (result != LibSqlite.Done) store.Check(result);
        return false;
    }

    // Its result repeats the last step's, which has been reported.
    public void Reset() => _ = LibSqlite.sqlite3_reset(handle);

    public long Integer(int column) => LibSqlite.sqlite3_column_int64(handle, column);

    public byte[] Octets(int column)
    {
        // In this order: the length is of the form that the first call converted to.
        var from = LibSqlite.sqlite3_column_blob(handle, column);
        var octets = new byte[LibSqlite.sqlite3_column_bytes(handle, column)];
        if (from != 0) Marshal.Copy(from, octets, 0, octets.Length);
        return octets;
    }

    public string Text(int column) => Encoding.UTF8.GetString(Octets(column));

    public void Dispose() => handle.Dispose();

    private SqliteStatement BindNull(int index)
    {
        store.Check(LibSqlite.sqlite3_bind_null(handle, index));
        return this;
    }

    // An empty span's null would be bound as NULL.
    private static ReadOnlySpan<byte> Pinnable(ReadOnlySpan<byte> octets) => octets.IsEmpty ? "\0"u8 : octets;
}
