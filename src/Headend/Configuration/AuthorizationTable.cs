namespace Headend.Configuration;

/// <summary>The keys of a profile's authorization and accounting, for all clients and by how they prove themselves.</summary>
internal static class AuthorizationTable
{
    /// <summary>RFC 2865 5.2.</summary>
    private const int MaximumPassword = 128;

    private const string PasswordDoc = "The password is no secret of a user: it is what RADIUS policies for such requests are written with; absent: `cisco`, as FlexVPN sends.";

    private static readonly (string Word, RemoteMethod Method)[] Methods =
        [("eap", RemoteMethod.Eap), ("anyconnect-eap", RemoteMethod.AnyConnectEap), ("psk", RemoteMethod.PreSharedKey), ("cert", RemoteMethod.Certificate)];

    /// <summary>The key <c>authorization</c> of a profile.</summary>
    public static ConfigurationKey ProfileKey { get; } = ConfigurationTable.Key("authorization", new SectionSyntax(
        [
            .. Keys(),
            .. Methods.Select(m => ConfigurationTable.Key(m.Word, new SectionSyntax(Keys()), $"For clients that prove themselves by {Describe(m.Method)}: its `user` and `group` take the place of those above.")),
        ]), "What a client that logged in gets. Applied group, implicit user, user, the later above the earlier; with `override` implicit user, user, group. If one of the requests fails, the login fails.");

    /// <summary>The key <c>accounting-lists</c> of a profile.</summary>
    public static ConfigurationKey AccountingKey { get; } = ConfigurationTable.Key("accounting-lists", new SectionSyntax(
        [
            .. Methods.Select(m => ConfigurationTable.Key(m.Word, ScalarTable.Name, $"Name in aaa.accounting for clients that prove themselves by {Describe(m.Method)}.") with
            {
                RefersTo = ConfigurationTable.AccountingLists,
            }),
        ]), "Accounting by how clients prove themselves, in place of `accounting-list`.");

    /// <summary>The keys of a request: name, mangler, password.</summary>
    public static ConfigurationKey[] RequestKeys(string whole) =>
    [
        ConfigurationTable.Key("name-mangler", ScalarTable.Name, $"Name in ikev2.name-manglers: makes the name of the client's identity.{whole}") with { RefersTo = NameManglerTable.Manglers },
        .. ConfigurationTable.Secret("password", "User-Password of the request", PasswordDoc),
    ];

    public static IReadOnlyDictionary<RemoteMethod, AuthorizationOptions> Compile(SectionValue profile)
    {
        var section = profile.Section("authorization");
        return Methods.ToDictionary(m => m.Method, m => Compile(section, section.Section(m.Word)));
    }

    public static IReadOnlyDictionary<RemoteMethod, string?> CompileAccounting(SectionValue profile) =>
        Methods.ToDictionary(m => m.Method, m => profile.Section("accounting-lists").GetOptional<string>(m.Word) ?? profile.GetOptional<string>("accounting-list"));

    public static AuthorizationRequestOptions CompileRequest(SectionValue section) => new(
        section.Get<string>("list"), section.GetOptional<string>("name"), section.GetOptional<string>("name-mangler"),
        section.GetOptional<SecretOptions>(SecretParser.ValueKey("password")));

    /// <summary>The password of a request, where one is given; which must fit a User-Password.</summary>
    public static void CheckPassword(SectionValue section, DiagnosticStore diagnostics)
    {
        string[] forms = ["password", "password-file", "password-env"];
        if (!forms.Any(section.Has))
            return;
        SecretParser.Read(section, "password", advisedLength: 0, diagnostics);
        if (section.GetOptional<SecretOptions>(SecretParser.ValueKey("password")) is { Length: > MaximumPassword })
            diagnostics.Error(section.PlaceOf(forms.First(section.Has)), $"a password of a RADIUS request has at most {MaximumPassword} octets (RFC 2865 5.2)");
        if (!section.Has("list") && !section.IsRejected("list"))
            diagnostics.Error(section.PlaceOf(forms.First(section.Has)), "'password' acts only with 'list'");
    }

