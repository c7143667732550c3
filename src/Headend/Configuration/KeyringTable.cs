using System.Buffers;
using System.Security.Cryptography;
using Headend.Ikev2;

namespace Headend.Configuration;

/// <summary>The keys of keyrings, and of a profile's reference to them.</summary>
internal static class KeyringTable
{
    public const string Keyrings = "ikev2.keyrings";

    private const string SecretDoc = "It may be any text; `0x` and an even number of hexadecimal digits are those octets.";

    private static readonly string[] Sources = ["local", "list"];

    private static readonly string[] Prefixes = ["secret", "local-secret", "remote-secret"];

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("keyrings", new ListSyntax(new SectionSyntax(
        ConfigurationTable.NewName(Keyrings, "keyring"),
        ConfigurationTable.Required("peers", new ListSyntax(new SectionSyntax(
            [
                ConfigurationTable.Key("name", ScalarTable.Name, "What show and log call the peer; absent: its identity."),
                ConfigurationTable.Required("identity", ScalarTable.IdentityPattern,
                    "Whose IKE identity fits is this peer. Of several that fit, the narrowest is taken: an exact identity, then the longest address prefix, then the longest domain, then `any`; of equals the first. "
                    + "A key of several identities is as good as their names: whoever holds it can call itself by any of them."),
                .. ConfigurationTable.Secret("secret", "Key of both directions", $"{SecretDoc} Either this, `secret-file` or `secret-env`, or a `remote-secret`."),
                .. ConfigurationTable.Secret("remote-secret", "Key that the peer proves itself with", SecretDoc),
                .. ConfigurationTable.Secret("local-secret", "Key that the headend proves itself with", $"{SecretDoc} Needed beside `remote-secret` where the profile's `local-authentication` is `pre-share`."),
            ])
        { Check = CheckPeer }, Minimum: 1, Maximum: 10_000), "Who has which key."))
    { Check = CheckKeyring }), "Pre-shared keys (RFC 7296 2.15) that profiles refer to.");

    /// <summary>The key <c>keyring</c> of a profile.</summary>
    public static ConfigurationKey ProfileKey { get; } = ConfigurationTable.Key("keyring", new SectionSyntax(
        [
            ConfigurationTable.Key("local", ScalarTable.Name, "Name in ikev2.keyrings; asked first.") with { RefersTo = Keyrings },
            ConfigurationTable.Key("list", ScalarTable.Name,
                "Name in aaa.authorization: who is asked for the keys (Service-Type Outbound) where `local` has none. An Access-Accept holds them in Tunnel-Password or `ipsec:tunnel-password` for both directions, or in "
                + "`ipsec:ikev2-password-remote` and `-local`; its other attributes are the implicit user authorization. The method `local` takes them of the attribute lists of the local user of that name, else of the policy.")
                with { RefersTo = ConfigurationTable.AuthorizationLists },
            .. AuthorizationTable.RequestKeys(" Absent: the whole identity is the name."),
        ])
    { Check = CheckReference }, "Where the keys of `pre-share` are.");

    public static IReadOnlyList<KeyringOptions> Compile(SectionValue ikev2) =>
        [.. ikev2.Sections("keyrings").Select(k => new KeyringOptions(k.Get<string>("name"), [.. k.Sections("peers").Select(CompilePeer)]))];

    /// <summary>Null where the profile names no keyring.</summary>
    public static ProfileKeyringOptions? CompileReference(SectionValue profile) =>
        profile.Section("keyring") is { Written: true } keyring ? new ProfileKeyringOptions(keyring.GetOptional<string>("local"), keyring.Has("list") ? AuthorizationTable.CompileRequest(keyring) : null) : null;

    /// <summary>Every peer that a profile may find must have the keys that the profile works with.</summary>
    public static void CheckProfiles(SectionValue ikev2, DiagnosticStore diagnostics)
    {
        var proving = ikev2.Sections("profiles").Where(p => p.GetOptional<SectionValue>("local-authentication")?.GetOptionalValue<bool>("pre-share") == true)
            .Select(p => (Keyring: p.GetOptional<SectionValue>("keyring")?.GetOptional<string>("local"), Profile: p.GetOptional<string>("name"))).ToList();
        foreach (var keyring in ikev2.Sections("keyrings"))
        {
            if (proving.Find(p => p.Keyring is not null && p.Keyring == keyring.GetOptional<string>("name")).Profile is not { } profile)
                continue;
            foreach (var peer in keyring.Sections("peers").Where(p => IsTried(p, "remote-secret") && !IsTried(p, "secret") && !IsTried(p, "local-secret")))
                diagnostics.Error(peer.At, $"the peer has no 'local-secret', and profile '{Shown.Text(profile)}' proves itself by 'pre-share' out of this keyring");
        }
    }

