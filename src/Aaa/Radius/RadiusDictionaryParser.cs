using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Headend.Aaa.Radius;

/// <summary>What is wrong in a dictionary file.</summary>
/// <param name="File">Path as given or included.</param>
/// <param name="Line">From 1.</param>
/// <param name="Message">For an operator.</param>
public sealed record RadiusDictionaryError(string File, int Line, string Message);

/// <summary>
/// Reads dictionaries in the format of FreeRADIUS 2 and 3: VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE, VALUE, BEGIN-TLV, END-TLV, FLAGS and $INCLUDE. Attributes that
/// one octet does not number are read for their names. Every error is listed with its file and line.
/// </summary>
public sealed class RadiusDictionaryParser
{
    private const int MaximumDepth = 16;
    private const int MaximumFiles = 1000;
    private const int MaximumErrors = 100;

    private readonly Func<string, (string? Text, string? Error)> open;
    private readonly List<RadiusDictionaryError> errors = [];
    private readonly List<(string Attribute, string Word, string Number, RadiusDictionaryError At)> pending = [];
    private string file = "";
    private int line;
    private int depth;
    private int files;
    private (string Name, uint Number, bool IsPlain)? vendor;
    private int tlvs;

    internal RadiusDictionaryParser(RadiusDictionaryDraft draft, Func<string, (string? Text, string? Error)> open)
    {
        Draft = draft;
        this.open = open;
    }

    internal RadiusDictionaryDraft Draft { get; }

    /// <summary>Adds files to a dictionary.</summary>
    /// <param name="basis">The dictionary to start from; stays as it is.</param>
    /// <param name="paths">In order; an included path is relative to the file that includes it.</param>
    /// <param name="open">Reads a file: its text, or why it cannot be read.</param>
    /// <param name="dictionary">The larger dictionary.</param>
    /// <param name="errors">In the order in which they stand; at most 100.</param>
    public static bool TryExtend(
        RadiusDictionary basis, IEnumerable<string> paths, Func<string, (string? Text, string? Error)> open,
        [NotNullWhen(true)] out RadiusDictionary? dictionary, out IReadOnlyList<RadiusDictionaryError> errors)
    {
        var parser = new RadiusDictionaryParser(basis.Draft.Copy(), open);
        foreach (var path in paths)
        {
            parser.file = path;
            parser.line = 1;
            parser.Include(path, isOptional: false);
        }
        dictionary = parser.TryFinish(out errors) ? new RadiusDictionary(parser.Draft) : null;
        return dictionary is not null;
    }

