using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Headend.Telemetry;

/// <summary>
/// Turns a collection of OpenTelemetry metrics into the Prometheus text format 0.0.4: names with unit and <c>_total</c>, HELP and TYPE, cumulative
/// buckets, escaped labels. Driven by a <see cref="BaseExportingMetricReader"/>; <see cref="CollectText"/> is safe from any thread.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusObserver : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock gate = new();
    private string text = "";

    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects now; null when the collection did not end within <paramref name="timeout"/>.</summary>
    public string? CollectText(TimeSpan timeout)
    {
        lock (gate)
            return Collect?.Invoke((int)timeout.TotalMilliseconds) == true ? text : null;
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        var output = new StringBuilder(8192);
        foreach (var metric in batch)
            Write(output, metric);
        text = output.ToString();
        return ExportResult.Success;
    }

    private static void Write(StringBuilder output, Metric metric)
    {
        var isCounter = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        var isHistogram = metric.MetricType == MetricType.Histogram;
        var name = Name(metric.Name, metric.Unit, isCounter);
        if (metric.Description.Length > 0)
            output.Append("# HELP ").Append(name).Append(' ').Append(Escape(metric.Description, quotes: false)).Append('\n');
        output.Append("# TYPE ").Append(name).Append(isCounter ? " counter\n" : isHistogram ? " histogram\n" : " gauge\n");
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = Labels(point.Tags);
            if (isHistogram)
                WriteHistogram(output, name, labels, point);
            else
                WriteLine(output, name, labels, Value(metric.MetricType, point));
        }
    }

    private static string Value(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => Number(point.GetSumLong()),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => Number(point.GetSumDouble()),
        MetricType.LongGauge => Number(point.GetGaugeLastValueLong()),
        _ => Number(point.GetGaugeLastValueDouble()),
    };

    private static void WriteHistogram(StringBuilder output, string name, string labels, in MetricPoint point)
    {
        long cumulative = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            var bound = $"le=\"{Number(bucket.ExplicitBound)}\"";
            WriteLine(output, name + "_bucket", labels.Length == 0 ? bound : labels + "," + bound, Number(cumulative));
        }
        WriteLine(output, name + "_sum", labels, Number(point.GetHistogramSum()));
        WriteLine(output, name + "_count", labels, Number(point.GetHistogramCount()));
    }

    private static void WriteLine(StringBuilder output, string name, string labels, string value)
    {
        output.Append(name);
        if (labels.Length > 0)
            output.Append('{').Append(labels).Append('}');
        output.Append(' ').Append(value).Append('\n');
    }

    private static string Labels(ReadOnlyTagCollection tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            if (labels.Length > 0)
                labels.Append(',');
            var shown = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            labels.Append(Sanitize(key)).Append("=\"").Append(Escape(shown, quotes: true)).Append('"');
        }
        return labels.ToString();
    }

    internal static string Name(string name, string unit, bool isCounter)
    {
        // UCUM annotations such as {packet} name what is counted, not a unit.
        var suffix = unit switch { "s" => "_seconds", "By" => "_bytes", "ms" => "_milliseconds", _ => "" };
        return Sanitize(name) + suffix + (isCounter ? "_total" : "");
    }

    internal static string Escape(string value, bool quotes)
    {
        var escaped = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Sanitize(string name) => string.Create(name.Length, name, (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsAsciiLetterOrDigit(source[i]) && !(i == 0 && char.IsAsciiDigit(source[i])) ? source[i] : '_';
    });

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };
}
