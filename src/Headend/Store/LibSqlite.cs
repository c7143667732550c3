using System.Runtime.InteropServices;

namespace Headend.Store;

/// <summary>The part of SQLite 3 (3.37 or later: STRICT tables) that the embedded store needs. Result 0 is success, 100 a row, 101 the end.</summary>
internal static partial class LibSqlite
{
    public const int Ok = 0;
    public const int Busy = 5;
    public const int Locked = 6;
    public const int ReadOnly = 8;
    public const int IoError = 10;
    public const int Corrupt = 11;
    public const int Full = 13;
    public const int NotADatabase = 26;
    public const int Row = 100;
    public const int Done = 101;

    public const int OpenReadWrite = 0x2;
    public const int OpenCreate = 0x4;

    /// <summary>One thread at a time uses a connection; its owner sees to that.</summary>
    public const int OpenNoMutex = 0x8000;

    /// <summary>SQLite copies what is bound before the call returns.</summary>
    public const nint Transient = -1;

    private const string Library = "libsqlite3.so.0";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_open_v2(string file, out SqliteHandle connection, int flags, nint vfs);

    [LibraryImport(Library)]
    public static partial int sqlite3_close_v2(nint connection);

    [LibraryImport(Library)]
    public static partial int sqlite3_extended_errcode(SqliteHandle connection);

    [LibraryImport(Library)]
    public static partial nint sqlite3_errmsg(SqliteHandle connection);

    [LibraryImport(Library)]
    public static partial nint sqlite3_errstr(int code);

    [LibraryImport(Library)]
    public static partial int sqlite3_get_autocommit(SqliteHandle connection);

    [LibraryImport(Library)]
    public static partial int sqlite3_prepare_v2(SqliteHandle connection, ReadOnlySpan<byte> sql, int octets, out SqliteStatementHandle statement, nint tail);

    [LibraryImport(Library)]
    public static partial int sqlite3_finalize(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_step(SqliteStatementHandle statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_reset(SqliteStatementHandle statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_int64(SqliteStatementHandle statement, int index, long value);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_null(SqliteStatementHandle statement, int index);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_text(SqliteStatementHandle statement, int index, ReadOnlySpan<byte> text, int octets, nint destructor);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_blob(SqliteStatementHandle statement, int index, ReadOnlySpan<byte> octets, int length, nint destructor);

    [LibraryImport(Library)]
    public static partial long sqlite3_column_int64(SqliteStatementHandle statement, int column);

    [LibraryImport(Library)]
    public static partial nint sqlite3_column_blob(SqliteStatementHandle statement, int column);

    [LibraryImport(Library)]
    public static partial int sqlite3_column_bytes(SqliteStatementHandle statement, int column);
}

/// <summary>Owns a connection.</summary>
internal sealed class SqliteHandle : SafeHandle
{
    public SqliteHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LibSqlite.sqlite3_close_v2(handle) == LibSqlite.Ok;
}

/// <summary>Owns a prepared statement.</summary>
internal sealed class SqliteStatementHandle : SafeHandle
{
    public SqliteStatementHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        // Its result repeats the last step's error, which has been reported.
        _ = LibSqlite.sqlite3_finalize(handle);
        return true;
    }
}
