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

internal enum InterfaceErrorMode
{
    Refuse,
    Ignore,
}

/// <param name="Name">Of the VRF and its device.</param>
/// <param name="Table">Its routing table.</param>
internal sealed record VrfOptions(string Name, int Table);

/// <summary>The keys of virtual-templates.</summary>
internal static class VirtualTemplateTable
{
    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("virtual-templates", new ListSyntax(new SectionSyntax(
        ConfigurationTable.Required("number", ScalarTable.Integer(1, 4095), "Number by which profiles refer to the template.") with { Declares = ConfigurationTable.Templates },
        ConfigurationTable.Key("mode", ScalarTable.Word(("configured", TemplateMode.Configured), ("auto", TemplateMode.Auto)),
            "`auto`: each session has the tunnel mode that its client offers, ESP in tunnel mode or GRE under ESP in transport mode, whatever `tunnel mode` commands of the template and of AAA say; `configured`: a session that does not fit a `tunnel mode` command is refused.", "configured"),
        ConfigurationTable.Key("commands", new ListSyntax(ScalarTable.Text), "Interface commands (docs/interface-commands.md) that each session's interface starts with, such as `ip unnumbered lan0`, `ip mtu 1400`, `ip tcp adjust-mss 1360`.") with { Rule = r => r.InterfaceCommand })),
        "What each session's virtual-access interface is made from. SIGHUP reads them again: interfaces that stand are locked to what they were cloned from, new sessions get the change.");

    public static ConfigurationKey Vrfs { get; } = ConfigurationTable.Key("vrfs", new ListSyntax(new SectionSyntax(
        ConfigurationTable.Required("name", ScalarTable.Name, "Name of the VRF and of its device, at most 15 characters.") with { Declares = "vrfs" },
        ConfigurationTable.Required("table", ScalarTable.Integer(1, int.MaxValue), "Number of its routing table."))),
        "VRFs that are made when `vrf forwarding` names one that this machine does not have. They go with the headend; VRFs that stand already need no entry.");

    public static IReadOnlyList<VrfOptions> CompileVrfs(SectionValue root) => [.. root.Sections("vrfs").Select(v => new VrfOptions(v.Get<string>("name"), v.Get<int>("table")))];

    /// <summary>A device's name is shorter than other names.</summary>
    public static void CheckVrfs(SectionValue root, DiagnosticStore diagnostics)
    {
        foreach (var vrf in root.Sections("vrfs"))
        {
            if (vrf.GetOptional<string>("name") is { Length: > 15 } name)
                diagnostics.Error(vrf.PlaceOf("name"), $"'{Shown.Text(name)}' is longer than the 15 characters of a device's name");
            if (vrf.GetOptionalValue<int>("table") is 253 or 254 or 255)
                diagnostics.Error(vrf.PlaceOf("table"), "tables 253 to 255 are the kernel's own");
        }
    }

    public static IReadOnlyList<VirtualTemplateOptions> Compile(SectionValue root) =>
        [.. root.Sections("virtual-templates").Select(t => new VirtualTemplateOptions(t.Get<int>("number"), t.List<string>("commands"), t.Get<TemplateMode>("mode") == TemplateMode.Auto))];

    /// <summary>Names in commands must exist in the configuration, each command by itself: a later one may take it back.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        var names = NamesOf(root);
        foreach (var command in root.Sections("virtual-templates").SelectMany(t => t.Items("commands")))
        {
            foreach (var (_, failure) in VirtualAccessDerivation.Derive(new VirtualTemplate(0, [(string)command.Value]), [], new DerivationRules(names)).Failures)
                diagnostics.Error(command.At, failure.ToString());
        }
    }

    private static InterfaceNames NamesOf(SectionValue root) =>
        new(NamesOf(root.Sections("access-lists")), NamesOf(root.GetOptional<SectionValue>("qos")?.Sections("policy-maps") ?? []))
        {
            Pools = NamesOf(root.Sections("pools").Where(p => !p.Has("prefix-length"))),
        };

    private static HashSet<string> NamesOf(IEnumerable<SectionValue> sections) =>
        sections.Select(s => s.GetOptional<string>("name")).OfType<string>().ToHashSet(StringComparer.Ordinal);
}
