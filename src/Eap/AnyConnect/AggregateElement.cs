using System.Text;

namespace Headend.Eap.AnyConnect;

/// <summary>One element of an aggregate-authentication document, within the bounds of <see cref="AnyConnectLimits"/>.</summary>
internal sealed class AggregateElement(string name)
{
    private readonly List<(string Name, string Value)> attributes = [];
    private readonly List<AggregateElement> children = [];

    public string Name => name;

    /// <summary>The element's own text, without what stands around it and without unprintable characters: real documents have line breaks inside elements.</summary>
    public string Text { get; private set; } = "";

    /// <summary>The same as it came: a password may begin with a space.</summary>
    public string RawText { get; private set; } = "";

    public IReadOnlyList<AggregateElement> Children => children;

    public AggregateElement? Find(string child) => children.Find(c => string.Equals(c.Name, child, StringComparison.Ordinal));

    /// <summary>Text of a child, "" where it is absent.</summary>
    public string TextOf(string child) => Find(child)?.Text ?? "";

    /// <summary>"" where it is absent.</summary>
    public string Attribute(string attribute) => attributes.Find(a => string.Equals(a.Name, attribute, StringComparison.Ordinal)).Value ?? "";

    public void Add(AggregateElement child) => children.Add(child);

    public void AddAttribute(string attribute, string value) => attributes.Add((attribute, value));

    public void SetText(string text)
    {
        RawText = text;
        Text = Clean(text);
    }

    /// <summary>Names, attributes and texts in one form, so that an echo is recognised whatever quotes or line breaks the sender's XML library writes.</summary>
    public byte[] ToCanonical()
    {
        var text = new StringBuilder();
        Append(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private void Append(StringBuilder text)
    {
        text.Append('<').Append(name);
        foreach (var (attribute, value) in attributes.OrderBy(a => a.Name, StringComparer.Ordinal))
            text.Append(' ').Append(attribute).Append('=').Append(value.Length).Append(':').Append(value);
        text.Append('>').Append(Text.Length).Append(':').Append(Text);
        foreach (var child in children)
            child.Append(text);
        text.Append("</>");
    }

    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!char.IsControl(c))
                clean.Append(c);
        }

        return clean.ToString().Trim();
    }
}
