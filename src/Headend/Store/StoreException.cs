namespace Headend.Store;

/// <summary>The embedded store cannot do what was asked: the disk is full or read-only, the file is damaged, another process holds it.</summary>
internal sealed class StoreException(string message, int code) : Exception(message)
{
    /// <summary>SQLite's primary result code.</summary>
    public int Code { get; } = code & 0xFF;

    /// <summary>What the file holds is no longer what was written.</summary>
    public bool IsCorruption => Code is LibSqlite.Corrupt or LibSqlite.NotADatabase;

    public bool IsBusy => Code is LibSqlite.Busy or LibSqlite.Locked;
}
