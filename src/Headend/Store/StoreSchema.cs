namespace Headend.Store;

/// <summary>
/// The tables of the embedded store, as the steps that lead from one version to the next. A step that has been released is never changed: a new version appends
/// one. The version is the number of steps done.
/// </summary>
internal static class StoreSchema
{
    public static IReadOnlyList<string[]> Migrations { get; } =
    [
        [
            """
            CREATE TABLE accounting_record (
                id INTEGER PRIMARY KEY,
                list TEXT NOT NULL,
                session TEXT NOT NULL,
                status INTEGER NOT NULL,
                event_at INTEGER NOT NULL,
                attributes BLOB NOT NULL) STRICT
            """,
            """
            CREATE TABLE open_session (
                session TEXT PRIMARY KEY,
                list TEXT NOT NULL,
                started_at INTEGER NOT NULL,
                seen_at INTEGER NOT NULL,
                input_octets INTEGER NOT NULL,
                output_octets INTEGER NOT NULL,
                input_packets INTEGER NOT NULL,
                output_packets INTEGER NOT NULL,
                description BLOB NOT NULL) STRICT, WITHOUT ROWID
            """,
            "CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        ],
        [
            "ALTER TABLE open_session ADD COLUMN session_time INTEGER NOT NULL DEFAULT 0",
            "UPDATE open_session SET session_time = max(0, seen_at - started_at)",
        ],
        [
            """
            CREATE TABLE sealed_record (
                kind TEXT NOT NULL,
                id TEXT NOT NULL,
                expires_at INTEGER,
                content BLOB NOT NULL,
                PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID
            """,
        ],
    ];
}
