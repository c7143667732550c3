namespace Headend.Configuration;

/// <summary>The keys of a profile that tell how a client is missed and how it comes back.</summary>
internal static class ReturnTable
{
    private const int FirstPrivateAttribute = 16384;
    private const int LastAttribute = 32767;
    private static readonly string[] AttributeNames = ["session-id", "token-id", "cleanup-interval", "dpd-interval"];

    public static ConfigurationKey Dpd { get; } = ConfigurationTable.Key("dpd", new SectionSyntax(
        ConfigurationTable.Key("interval", ScalarTable.Duration("1s", "1h"), "Silence of the client after which it is checked.", "30s"),
        ConfigurationTable.Key("mode", ScalarTable.Word(("periodic", DpdMode.Periodic), ("on-demand", DpdMode.OnDemand), ("smart", DpdMode.Smart)),
            "`periodic`: after every interval of silence; `on-demand`: only when packets go out and none came in; `smart`: the client is expected to check by itself, so only after two intervals of silence, then every interval until it is heard again. Absent: `smart` in a profile with `reconnect`, else `periodic`."),
        ConfigurationTable.Key("retransmissions", ScalarTable.Integer(1, 8),
            "How often a check, or any other request of the headend, is sent again before the client counts as gone: after 1 s, then 1.7 times as long each time. 8 are 87 s, 4 are 16 s, 2 are 5.6 s in all.", "8")),
        "Dead peer detection (RFC 7296 2.4).");

    public static ConfigurationKey Reconnect { get; } = ConfigurationTable.Key("reconnect", new SectionSyntax(
        ConfigurationTable.Key("timeout", ScalarTable.Duration("600s", "86400s"), "How long the session of a silent client is kept.", "30m"),
        ConfigurationTable.Key("attributes", new SectionSyntax(
            Attribute("session-id", 28717),
            Attribute("token-id", 28718),
            Attribute("cleanup-interval", 28706),
            Attribute("dpd-interval", 28709))
        { Check = CheckAttributes },
            "Numbers of the configuration attributes that clients ask for. Cisco has published none; those of `session-id` and `token-id` are guesses to be replaced by what a client is seen to ask for. Built-in ones of `cisco-attributes` with these numbers give way.")),
        "FlexVPN's auto-reconnect, where this section is written: a client that asks for session-id and token comes back with them after sleep or a change of network, without a login. Not beside pre-shared keys.");

    public static ConfigurationKey ClientResume { get; } = ConfigurationTable.Key("client-resume", new SectionSyntax(
        ConfigurationTable.Key("interval", ScalarTable.Duration("10s", "7d"), "How long the session of a silent client is kept.", "2m")),
        "Where this section is written, a client that goes silent keeps its session, with address and interface, for its next login by the same identity.");

    /// <summary>No ticket lives longer.</summary>
    public static TimeSpan LongestTicket { get; } = TimeSpan.FromDays(7);

    public static ConfigurationKey SessionResumption { get; } = ConfigurationTable.Key("session-resumption", new SectionSyntax(
        ConfigurationTable.Key("lifetime", ScalarTable.Duration("600s", "7d"), "Of a ticket, from when it was given; shorter where `ike-lifetime` or Session-Timeout is.", "24h"),
        ConfigurationTable.Key("timeout", ScalarTable.Duration("600s", "86400s"), "How long the session of a silent client is kept, while one of its tickets is good.", "30m"))
    { Check = CheckResumption },
        "IKEv2 session resumption (RFC 5723), where this section is written: a client that asks for a ticket comes back with it after sleep or a change of network, without a login.");

    public static DpdOptions CompileDpd(SectionValue profile, SectionValue dpd) =>
        new(dpd.Get<TimeSpan>("interval"), dpd.GetOptionalValue<DpdMode>("mode") ?? (IsWritten(profile, "reconnect") ? DpdMode.Smart : DpdMode.Periodic), dpd.Get<int>("retransmissions"));

    public static ReconnectOptions? CompileReconnect(SectionValue profile)
    {
        if (!IsWritten(profile, "reconnect"))
            return null;
        var section = profile.Section("reconnect");
        var numbers = section.Section("attributes");
        return new ReconnectOptions(
            section.Get<TimeSpan>("timeout"), numbers.Get<int>("session-id"), numbers.Get<int>("token-id"), numbers.Get<int>("cleanup-interval"), numbers.Get<int>("dpd-interval"));
    }

    /// <summary>The numbers of auto-reconnect's attributes, each an int with its place; a default stands where its section does. Empty without `reconnect`.</summary>
    public static IEnumerable<(string Name, ConfigurationValue Number)> ReconnectNumbers(SectionValue profile)
    {
        if (!IsWritten(profile, "reconnect") || profile.Section("reconnect").GetOptional<SectionValue>("attributes") is not { } numbers)
            yield break;
        foreach (var name in AttributeNames)
        {
            if (numbers.Find(name) is { } number)
                yield return (name, number);
        }
    }

    public static ResumptionOptions? CompileSessionResumption(SectionValue profile) => IsWritten(profile, "session-resumption")
        ? new ResumptionOptions(profile.Section("session-resumption").Get<TimeSpan>("lifetime"), profile.Section("session-resumption").Get<TimeSpan>("timeout"))
        : null;

    public static TimeSpan? CompileClientResume(SectionValue profile) =>
        IsWritten(profile, "client-resume") ? profile.Section("client-resume").Get<TimeSpan>("interval") : null;

    /// <summary>The token is a pre-shared key of its own: beside another one it would make a return and a login of the same form.</summary>
    public static void Check(SectionValue profile, bool sharesLocal, bool sharesRemote, bool hasKeyring, DiagnosticStore diagnostics)
    {
        if (!IsWritten(profile, "reconnect"))
            return;
        var what = sharesLocal ? "'pre-share' in 'local-authentication'" : sharesRemote ? "'pre-share' in 'remote-authentication'" : hasKeyring ? "'keyring'" : null;
        if (what is not null)
            diagnostics.Error(profile.PlaceOf("reconnect"), $"'reconnect' cannot stand beside {what}: clients come back by a pre-shared key of their session");
    }

    internal static bool IsWritten(SectionValue profile, string key) => profile.GetOptional<SectionValue>(key) is { Written: true };

    private static ConfigurationKey Attribute(string name, int number) =>
        ConfigurationTable.Key(name, ScalarTable.Integer(FirstPrivateAttribute, LastAttribute), $"Of reconnect-{name}.", number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static void CheckResumption(SectionValue section, DiagnosticStore diagnostics)
    {
        if (section.GetOptionalValue<TimeSpan>("timeout") is { } timeout && section.GetOptionalValue<TimeSpan>("lifetime") is { } lifetime && timeout > lifetime)
            diagnostics.Error(section.PlaceOf("timeout"), $"'timeout' ({timeout}) is longer than 'lifetime' ({lifetime}) and would never act");
    }

    private static void CheckAttributes(SectionValue section, DiagnosticStore diagnostics)
    {
        var seen = new Dictionary<int, string>();
        foreach (var name in AttributeNames)
        {
            if (section.GetOptionalValue<int>(name) is { } number && !seen.TryAdd(number, name))
                diagnostics.Error(section.PlaceOf(name), $"'{name}' has the number of '{seen[number]}'");
        }
    }
}
