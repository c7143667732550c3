using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Headend.Eap;

namespace Headend.Configuration;

/// <summary>The keys of local users and attribute lists.</summary>
internal static class LocalUserTable
{
    public const string AttributeLists = "aaa.attribute-lists";

    /// <summary>Key under which the octets of <c>nt-hash</c> stand; no YAML key has it, for it holds a space.</summary>
    private const string NtHashValue = "nt-hash value";

    /// <summary>Gives 16 octets.</summary>
    private static readonly ScalarSyntax NtHash = new("NT hash", text =>
        text.Length == 32 && text.All(char.IsAsciiHexDigit)
            ? ScalarOutcome.Good(Convert.FromHexString(text))
            : ScalarOutcome.Bad("an NT hash is 32 hexadecimal digits"))
    { Pattern = "^[0-9A-Fa-f]{32}$" };

    /// <summary>Gives a <see cref="PasswordHash"/>. The message never repeats the text.</summary>
    private static readonly ScalarSyntax HashText = new("password hash", text =>
        PasswordHash.TryParse(text, out var hash, out var error) ? ScalarOutcome.Good(hash!) : ScalarOutcome.Bad($"no password hash: {error}"))
    { Pattern = @"^\$pbkdf2-sha512\$[0-9]+\$[A-Za-z0-9./+]+\$[A-Za-z0-9./+]+$" };

    public static ConfigurationKey Users { get; } = ConfigurationTable.Key("local-users", new ListSyntax(new SectionSyntax(
        [
            ConfigurationTable.Required("name", ScalarTable.Text, "User name, compared octet for octet.") with { Declares = "aaa.local-users" },
            .. ConfigurationTable.Secret("password", "Password", "Serves every password method; at most one of `password`, `password-file`, `password-env`, and then no hash. Without a password and a hash the user can log in by certificate only."),
            ConfigurationTable.Key("password-hash", HashText, "`$pbkdf2-sha512$ROUNDS$SALT$CHECKSUM` as `headend user hash` and passlib write it. Serves `gtc`."),
            ConfigurationTable.Key("nt-hash", NtHash, "MD4 of the password in UTF-16LE, 32 hexadecimal digits. Serves `mschapv2` and `gtc`. As good as the password to whoever reads it."),
            ConfigurationTable.Key("policy", ScalarTable.Name, "Authorization policy of the user.") with { RefersTo = ConfigurationTable.Policies },
            ConfigurationTable.Key("attribute-list", ScalarTable.Name, "Attributes of the user; they win over those of the policy.") with { RefersTo = AttributeLists },
        ])
    { Check = CheckUser }, Maximum: 10_000), "Users of the method `local`. More live in the user file of the state directory: `headend user add`.");

    public static ConfigurationKey Lists { get; } = ConfigurationTable.Key("attribute-lists", new ListSyntax(new SectionSyntax(
        ConfigurationTable.Required("name", ScalarTable.Name, "Name of the list.") with { Declares = AttributeLists },
        ConfigurationTable.Required("attributes", new ListSyntax(ScalarTable.Text, Minimum: 1, Maximum: 256), "The attributes that an Access-Accept would carry, in order, such as `Framed-IP-Address=10.99.1.10`, `interface-config=ip mtu 1300` or `ip:inacl#1=permit ip any any`."))
    { Check = CheckList }),
        "Attributes that policies and local users name: the same as RADIUS gives, with the same effect.");

    public static LocalUserOptions Compile(SectionValue user) => new(
        user.Get<string>("name"), user.GetOptional<SecretOptions>(SecretParser.ValueKey("password")), user.GetOptional<string>("policy"))
    {
        NtHash = user.GetOptional<SecretOptions>(NtHashValue),
        PasswordHash = user.GetOptional<PasswordHash>("password-hash"),
        AttributeList = user.GetOptional<string>("attribute-list"),
    };

    // Attributes may need each other, so that the list is read as a whole; the message stands at the one that is bad by itself, if there is one.
    private static void CheckList(SectionValue list, DiagnosticStore diagnostics)
    {
        var items = list.Items("attributes");
        if (AttributeRule.Explain([.. items.Select(i => (string)i.Value)]) is not { } problem)
            return;
        var culprit = items.FirstOrDefault(i => AttributeRule.Explain([(string)i.Value]) == problem);
        diagnostics.Error(culprit?.At ?? list.PlaceOf("attributes"), $"'aaa.attribute-lists[].attributes': {problem}");
    }

    private static void CheckUser(SectionValue user, DiagnosticStore diagnostics)
    {
        if (user.GetOptional<byte[]>("nt-hash") is { } octets)
        {
            user.Set(NtHashValue, new ConfigurationValue(new SecretOptions(octets), user.PlaceOf("nt-hash")));
            CryptographicOperations.ZeroMemory(octets);
        }

        string[] forms = ["password", "password-file", "password-env"];
        if (!forms.Any(user.Has))
            return;
        SecretParser.Read(user, "password", SecretParser.PasswordLength, diagnostics);
        if (user.GetOptional<SecretOptions>(SecretParser.ValueKey("password")) is { } secret)
        {
            if (!Utf8.IsValid(secret.Octets))
                diagnostics.Error(user.At, "the password is not UTF-8");
            else if (Encoding.UTF8.GetCharCount(secret.Octets) > LocalCredential.MaxPasswordLength)
                diagnostics.Error(user.At, $"a password has at most {LocalCredential.MaxPasswordLength} characters");
        }

        foreach (var hash in (string[])["password-hash", "nt-hash"])
            if (user.Has(hash))
                diagnostics.Error(user.PlaceOf(hash), $"'{hash}' beside a password in clear text; one of them is enough");
    }
}