    internal void Read(string path, string text)
    {
        var (outerFile, outerLine) = (file, line);
        (file, line) = (path, 0);
        depth++;
        foreach (var row in text.AsSpan().EnumerateLines())
        {
            line++;
            var comment = row.IndexOf('#');
            var words = (comment < 0 ? row : row[..comment]).ToString().Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0) ReadLine(words);
        }
        if (depth == 1)
        {
            if (vendor is { } open) Fail($"BEGIN-VENDOR {open.Name} has no END-VENDOR");
            if (tlvs > 0) Fail("BEGIN-TLV has no END-TLV");
            (vendor, tlvs) = (null, 0);
        }
        depth--;
        (file, line) = (outerFile, outerLine);
    }

    /// <summary>Values may stand before their attribute.</summary>
    internal bool TryFinish(out IReadOnlyList<RadiusDictionaryError> found)
    {
        foreach (var (attribute, word, number, at) in pending)
        {
            if (!Draft.ByName.TryGetValue(attribute, out var entry)) Fail($"VALUE {attribute} {word}: there is no such attribute", at);
            else if (!TryWide(number, out var wide)) Fail($"VALUE {attribute} {word}: '{number}' is no number", at);
            else if (wide <= uint.MaxValue)
            {
                Draft.Values.TryAdd((entry.Name, (uint)wide), word);
                Draft.Words[RadiusDictionaryDraft.KeyOf(entry.Name, word)] = (uint)wide;
            }
        }
        pending.Clear();
        found = errors;
        return errors.Count == 0;
    }

    private void ReadLine(string[] words)
    {
        switch (words)
        {
            case ["ATTRIBUTE", var name, var number, var kind, ..]:
                AddAttribute(name, number, kind, words.Length > 4 ? words[4] : null);
                break;
            case ["VALUE", var attribute, var word, var number]:
                pending.Add((attribute, word, number, new RadiusDictionaryError(file, line, "")));
                break;
            case ["VENDOR", var name, var number, ..]:
                AddVendor(name, number, words.Length > 3 ? words[3] : null);
                break;
            case ["BEGIN-VENDOR", var name, ..] when Draft.Vendors.TryGetValue(name, out var found):
                // "BEGIN-VENDOR X format=Extended-Vendor-Specific-1" (RFC 6929) or "parent=...": another space than attribute 26's.
                vendor = (name, found.Number, found.IsPlain && words.Length == 2);
                break;
            case ["END-VENDOR", var name] when vendor is { } open && string.Equals(open.Name, name, StringComparison.OrdinalIgnoreCase):
                vendor = null;
                break;
            case ["BEGIN-TLV", _]:
                tlvs++;
                break;
            case ["END-TLV", _] when tlvs > 0:
                tlvs--;
                break;
            case ["FLAGS", ..]:
                break;
            case ["$INCLUDE" or "$INCLUDE-", var path]:
                Include(Path.Combine(Path.GetDirectoryName(file) ?? "", path), isOptional: words[0].EndsWith('-'));
                break;
            default:
                Fail($"not understood: {string.Join(' ', words)}");
                break;
        }
    }

    private void AddVendor(string name, string number, string? format)
    {
        if (!TryWide(number, out var wide) || wide > uint.MaxValue) Fail($"VENDOR {name}: '{number}' is no number");
        else if (Draft.Vendors.TryGetValue(name, out var known) && known.Number != wide) Fail($"VENDOR {name} is {known.Number} already");
        else Draft.Vendors[name] = ((uint)wide, format is null or "format=1,1");
    }

    private void AddAttribute(string name, string number, string kind, string? more)
    {
        var space = vendor;
        // FreeRADIUS 1 wrote the vendor at the end of the line.
        if (space is null && more is not null && Draft.Vendors.TryGetValue(more, out var last)) space = (more, last.Number, last.IsPlain);
        ulong wide = 0;
        var isDotted = number.Contains('.') && number.Split('.').All(static part => TryWide(part, out _));
        if (!isDotted && !TryWide(number, out wide))
        {
            Fail($"ATTRIBUTE {name}: '{number}' is no number");
            return;
        }
        var isNumbered = !isDotted && tlvs == 0 && space is not { IsPlain: false } && wide is > 0 and <= byte.MaxValue;
        var entry = new RadiusDictionaryEntry(name, new RadiusVendor(space?.Number ?? 0), isNumbered ? (byte)wide : (byte)0, kind);
        if (Draft.ByName.TryGetValue(name, out var known))
        {
            if (known.Vendor != entry.Vendor || known.Type != entry.Type) Fail($"ATTRIBUTE {name} is {Describe(known)} already");
            return;
        }
        Draft.ByName.Add(name, entry);
        // Dictionaries give old names to numbers that already have one: the first name is shown, all are understood.
        if (isNumbered) Draft.ByNumber.TryAdd((entry.Vendor.Value, entry.Type), entry);
    }

    private void Include(string path, bool isOptional)
    {
        if (depth >= MaximumDepth)
        {
            Fail($"$INCLUDE {path}: files include each other {MaximumDepth} levels deep");
            return;
        }
        if (++files > MaximumFiles)
        {
            Fail($"$INCLUDE {path}: more than {MaximumFiles} files");
            return;
        }
        var (text, error) = open(path);
        if (text is not null) Read(path, text);
        else if (!isOptional) Fail($"{path} cannot be read: {error}");
    }

    private static string Describe(RadiusDictionaryEntry entry) => entry.Vendor.Value == 0 ? $"{entry.Type}" : $"{entry.Type} of vendor {entry.Vendor.Value}";

    private void Fail(string message) => Fail(message, new RadiusDictionaryError(file, line, ""));

    private void Fail(string message, RadiusDictionaryError at)
    {
        if (errors.Count < MaximumErrors) errors.Add(at with { Message = message });
    }

    private static bool TryWide(string word, out ulong number)
        => word.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