    /// <summary>What a profile says of methods that its clients cannot use, and policies that only the local method can give.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        foreach (var profile in root.GetOptional<SectionValue>("ikev2")?.Sections("profiles") ?? [])
        {
            CheckMethods(profile, diagnostics);
            if (profile.GetOptional<SectionValue>("authorization") is not { } authorization)
                continue;
            var groups = profile.GetOptional<SectionValue>("remote-authentication")?.GetOptional<SectionValue>("anyconnect-eap") is { Written: true } client ? client.Items("groups") : [];
            foreach (var section in Methods.Select(m => authorization.GetOptional<SectionValue>(m.Word)).Prepend(authorization))
                CheckPolicy(root, section?.GetOptional<SectionValue>("group"), groups, diagnostics);
        }
    }

    private static ConfigurationKey[] Keys() =>
    [
        ConfigurationTable.Key("user", new SectionSyntax(
            [
                ConfigurationTable.Key("cached", ScalarTable.Boolean, "Implicit user authorization: take the attributes that the authentication brought, of the login's Access-Accept or of that which held the pre-shared key.", "true"),
                ConfigurationTable.Key("list", ScalarTable.Name, "Name in aaa.authorization: the user's attributes are asked for by a request of their own (Service-Type Outbound); for the method `local` they are those of the local user of that name, else of the policy. Absent: no request.")
                    with { RefersTo = ConfigurationTable.AuthorizationLists },
                ConfigurationTable.Key("name", ScalarTable.Text, "A fixed name, instead of a mangler."),
                .. RequestKeys(" Without `name` and `name-mangler` the whole authenticated identity is the name."),
            ])
        { Check = CheckUser }, "The user's own attributes."),
        ConfigurationTable.Key("group", new SectionSyntax(
            [
                ConfigurationTable.Required("list", ScalarTable.Name, "Name in aaa.authorization.") with { RefersTo = ConfigurationTable.AuthorizationLists },
                ConfigurationTable.Key("name", ScalarTable.Name, "Name of the policy: in ikev2.authorization-policies for the method `local`, the User-Name of the request for `group`."),
                .. RequestKeys(" One of this, `name` and `chosen` is needed."),
                ConfigurationTable.Key("chosen", ScalarTable.Boolean,
                    "The name is the group that the user chose in the form of AnyConnect-EAP, among its `groups`. Whoever logs in may choose any of them, unless RADIUS refuses it by Tunnel-Group-Name.", "false"),
                ConfigurationTable.Key("override", ScalarTable.Boolean, "The group's attributes win over the user's.", "false"),
            ])
        { Check = CheckGroup }, "A policy that clients of the profile share."),
    ];

    private static string Describe(RemoteMethod method) => method switch
    {
        RemoteMethod.Eap => "EAP",
        RemoteMethod.AnyConnectEap => "AnyConnect-EAP",
        RemoteMethod.Certificate => "a certificate alone",
        _ => "a pre-shared key",
    };

    private static string KeyOf(RemoteMethod method) => method switch
    {
        RemoteMethod.PreSharedKey => "pre-share",
        RemoteMethod.Certificate => "certificate",
        _ => Methods.First(m => m.Method == method).Word,
    };

    private static AuthorizationOptions Compile(SectionValue all, SectionValue own)
    {
        var user = own.Section("user") is { Written: true } special ? special : all.Section("user");
        var group = own.GetOptional<SectionValue>("group") ?? all.GetOptional<SectionValue>("group");
        return new AuthorizationOptions(
            user.Get<bool>("cached"),
            user.Has("list") ? CompileRequest(user) : null,
            group is null ? null : CompileRequest(group) with { OfChosenGroup = group.Get<bool>("chosen") },
            group?.Get<bool>("override") ?? false);
    }

    private static void CheckUser(SectionValue user, DiagnosticStore diagnostics)
    {
        CheckNames(user, diagnostics);
        foreach (var key in (string[])["name", "name-mangler"])
            if (user.Has(key) && !user.Has("list") && !user.IsRejected("list"))
                diagnostics.Error(user.PlaceOf(key), $"'{key}' acts only with 'list'");
        CheckPassword(user, diagnostics);
    }

    private static void CheckGroup(SectionValue group, DiagnosticStore diagnostics)
    {
        CheckNames(group, diagnostics);
        var chosen = group.GetOptionalValue<bool>("chosen") == true;
        if (!IsTried(group, "name") && !IsTried(group, "name-mangler") && !chosen && !group.IsRejected("chosen"))
            diagnostics.Error(group.At, "'group' needs 'name', 'name-mangler' or 'chosen: true'");
        if (chosen && (group.Has("name") || group.Has("name-mangler")))
            diagnostics.Error(group.PlaceOf("chosen"), "'chosen' beside 'name' or 'name-mangler'; one of them is the name");
        CheckPassword(group, diagnostics);
    }

    private static void CheckNames(SectionValue section, DiagnosticStore diagnostics)
    {
        if (section.Has("name") && section.Has("name-mangler"))
            diagnostics.Error(section.PlaceOf("name-mangler"), "'name-mangler' beside 'name'; one of them is the name");
    }

    private static void CheckMethods(SectionValue profile, DiagnosticStore diagnostics)
    {
        if (profile.GetOptional<SectionValue>("remote-authentication") is not { } remote)
            return;
        foreach (var (word, method) in Methods)
        {
            var used = remote.GetOptional<SectionValue>(KeyOf(method)) is { Written: true } || (method == RemoteMethod.PreSharedKey && remote.GetOptionalValue<bool>("pre-share") == true);
            if (used || remote.IsRejected(KeyOf(method)))
                continue;
            if (profile.GetOptional<SectionValue>("authorization")?.GetOptional<SectionValue>(word) is { Written: true } authorization)
                diagnostics.Error(authorization.At, $"'authorization.{word}' is for clients that prove themselves by {Describe(method)}, which 'remote-authentication' does not allow");
            if (profile.GetOptional<SectionValue>("accounting-lists") is { } lists && lists.Has(word))
                diagnostics.Error(lists.PlaceOf(word), $"'accounting-lists.{word}' is for clients that prove themselves by {Describe(method)}, which 'remote-authentication' does not allow");
        }
    }

    // A policy of RADIUS is the server's matter, and a mangled name the client's; a fixed one that only the local method can give must exist.
    private static void CheckPolicy(SectionValue root, SectionValue? group, IReadOnlyList<ConfigurationValue> choice, DiagnosticStore diagnostics)
    {
        var chosen = group?.GetOptionalValue<bool>("chosen") == true;
        if (chosen && choice.Count == 0)
            diagnostics.Error(group!.PlaceOf("chosen"), "'chosen: true' needs 'groups' in the profile's 'anyconnect-eap'");
        if (group?.GetOptional<string>("list") is not { } list)
            return;
        List<(string Name, SourcePosition At)> names = chosen ? [.. choice.Select(g => ((string)g.Value, g.At))]
            : group.GetOptional<string>("name") is { } name ? [(name, group.PlaceOf("name"))] : [];
        var methods = root.GetOptional<SectionValue>("aaa")?.Sections("authorization").FirstOrDefault(l => l.GetOptional<string>("name") == list)?.Items("methods") ?? [];
        var policies = root.GetOptional<SectionValue>("ikev2")?.Sections("authorization-policies") ?? [];
        if (!methods.Any(m => m.Value is AaaMethodOptions { IsLocal: true }))
            return;
        foreach (var (wanted, at) in names.Where(n => policies.All(p => p.GetOptional<string>("name") != n.Name)))
            diagnostics.Error(at, $"no '{Shown.Text(wanted)}' in ikev2.authorization-policies, where the method 'local' of '{list}' looks");
    }

    private static bool IsTried(SectionValue section, string key) => section.Has(key) || section.IsRejected(key);
}
