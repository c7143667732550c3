using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Configuration;

/// <summary>Dictionaries of RADIUS attributes beside the built-in one: read when the configuration is, so that their errors stand among its own.</summary>
internal static class DictionaryTable
{
    private const string Name = "dictionaries";
    private const string Read = "dictionaries value";
    private const long MaximumFile = 4 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key(Name, new ListSyntax(ScalarTable.Path, Maximum: 100),
        "Files in the format of FreeRADIUS (ATTRIBUTE, VALUE, VENDOR, BEGIN-VENDOR, BEGIN-TLV, $INCLUDE): further names of attributes and values, for logs and attribute lists.");

    public static void Check(SectionValue section, DiagnosticStore diagnostics)
    {
        var files = section.Items(Name);
        if (files.Count == 0)
            return;
        var paths = files.Select(f => ConfigurationPaths.Resolve((string)f.Value, f.At));
        if (RadiusDictionaryParser.TryExtend(RadiusDictionary.Core, paths, Open, out var dictionary, out var errors))
            section.Set(Read, new ConfigurationValue(dictionary, section.At));
        foreach (var error in errors)
            diagnostics.Error(new SourcePosition(error.File, error.Line, 1), error.Message);
    }

    public static RadiusDictionary Of(SectionValue section) => section.GetOptional<RadiusDictionary>(Read) ?? RadiusDictionary.Core;

    private static (string? Text, string? Error) Open(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Attributes.HasFlag(FileAttributes.Device))
                return (null, "no such file");
            return file.Length > MaximumFile ? (null, $"longer than {MaximumFile} octets") : (File.ReadAllText(path, StrictUtf8), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException)
        {
            return (null, error is DecoderFallbackException ? "not UTF-8" : error.Message);
        }
    }
}
