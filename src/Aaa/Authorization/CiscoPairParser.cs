namespace Headend.Aaa.Authorization;

/// <summary>One Cisco AV pair.</summary>
/// <param name="Protocol">"ipsec", "ip" ...; empty when none was written.</param>
/// <param name="Attribute">Lower case, without its line number.</param>
/// <param name="Value">Everything behind the first = or *.</param>
/// <param name="IsMandatory">Written with "="; an unknown one with "*" is ignored in silence.</param>
/// <param name="Line">The n of "#n", which orders lines of one attribute; -1 without.</param>
public readonly record struct CiscoPair(string Protocol, string Attribute, string Value, bool IsMandatory, int Line)
{
    public string Name => Protocol.Length == 0 ? Attribute : $"{Protocol}:{Attribute}";
}

/// <summary>Cisco AV pair syntax: protocol:attribute=value, with * in place of = for optional, and #n behind the attribute to order lines.</summary>
public static class CiscoPairParser
{
    /// <summary>False when there is no attribute name or the line number is no number.</summary>
    public static bool TryParse(string text, out CiscoPair pair)
    {
        pair = default;
        var separator = text.AsSpan().IndexOfAny('=', '*');
        if (separator <= 0) return false;
        var name = text.AsSpan(0, separator).Trim();
        var protocol = "";
        var colon = name.IndexOf(':');
        if (colon >= 0)
        {
            protocol = name[..colon].Trim().ToString().ToLowerInvariant();
            name = name[(colon + 1)..].Trim();
        }
        var line = -1;
        var hash = name.IndexOf('#');
        if (hash >= 0)
        {
            if (!int.TryParse(name[(hash + 1)..], System.Globalization.NumberStyles.None, null, out line)) return false;
            name = name[..hash].TrimEnd();
        }
        if (name.IsEmpty) return false;
        pair = new CiscoPair(protocol, name.ToString().ToLowerInvariant(), text[(separator + 1)..].Trim(), text[separator] == '=', line);
        return true;
    }
}
