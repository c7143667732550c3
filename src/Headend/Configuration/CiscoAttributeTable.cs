using Headend.Ikev2.Wire;

namespace Headend.Configuration;

/// <summary>Which of Cisco's configuration attributes are answered with what; a profile changes single numbers.</summary>
internal static class CiscoAttributeTable
{
    private const int MostOctets = 1024;

    /// <summary>The numbers whose meaning is certain enough to answer them without being told to.</summary>
    public static IReadOnlyList<CiscoAttributeOptions> Known { get; } =
    [
        new(28672, CiscoAttributeSource.Banner, default),
        new(28674, CiscoAttributeSource.DefaultDomain, default),
        new(28675, CiscoAttributeSource.SplitDns, default),
        new(28676, CiscoAttributeSource.SplitInclude, default),
        new(28679, CiscoAttributeSource.Pfs, default),
        new(28681, CiscoAttributeSource.BackupServers, default),
        new(28684, CiscoAttributeSource.SmartcardRemovalDisconnect, default),
        new(28704, CiscoAttributeSource.SessionTimeout, default),
        new(28705, CiscoAttributeSource.IdleTimeout, default),
    ];

    private static readonly ScalarSyntax Octets = new("hexadecimal octets", text =>
        text.Length % 2 == 0 && text.Length is > 0 and <= 2 * MostOctets && text.All(char.IsAsciiHexDigit)
            ? ScalarOutcome.Good(Convert.FromHexString(text))
            : ScalarTable.Bad(text, $"pairs of hexadecimal digits, {MostOctets} at most, such as 0000001e"));

    private static readonly ScalarSyntax Source = ScalarTable.Word(
        ("banner", CiscoAttributeSource.Banner), ("default-domain", CiscoAttributeSource.DefaultDomain), ("split-dns", CiscoAttributeSource.SplitDns),
        ("split-include", CiscoAttributeSource.SplitInclude), ("backup-servers", CiscoAttributeSource.BackupServers),
        ("session-timeout", CiscoAttributeSource.SessionTimeout), ("idle-timeout", CiscoAttributeSource.IdleTimeout), ("pfs", CiscoAttributeSource.Pfs),
        ("smartcard-removal-disconnect", CiscoAttributeSource.SmartcardRemovalDisconnect), ("include-local-lan", CiscoAttributeSource.IncludeLocalLan),
        ("configuration-url", CiscoAttributeSource.ConfigurationUrl), ("configuration-version", CiscoAttributeSource.ConfigurationVersion),
        ("complete-document", CiscoAttributeSource.CompleteDocument), ("none", CiscoAttributeSource.None));

    /// <summary>The key <c>cisco-attributes</c> of a profile.</summary>
    public static ConfigurationKey ProfileKey { get; } = ConfigurationTable.Key("cisco-attributes", new ListSyntax(new SectionSyntax(
            ConfigurationTable.Required("number", ScalarTable.Integer(1, 32767), "Configuration attribute type (RFC 7296 3.15.1); Cisco's are from 28672 on. Each may stand once, none that `reconnect` uses or that the headend fills in itself: addresses, DNS and NBNS servers, domains, subnets and APPLICATION_VERSION."),
            ConfigurationTable.Key("value", Octets, "What it is answered with, in hexadecimal."),
            ConfigurationTable.Key("source", Source,
                "What fills it in: a value of the session's authorization, `complete-document` (that of AnyConnect-EAP), or `none`: it is not answered. What the session does not have is not answered."))
    { Check = CheckOne }, Maximum: 64),
        "Configuration attributes for clients of Cisco's that ask for them; the log names what a client asked for (`cisco-attributes`). In place of the built-in ones of the same number: "
        + string.Join(", ", Known.Select(k => $"{k.Number} {WordOf(k.Source)}")) + ".");

    public static IReadOnlyList<CiscoAttributeOptions> Compile(SectionValue profile)
    {
        var own = profile.Sections("cisco-attributes").Select(s => new CiscoAttributeOptions(
            (ushort)s.Get<int>("number"),
            s.GetOptionalValue<CiscoAttributeSource>("source") ?? CiscoAttributeSource.Value,
            s.GetOptional<byte[]>("value"))).ToList();
        var reconnect = ReturnTable.ReconnectNumbers(profile).Select(n => (int)n.Number.Value).ToList();
        return [.. own.Where(o => o.Source != CiscoAttributeSource.None), .. Known.Where(k => own.TrueForAll(o => o.Number != k.Number) && !reconnect.Contains(k.Number))];
    }

    /// <summary>A number has one answer: RFC 7296 3.15.1 lets only addresses, servers and subnets stand several times, and Cisco's lists are lists within one attribute.</summary>
    public static void CheckProfile(SectionValue profile, DiagnosticStore diagnostics)
    {
        var taken = new Dictionary<int, string>();
        foreach (var (name, number) in ReturnTable.ReconnectNumbers(profile))
            taken.TryAdd((int)number.Value, $"that of '{name}' in 'reconnect', at {number.At}");
        foreach (var entry in profile.Sections("cisco-attributes"))
        {
            if (entry.Find("number") is not { Value: int number, At: var at })
                continue;
            var type = new ConfigurationAttributeType((ushort)number);
            if (ConfigurationAttributeType.FilledByResponder.Contains(type))
                diagnostics.Error(at, $"number {number} is {type}, which the headend fills in itself");
            else if (!taken.TryAdd(number, $"already in 'cisco-attributes', at {at}"))
                diagnostics.Error(at, $"number {number} is {taken[number]}; it can be answered in one way");
        }
    }

    private static string WordOf(CiscoAttributeSource source) => string.Concat(source.ToString().Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : "-") + char.ToLowerInvariant(c) : c.ToString()));

    private static void CheckOne(SectionValue section, DiagnosticStore diagnostics)
    {
        if (section.Has("value") == section.Has("source") && !section.IsRejected("value") && !section.IsRejected("source"))
            diagnostics.Error(section.At, "exactly one of 'value' and 'source' is needed");
    }
}
