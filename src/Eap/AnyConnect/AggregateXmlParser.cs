using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using System.Xml;

namespace Headend.Eap.AnyConnect;

/// <summary>Reads aggregate-authentication documents of strangers: no DTD, no entities but XML's own five, nothing resolved, every dimension bounded.</summary>
internal static class AggregateXmlParser
{
    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = AnyConnectLimits.MaxDocumentOctets,
        MaxCharactersFromEntities = 1024,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        ConformanceLevel = ConformanceLevel.Document,
    };

    /// <summary>False with what is wrong; it names no part of the document, which may hold a password.</summary>
    public static bool TryParse(ReadOnlySpan<byte> octets, [NotNullWhen(true)] out AggregateElement? root, [NotNullWhen(false)] out string? error)
    {
        root = null;
        error = null;
        if (octets.Length > AnyConnectLimits.MaxDocumentOctets)
            error = $"an XML document of {octets.Length} octets";
        else if (!Utf8.IsValid(octets))
            error = "the XML document is not UTF-8";
        if (error is not null)
            return false;

        // Documents end in NUL or line breaks at times, and may begin with a byte order mark.
        var text = Encoding.UTF8.GetString(octets).Trim('\uFEFF', '\0', ' ', '\r', '\n', '\t');
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), Settings);
            error = Read(reader, out root);
        }
        catch (XmlException broken)
        {
            error = $"the XML document is broken at line {broken.LineNumber}, column {broken.LinePosition}";
        }

        if (error is null)
            return root is not null;
        root = null;
        return false;
    }

    private static string? Read(XmlReader reader, out AggregateElement? root)
    {
        root = null;
        var open = new Stack<(AggregateElement Element, StringBuilder Text)>();
        var elements = 0;
        while (reader.Read())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    if (++elements > AnyConnectLimits.MaxElements || open.Count >= AnyConnectLimits.MaxDepth)
                        return "the XML document has too many elements";
                    var isEmpty = reader.IsEmptyElement;
                    var element = new AggregateElement(reader.Name);
                    if (ReadAttributes(reader, element) is { } error)
                        return error;
                    root ??= element;
                    if (open.TryPeek(out var parent))
                        parent.Element.Add(element);
                    if (!isEmpty)
                        open.Push((element, new StringBuilder()));
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace when open.TryPeek(out var inside):
                    if (inside.Text.Length + reader.Value.Length > AnyConnectLimits.MaxTextCharacters)
                        return "the XML document has too long a text";
                    inside.Text.Append(reader.Value);
                    break;
                case XmlNodeType.EndElement:
                    var (done, text) = open.Pop();
                    done.SetText(text.ToString());
                    break;
            }
        }

        return null;
    }

    private static string? ReadAttributes(XmlReader reader, AggregateElement element)
    {
        if (reader.AttributeCount > AnyConnectLimits.MaxAttributes)
            return "the XML document has too many attributes";
        while (reader.MoveToNextAttribute())
        {
            if (reader.Value.Length > AnyConnectLimits.MaxAttributeCharacters)
                return "the XML document has too long an attribute";
            element.AddAttribute(reader.Name, reader.Value);
        }

        reader.MoveToElement();
        return null;
    }
}
