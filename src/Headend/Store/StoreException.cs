namespace Headend.Store;

/// <summary>The embedded store cannot do what was asked: the disk is full or read-only, the file is damaged, another process holds it.</summary>
internal sealed class StoreException(string message, int code) : Exception(message)
{
    // On Linux the framework's HResult of an IOException is the errno.
    private const int EIO = 5;
    private const int ENOSPC = 28;
    private const int EROFS = 30;
    private const int EDQUOT = 122;

    /// <summary>SQLite's primary result code.</summary>
    public int Code { get; } = code & 0xFF;

    /// <summary>What the file holds is no longer what was written.</summary>
    public bool IsCorruption => Code is LibSqlite.Corrupt or LibSqlite.NotADatabase;

    public bool IsBusy => Code is LibSqlite.Busy or LibSqlite.Locked;

    /// <summary>The disk takes nothing now, being full, broken or mounted read-only; nobody has set anything wrong.</summary>
    public bool IsOfTheDisk => Code is LibSqlite.Full or LibSqlite.IoError or LibSqlite.ReadOnly;

    /// <summary>What the operating system said of a file beside the database, with the code that SQLite has for it.</summary>
    public static StoreException Of(Exception error, string what) => new($"{what}: {error.Message}", error.HResult switch
    {
        ENOSPC or EDQUOT => LibSqlite.Full,
        EIO => LibSqlite.IoError,
        EROFS => LibSqlite.ReadOnly,
        _ => LibSqlite.Ok,
    });
}
