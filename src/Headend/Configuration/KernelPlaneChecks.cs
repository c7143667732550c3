using System.Collections.Immutable;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Configuration;

/// <param name="At">Place in the file.</param>
/// <param name="What">What is asked for.</param>
/// <param name="Consequence">With <c>data-plane: xfrm</c>.</param>
/// <param name="IsFatal">No session of the profile could come up.</param>
internal sealed record KernelPlaneGap(SourcePosition At, string What, string Consequence, bool IsFatal = false);

/// <summary>What a configuration asks of the data plane that the kernel's has not: told at its place for <c>xfrm</c>, the reason for user space for <c>auto</c>.</summary>
internal static class KernelPlaneChecks
{
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        if (root.GetOptional<SectionValue>("data-plane")?.GetOptionalValue<DataPlaneKind>("kind") is not DataPlaneKind.Xfrm)
            return;
        foreach (var gap in Gaps(root))
        {
            if (gap.IsFatal)
                diagnostics.Error(gap.At, $"{gap.What}; {gap.Consequence}");
            else
                diagnostics.Warning(gap.At, $"{gap.What}; {gap.Consequence}");
        }
    }

    /// <summary>Everything, in the order of the sections below; what AAA will say of a session is not known.</summary>
    public static IEnumerable<KernelPlaneGap> Gaps(SectionValue root)
    {
        foreach (var profile in root.GetOptional<SectionValue>("ikev2")?.Sections("profiles") ?? [])
        {
            if (profile.GetOptional<SectionValue>("ipsec") is { } ipsec && ipsec.GetOptionalValue<DfBit>("df-bit") is DfBit.Set)
                yield return new KernelPlaneGap(ipsec.PlaceOf("df-bit"), "'df-bit: set' is nothing that the kernel does", "with 'data-plane: xfrm' it is 'copy' or 'clear'", IsFatal: true);
            if (profile.GetOptional<SectionValue>("traffic") is { } traffic && traffic.Items("local").Count > XfrmProbe.LargestTraffic)
            {
                yield return new KernelPlaneGap(
                    traffic.PlaceOf("local"), $"more than {XfrmProbe.LargestTraffic} networks are more policies than the kernel is given for a session", "'data-plane: user-space' takes them", IsFatal: true);
            }
        }

        foreach (var template in root.Sections("virtual-templates"))
        {
            if (template.GetOptionalValue<TemplateMode>("mode") is TemplateMode.Auto)
                yield return Gre(template.PlaceOf("mode"));
            else if (TakesGre([.. template.Items("commands").Select(c => (string)c.Value)]))
                yield return Gre(template.PlaceOf("commands"));
        }

        foreach (var attribute in (root.GetOptional<SectionValue>("aaa")?.Sections("attribute-lists") ?? []).SelectMany(l => l.Items("attributes")))
        {
            var (name, command) = ((string)attribute.Value).Split('=', 2) is [var before, var behind] ? (before, behind) : ("", "");
            if (name.Contains("interface-config", StringComparison.Ordinal) && TakesGre([command]))
                yield return Gre(attribute.At);
        }
    }

    private static KernelPlaneGap Gre(SourcePosition at) =>
        new(at, "GRE sessions are nothing that the kernel's data plane carries", "with 'data-plane: xfrm' they are refused, those with ESP in tunnel mode are not");

    private static bool TakesGre(ImmutableArray<string> commands) =>
        VirtualAccessDerivation.Derive(new VirtualTemplate(0, commands), [], InterfaceNames.NoRules).Config.TunnelMode is { Value.Encapsulation: not TunnelEncapsulation.Ipsec };
}
