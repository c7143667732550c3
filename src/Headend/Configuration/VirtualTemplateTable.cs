using Headend.VirtualAccess.Configuration;

namespace Headend.Configuration;

/// <param name="Number">By which profiles refer to it.</param>
/// <param name="Commands">Each checked.</param>
/// <param name="IsAutoMode">The session decides about its tunnel mode.</param>
internal sealed record VirtualTemplateOptions(int Number, IReadOnlyList<string> Commands, bool IsAutoMode = false);

internal enum TemplateMode
{
    Configured,
    Auto,
}

/// <summary>The keys of virtual-templates.</summary>
internal static class VirtualTemplateTable
{
    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("virtual-templates", new ListSyntax(new SectionSyntax(
        ConfigurationTable.Required("number", ScalarTable.Integer(1, 4095), "Number by which profiles refer to the template.") with { Declares = ConfigurationTable.Templates },
        ConfigurationTable.Key("mode", ScalarTable.Word(("configured", TemplateMode.Configured), ("auto", TemplateMode.Auto)),
            "`auto`: each session has the tunnel mode that it comes with, whatever `tunnel mode` commands of the template and of AAA say; `configured`: a session that does not fit a `tunnel mode` command is refused.", "configured"),
        ConfigurationTable.Key("commands", new ListSyntax(ScalarTable.Text), "Interface commands (docs/interface-commands.md) that each session's interface starts with, such as `ip unnumbered lan0`, `ip mtu 1400`, `ip tcp adjust-mss 1360`.") with { Rule = r => r.InterfaceCommand })),
        "What each session's virtual-access interface is made from. SIGHUP reads them again: interfaces that stand are locked to what they were cloned from, new sessions get the change.");

    public static IReadOnlyList<VirtualTemplateOptions> Compile(SectionValue root) =>
        [.. root.Sections("virtual-templates").Select(t => new VirtualTemplateOptions(t.Get<int>("number"), t.List<string>("commands"), t.Get<TemplateMode>("mode") == TemplateMode.Auto))];

    /// <summary>Names in commands must exist in the configuration, each command by itself: a later one may take it back.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        var names = NamesOf(root);
        foreach (var command in root.Sections("virtual-templates").SelectMany(t => t.Items("commands")))
        {
            foreach (var (_, failure) in VirtualAccessDerivation.Derive(new VirtualTemplate(0, [(string)command.Value]), [], names).Failures)
                diagnostics.Error(command.At, failure.ToString());
        }
    }

    private static InterfaceNames NamesOf(SectionValue root) =>
        new(root.Sections("access-lists").Select(l => l.GetOptional<string>("name")).OfType<string>().ToHashSet(StringComparer.Ordinal), new HashSet<string>());
}
