using System.Globalization;
using Headend.Admin;

namespace Headend.Cli;

/// <summary><c>show crypto ikev2 stats</c>: one number a line in the column of <see cref="ReconnectTables"/>; reasons stand indented below what they are reasons of.</summary>
internal static class IkeStatisticsTable
{
    private const int ValueColumn = 44;

    public static void Print(IkeStatisticsRecord counts, CommandLineOptions options)
    {
        Line("IKE SAs", counts.IkeSas);
        Line("  half-open", counts.HalfOpen);
        Line("CHILD_SAs", counts.ChildSas);
        Line("Active sessions", counts.ActiveSessions);
        Line("Inactive sessions", counts.InactiveSessions);
        Text("Shards that demand cookies", string.Create(CultureInfo.InvariantCulture, $"{counts.ShardsDemandingCookies} of {counts.Shards}"));
        Group("Logins", counts.Logins.Select(l => (l.Reason is null ? l.Outcome : $"{l.Outcome}, {l.Reason}", l.Count)));
        Line("Reconnects", counts.Reconnects.Incoming);
        Line("  success", counts.Reconnects.Succeeded);
        Line("  failed", counts.Reconnects.Failed);
        Group("Sessions ended", counts.SessionsEnded.Select(s => (s.Reason, s.Count)));
        Group("Exchanges begun by clients", counts.Exchanges.Select(e => (e.Type, e.Remote)));
        Group("Exchanges begun by the headend", counts.Exchanges.Select(e => (e.Type, e.Local)));
        Group("Rekeys begun by clients", counts.Rekeys.Select(r => (r.Type, r.Remote)));
        Group("Rekeys begun by the headend", counts.Rekeys.Select(r => (r.Type, r.Local)));
        Line("Retransmissions received", counts.RetransmissionsReceived);
        Line("Retransmissions sent", counts.RetransmissionsSent);
        Group("Datagrams discarded", counts.Discards.Select(d => (d.Reason, d.Count)));

        void Group(string name, IEnumerable<(string Name, long Count)> parts)
        {
            var all = parts.ToList();
            Line(name, all.Sum(p => p.Count));
            foreach (var (part, count) in all)
                Line("  " + part, count);
        }

        void Line(string name, long value) => Text(name, value.ToString(CultureInfo.InvariantCulture));

        void Text(string name, string value) => options.Output.WriteLine($"{name}:".PadRight(ValueColumn) + value);
    }
}
