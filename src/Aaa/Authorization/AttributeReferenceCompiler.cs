using System.Globalization;
using System.Text;

namespace Headend.Aaa.Authorization;

/// <summary>Writes docs/attributes.md from the <see cref="AttributeTable"/>.</summary>
public static class AttributeReferenceCompiler
{
    private const string Preface = """
        # AAA attributes

        Generated from the table that the reader of profiles works by; a test fails when this file is stale.

        Attributes come from an Access-Accept (of the user's authentication, of a user or group authorization) or from the configuration: `aaa.attribute-lists` and
        `ikev2.authorization-policies` use the same names and the same parsers.

        ## Rules

        - A Cisco AV pair (vendor 9, type 1) is `protocol:attribute=value`. `ipsec:` and `ip:` are both accepted everywhere, and so is neither. `#n` behind the attribute orders lines
          of one attribute; lines without a number come first.
        - A pair with `*` in place of `=` is optional: unknown, it is ignored in silence. An unknown mandatory pair is logged by name (`unknown-attribute`) and counted
          (`headend.aaa.attributes.ignored`), and the login goes on. Other attributes that nothing reads are ignored (RFC 2865 5) and logged at debug level.
        - A value that cannot be read refuses the login, and the reason names the attribute; of the rows marked "ignored" the attribute is left out, logged (`ignored-value`) and
          counted. In the configuration both are errors of `check-config`.
        - Values that name a thing: the stronger side of the merge wins. Lists of routes, interface commands and split-DNS names add up. All that one side says of a direction's
          packet filter is one filter. Class adds up over authentication and user authorization.
        - Of several packet filters that one side names for a direction each must permit ([access lists](access-lists.md)). A filter that does not exist, cannot be read or cannot be
          enforced on this machine refuses the login, and the reason names it: nobody is let in with less filtering than AAA asked for. Rates and service-policies are logged (`rate-not-enforced`), and the session goes on without.
        - Routes that AAA names are part of the interface's plan: where one cannot be had, because it stands already for somebody else, the login fails and says which. With
          `route-accept=any` the client's selectors of at most an IPv4 /8 or an IPv6 /16 are accepted and routed, but none that meets a network of a pool or of this machine's own
          interfaces; a route that cannot be had is left out and logged (`route-not-accepted`).
        - `route-set=interface` without a name is the session's own interface: the address that it borrows, as a host. With a name it is the subnets of that interface.
        - `route-set=access-list` tells the client of each permit line the destination, or the source where the line names no destination. Deny lines and ports cannot be told to a
          client. A list or interface that does not exist refuses the login.
        - In a list of the configuration an attribute of RADIUS is written by its dictionary name (`Session-Timeout=3600`), numbers also by their word, octets as text or `0x...`.

        """;

    public static string Compile()
    {
        var output = new StringBuilder(Preface.ReplaceLineEndings("\n"));
        Section(output, "Attributes of RADIUS", AttributeTable.Rows.Where(static r => !r.IsCiscoPair));
        Section(output, "Cisco AV pairs", AttributeTable.Rows.Where(static r => r.IsCiscoPair));
        return output.ToString();
    }

    private static void Section(StringBuilder output, string title, IEnumerable<AttributeRow> rows)
    {
        output.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| attribute | vendor | type | value | effect | bad value | since |\n|---|---|---|---|---|---|---|\n");
        foreach (var row in rows)
        {
            var vendor = row.Vendor.Value == 0 ? "IETF" : $"{row.Vendor} ({row.Vendor.Value})";
            var bad = row.BadValue == BadValueRule.Refuse ? "refuses" : "ignored";
            output.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {vendor} | {row.Type} | {Escape(row.Form)} | {Escape(row.Effect)} | {bad} | {row.Since} |\n");
        }
    }

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
