using System.Text;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Writes the configuration of a virtual-access interface as <c>show derived-config</c> does.</summary>
public static class DerivedConfigCompiler
{
    /// <summary>IOS counts a comment line before the text and an empty line behind it, which it does not always print.</summary>
    private const int UncountedOctets = 3;

    /// <summary>The text, line by line.</summary>
    /// <param name="name">For example <c>Virtual-Access1</c>.</param>
    /// <param name="commands">In order.</param>
    public static string Compile(string name, IEnumerable<string> commands)
    {
        var body = new StringBuilder($"interface {name}\n");
        foreach (var command in commands) body.Append(' ').Append(command).Append('\n');
        body.Append("end\n");
        var octets = Encoding.UTF8.GetByteCount(body.ToString()) + UncountedOctets;
        return $"Building configuration...\n\nDerived configuration : {octets} bytes\n\n{body}";
    }
}
