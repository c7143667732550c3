using System.Globalization;
using System.Net;

namespace Headend.Configuration;

/// <summary>The keys of <c>radius.dynamic-author</c> and of simultaneous sessions.</summary>
internal static class DynamicAuthorTable
{
    private const int MostSessions = 1_000_000;

    /// <summary>Gives an <see cref="IPNetwork"/>: one address is a prefix of its whole length.</summary>
    private static ScalarSyntax AddressOrPrefix { get; } = new("address or prefix", text =>
        !text.Contains('/') && IPAddress.TryParse(text, out var single) && ScalarTable.IsWritten(text)
            ? ScalarOutcome.Good(new IPNetwork(single, single.GetAddressBytes().Length * 8))
            : ScalarTable.Prefix.Read(text));

    /// <summary>Gives a <see cref="UniqueOptions"/>.</summary>
    public static ScalarSyntax Unique { get; } = new("never, replace, deny or a number", text => text switch
    {
        "never" => ScalarOutcome.Good(UniqueOptions.Never),
        "replace" => ScalarOutcome.Good(new UniqueOptions(1, Replaces: true)),
        "deny" => ScalarOutcome.Good(new UniqueOptions(1, Replaces: false)),
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= MostSessions =>
            ScalarOutcome.Good(new UniqueOptions(number, Replaces: false)),
        _ => ScalarTable.Bad(text, $"never, replace, deny or a number from 1 to {MostSessions}"),
    })
    { Pattern = "^(never|replace|deny|[1-9][0-9]{0,6})$" };

    public static SectionSyntax Section { get; } = new(
        ConfigurationTable.Key("port", ScalarTable.Port, "UDP port.", "3799"),
        ConfigurationTable.Key("ports", new ListSyntax(ScalarTable.Port, Maximum: 8), "Further UDP ports, such as Cisco's older 1700."),
        ConfigurationTable.Key("addresses", new ListSyntax(ScalarTable.Address, Minimum: 1, Maximum: 64), "Local addresses.", "[0.0.0.0, '::']"),
        ConfigurationTable.Key("event-timestamp-window", ScalarTable.Duration("10s", "1h"), "How far the Event-Timestamp of a request may lie from the headend's clock; others are discarded (RFC 5176 6.3).", "300s"),
        ConfigurationTable.Required("clients", new ListSyntax(new SectionSyntax(
            [
                ConfigurationTable.Required("address", AddressOrPrefix, "Address of the client, or a prefix; of several that fit the longest counts. Requests from elsewhere are discarded."),
                .. ConfigurationTable.Secret("secret", "Shared secret"),
                ConfigurationTable.Key("require-message-authenticator", ScalarTable.Boolean, "Discard requests without Message-Authenticator. `false` is warned about at every start.", "true"),
                ConfigurationTable.Key("require-event-timestamp", ScalarTable.Boolean,
                    "Discard requests without Event-Timestamp. With `false` one that was recorded can be played back once it is out of the headend's memory of requests (twice the window).", "false"),
            ])
        { Check = (s, d) => SecretParser.Read(s, "secret", SecretParser.SharedSecretLength, d) }, Minimum: 1), "Who may send requests."))
    { Check = CheckClients };

    public static DynamicAuthorOptions? Compile(SectionValue? section) => section is null ? null : new DynamicAuthorOptions(
        [.. section.List<int>("ports").Prepend(section.Get<int>("port")).Distinct()],
        section.List<IPAddress>("addresses"),
        section.Get<TimeSpan>("event-timestamp-window"),
        [.. section.Sections("clients").Select(c => new DynamicAuthorClientOptions(
            c.Get<IPNetwork>("address"), c.Get<SecretOptions>(SecretParser.ValueKey("secret")), c.Get<bool>("require-message-authenticator"), c.Get<bool>("require-event-timestamp")))]);

    private static void CheckClients(SectionValue section, DiagnosticStore diagnostics)
    {
        HashSet<IPNetwork> seen = [];
        foreach (var client in section.Sections("clients"))
        {
            if (client.GetOptionalValue<IPNetwork>("address") is { } address && !seen.Add(address))
                diagnostics.Error(client.PlaceOf("address"), $"a client {address} stands twice in 'clients'");
            if (client.Find("require-message-authenticator")?.Value is false)
                diagnostics.Warning(client.PlaceOf("require-message-authenticator"), "without Message-Authenticator MD5 alone protects the requests (CVE-2024-3596)");
        }
    }
}
