using System.Diagnostics.CodeAnalysis;
using Headend.Aaa.Accounting;

namespace Headend.Store;

/// <summary>The accounting spool in the embedded store: one transaction a batch.</summary>
internal sealed class EmbeddedAccountingSpool(EmbeddedStore store) : IAccountingSpool
{
    private const string AliveAt = "accounting-alive-at";

    /// <exception cref="StoreException">The file cannot be read.</exception>
    public SpoolContent Load()
    {
        lock (store.Gate) return Read();
    }

    private SpoolContent Read()
    {
        var records = new List<SpooledRecord>();
        var select = store.Statement("SELECT id, list, session, status, event_at, attributes FROM accounting_record ORDER BY id");
        while (select.Step())
        {
            records.Add(new SpooledRecord(
                select.Integer(0), select.Text(1), select.Text(2), new AcctStatusType((uint)select.Integer(3)), EmbeddedStore.FromMilliseconds(select.Integer(4)), select.Octets(5)));
        }
        select.Reset();
        var sessions = new List<OpenSessionRecord>();
        select = store.Statement(
            "SELECT session, list, started_at, seen_at, input_octets, output_octets, input_packets, output_packets, description, session_time FROM open_session ORDER BY started_at, session");
        while (select.Step())
        {
            var counters = new TrafficCounters((ulong)select.Integer(4), (ulong)select.Integer(5), (ulong)select.Integer(6), (ulong)select.Integer(7));
            sessions.Add(new OpenSessionRecord(
                select.Text(0), select.Text(1), EmbeddedStore.FromMilliseconds(select.Integer(2)), EmbeddedStore.FromMilliseconds(select.Integer(3)),
                TimeSpan.FromMilliseconds(Math.Clamp(select.Integer(9), 0, uint.MaxValue * 1000L)), counters, select.Octets(8)));
        }
        select.Reset();
        return new SpoolContent(records, sessions, store.ReadSetting(AliveAt) is { } alive ? EmbeddedStore.FromMilliseconds(alive) : null);
    }

    public bool TryCommit(SpoolBatch batch, [NotNullWhen(false)] out string? failure)
    {
        failure = null;
        lock (store.Gate)
        {
            try
            {
                store.Begin();
                Write(batch);
                store.Commit();
                return true;
            }
            catch (StoreException error)
            {
                store.RollBack();
                failure = error.Message;
                return false;
            }
        }
    }

    private void Write(SpoolBatch batch)
    {
        var insert = store.Statement(
            "INSERT INTO accounting_record (id, list, session, status, event_at, attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING");
        foreach (var record in batch.Added)
        {
            insert.Bind(1, record.Id).Bind(2, record.List).Bind(3, record.SessionId).Bind(4, record.Status.Value)
                .Bind(5, record.EventAt.ToUnixTimeMilliseconds()).Bind(6, record.Attributes.Span).Execute();
        }
        var delete = store.Statement("DELETE FROM accounting_record WHERE id = ?1");
        foreach (var id in batch.Removed) delete.Bind(1, id).Execute();
        var open = store.Statement(
            """
            INSERT INTO open_session (session, list, started_at, seen_at, input_octets, output_octets, input_packets, output_packets, description, session_time)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (session) DO UPDATE SET
                seen_at = excluded.seen_at, input_octets = excluded.input_octets, output_octets = excluded.output_octets,
                input_packets = excluded.input_packets, output_packets = excluded.output_packets, description = excluded.description,
                session_time = excluded.session_time
            """);
        foreach (var session in batch.Opened)
        {
            open.Bind(1, session.SessionId).Bind(2, session.List).Bind(3, session.StartedAt.ToUnixTimeMilliseconds()).Bind(4, session.SeenAt.ToUnixTimeMilliseconds())
                .Bind(5, session.Counters.InputOctets).Bind(6, session.Counters.OutputOctets).Bind(7, session.Counters.InputPackets)
                .Bind(8, session.Counters.OutputPackets).Bind(9, session.Description.Span).Bind(10, (long)session.SessionTime.TotalMilliseconds).Execute();
        }
        var close = store.Statement("DELETE FROM open_session WHERE session = ?1");
        foreach (var session in batch.Closed) close.Bind(1, session).Execute();
        if (batch.AliveAt is { } alive) store.WriteSetting(AliveAt, alive.ToUnixTimeMilliseconds());
    }
}
