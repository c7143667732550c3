using System.Globalization;
using Headend.Admin;

namespace Headend.Cli;

/// <summary><c>show crypto ikev2 stats reconnect</c>, in FlexVPN's words and columns.</summary>
internal static class ReconnectTables
{
    private const int ValueColumn = 44;

    public static void Print(ReconnectStatisticsRecord counts, CommandLineOptions options)
    {
        foreach (var (name, value) in ((string, long)[])[
            ("Total incoming reconnect connection:", counts.Incoming),
            ("Success reconnect connection:", counts.Succeeded),
            ("Failed reconnect connection:", counts.Failed),
            ("Reconnect capable active session count:", counts.CapableActive),
            ("Reconnect capable inactive session count:", counts.CapableInactive)])
            options.Output.WriteLine(name.PadRight(ValueColumn) + value.ToString(CultureInfo.InvariantCulture));
    }
}
