using System.Text;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Writes docs/interface-commands.md from the table.</summary>
internal static class InterfaceReferenceCompiler
{
    private const string Preface = """
        # Interface commands

        Generated from `InterfaceCommandTable`; `HEADEND_WRITE_DOCS=1 dotnet test tests/VirtualAccess.Tests` writes it anew.

        They stand in a virtual-template of the configuration, in `ip:interface-config` attributes of AAA, and in CoA-Requests. A session's interface gets those of its template, then those of
        AAA: group, implicit user, user; with `override` implicit user, user, group. A later command replaces an earlier one. Last comes the session itself: `tunnel source`,
        `tunnel destination`, and `tunnel mode` where it is `auto`. `headend show derived-config interface virtual-access N` prints the result, with `--json` where each line came from.

        Keywords are written in full, in any case. Each command has a `no` form, whose arguments may be left out. A command that is unknown, has a bad argument, names what is not there, does
        not fit the session or cannot be had of this kernel refuses the login, or the CoA-Request, with a line that names it; nothing is changed then. With `interface-config-errors: ignore`
        a profile leaves such commands out at the login, but for those that filter, limit or shut down.

        """;

    public static string Compile()
    {
        var output = new StringBuilder(Preface.ReplaceLineEndings("\n"));
        output.Append("\n| command | meaning | on Linux |\n|---|---|---|\n");
        foreach (var row in InterfaceCommandTable.Rows) output.Append($"| `{row.Grammar}` | {row.Help} | {row.Effect} |\n");
        output.Append("\n## Arguments\n\n| argument | is |\n|---|---|\n| `<A-B>` | a number from A to B |\n");
        foreach (var kind in InterfaceParameterTable.Kinds) output.Append($"| `{kind.Name}` | {kind.Help} |\n");
        return output.ToString();
    }
}