    private static KeyringPeerOptions CompilePeer(SectionValue peer)
    {
        var both = SecretOf(peer, "secret");
        return new KeyringPeerOptions(
            peer.GetOptional<string>("name"), peer.Get<IdentityMatch>("identity"), both ?? SecretOf(peer, "local-secret"), both ?? SecretOf(peer, "remote-secret")!);
    }

    private static SecretOptions? SecretOf(SectionValue peer, string prefix) => peer.GetOptional<SecretOptions>(SecretParser.ValueKey(prefix));

    private static IEnumerable<string> Forms(string prefix) => [prefix, prefix + "-file", prefix + "-env"];

    private static bool IsTried(SectionValue peer, string prefix) => Forms(prefix).Any(f => peer.Has(f) || peer.IsRejected(f));

    private static void CheckKeyring(SectionValue keyring, DiagnosticStore diagnostics)
    {
        var seen = new Dictionary<string, SourcePosition>(StringComparer.OrdinalIgnoreCase);
        foreach (var peer in keyring.Sections("peers"))
        {
            if (peer.GetOptional<IdentityMatch>("identity") is { } identity && !seen.TryAdd(identity.Text, peer.PlaceOf("identity")))
                diagnostics.Error(peer.PlaceOf("identity"), $"the keyring has '{Shown.Text(identity.Text)}' already, at {seen[identity.Text]}");
        }
    }

    private static void CheckPeer(SectionValue peer, DiagnosticStore diagnostics)
    {
        var tried = Prefixes.Where(p => IsTried(peer, p)).ToList();
        foreach (var prefix in tried.Where(p => Forms(p).Any(peer.Has)))
            ReadSecret(peer, prefix, diagnostics);
        if (tried.Count == 0)
            diagnostics.Error(peer.At, "the peer has no key; it needs 'secret', or 'remote-secret' and where the headend proves itself by one too 'local-secret'");
        else if (tried[0] == "secret" && tried.Count > 1)
            diagnostics.Error(PlaceOf(peer, tried[1]), $"'{tried[1]}' beside 'secret', which is the key of both directions");
        else if (tried is ["local-secret"])
            diagnostics.Error(PlaceOf(peer, tried[0]), "'local-secret' without a 'remote-secret', by which the peer proves itself");
    }

    private static SourcePosition PlaceOf(SectionValue peer, string prefix) => peer.PlaceOf(Forms(prefix).FirstOrDefault(peer.Has) ?? prefix);

    private static void ReadSecret(SectionValue peer, string prefix, DiagnosticStore diagnostics)
    {
        SecretParser.Read(peer, prefix, advisedLength: 0, diagnostics);
        if (SecretOf(peer, prefix) is not { } written)
            return;
        var place = PlaceOf(peer, prefix);
        var decodes = TryDecode(written.Octets, out var secret);
        written.Dispose();
        if (!decodes)
        {
            diagnostics.Error(place, $"the {prefix} begins with 0x and goes on with something else than an even number of hexadecimal digits");
            return;
        }

        // RFC 7296 2.15: a key is to be as hard to guess as the strongest key that is negotiated.
        if (secret.Length < SecretParser.SharedSecretLength)
            diagnostics.Warning(place, $"a {prefix} of {secret.Length} octets is weak: whoever meets the peer in our place can try keys at leisure; use at least {SecretParser.SharedSecretLength}");
        peer.Set(SecretParser.ValueKey(prefix), new ConfigurationValue(secret, place));
    }

    /// <summary>
    /// RFC 7296 2.15: the management interface "MUST accept ASCII strings of at least 64 octets and MUST NOT add a null terminator before using them as shared
    /// secrets. It MUST also accept a hex encoding of the shared secret."
    /// </summary>
    private static bool TryDecode(ReadOnlySpan<byte> written, out SecretOptions secret)
    {
        secret = new SecretOptions(written);
        if (!written.StartsWith("0x"u8))
            return true;
        var octets = new byte[(written.Length - 2) / 2];
        var decoded = written.Length > 2 && written.Length % 2 == 0
            && Convert.FromHexString(written[2..], octets, out _, out _) == OperationStatus.Done;
        secret.Dispose();
        secret = new SecretOptions(octets);
        CryptographicOperations.ZeroMemory(octets);
        return decoded;
    }

    private static void CheckReference(SectionValue keyring, DiagnosticStore diagnostics)
    {
        if (keyring.Written && !Sources.Any(k => keyring.Has(k) || keyring.IsRejected(k)))
            diagnostics.Error(keyring.At, "'keyring' names no keyring; it needs 'local', 'list' or both");
        if (keyring.Has("name-mangler") && !keyring.Has("list") && !keyring.IsRejected("list"))
            diagnostics.Error(keyring.PlaceOf("name-mangler"), "'name-mangler' acts only with 'list'");
        AuthorizationTable.CheckPassword(keyring, diagnostics);
    }
}
