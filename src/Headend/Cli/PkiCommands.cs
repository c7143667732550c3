using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Pki;

namespace Headend.Cli;

/// <summary><c>headend pki ...</c>: the headend's own CA in the state directory and its certificates. Works without a running headend.</summary>
internal static class PkiCommands
{
    private const string AuthorityFile = "ca.pem";

    public static Command Create(CommandLineOptions options)
    {
        var state = new Option<string?>("--state") { Description = "State directory.", HelpName = "DIR", Recursive = true };
        var pki = new Command("pki", "The headend's own CA and its certificates.")
        {
            Initialize(state, options),
            new Command("issue", "Issue a certificate.") { IssueServer(state, options), IssueUser(state, options) },
            Show(state, options),
        };
        pki.Options.Add(state);
        return pki;
    }

    private static Command Initialize(Option<string?> state, CommandLineOptions options)
    {
        var name = new Option<string?>("--name") { Description = "Common name of the CA; default: one with a random number.", HelpName = "NAME" };
        var type = new Option<string>("--key-type") { Description = "ecdsa (P-256), or rsa (3072 bits) for clients that take no ECDSA; certificates that it issues have the same kind.", DefaultValueFactory = _ => "ecdsa" };
        type.AcceptOnlyFromAmong("ecdsa", "rsa");
        var force = Force("Replace the CA that is there.");
        var command = new Command("init", "Make a CA: pki/ca.key and pki/ca.pem in the state directory.") { name, type, force };
        command.SetAction(parsed => Guard(options, () =>
        {
            using var authority = CertificateAuthority.Create(StateOf(parsed, state), parsed.GetValue(name), parsed.GetValue(type) == "rsa", parsed.GetValue(force));
            var certificate = authority.Certificate;
            options.Output.WriteLine($"{authority.CertificatePath}: {certificate.Subject}, valid until {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}");
            options.Output.WriteLine($"SHA-256 {CertificateReport.FingerprintOf(certificate)}");
        }));
        return command;
    }

    private static Command IssueServer(Option<string?> state, CommandLineOptions options)
    {
        var names = new Argument<string[]>("NAME") { Description = "DNS names and addresses that clients know the headend by; the first names the files.", Arity = ArgumentArity.OneOrMore };
        var output = OutputOption("servers");
        var force = Force("Replace the files that are there.");
        var command = new Command("server", "The headend's certificate: NAME.pem, NAME.key and the CA's certificate ca.pem.") { names, output, force };
        command.SetAction(parsed => Guard(options, () =>
        {
            var (hosts, addresses) = Split(parsed.GetRequiredValue(names));
            var first = parsed.GetRequiredValue(names)[0];
            var files = new IssuedFiles(parsed.GetValue(output) ?? Path.Combine(StateOf(parsed, state), "servers", first), first, parsed.GetValue(force));
            using var authority = CertificateAuthority.LoadOrCreate(StateOf(parsed, state));
            using var issued = authority.IssueServer(hosts, addresses);
            files.Write(issued.Leaf, issued.Key, authority.CertificatePem);
            var identity = hosts.Count > 0 ? $"fqdn {hosts[0]}" : $"address {addresses[0]}";
            options.Output.WriteLine($"{files.Describe(issued.Leaf)}, local-identity {identity}");
        }));
        return command;
    }

    private static Command IssueUser(Option<string?> state, CommandLineOptions options)
    {
        var name = new Argument<string>("NAME") { Description = "Common name; with @ an e-mail address, with a dot a DNS name of the subjectAltName too." };
        var output = OutputOption("clients");
        var force = Force("Replace the files that are there.");
        var command = new Command("user", "A client certificate: NAME.pem, NAME.key and the CA's certificate ca.pem.") { name, output, force };
        command.SetAction(parsed => Guard(options, () =>
        {
            var who = parsed.GetRequiredValue(name);
            var files = new IssuedFiles(parsed.GetValue(output) ?? Path.Combine(StateOf(parsed, state), "clients", who), who, parsed.GetValue(force));
            using var authority = CertificateAuthority.LoadOrCreate(StateOf(parsed, state));
            var (certificate, key) = authority.IssueUser(who);
            using (certificate)
            using (key)
            {
                files.Write(certificate, key, authority.CertificatePem);
                var identity = who.Contains('@', StringComparison.Ordinal) ? $"email {who}" : SubjectAlternativeNames.Of(certificate).DnsNames.Count > 0 ? $"fqdn {who}" : $"dn CN={who}";
                options.Output.WriteLine($"{files.Describe(certificate)}, IKE identity {identity}");
            }
        }));
        return command;
    }

    private static Command Show(Option<string?> state, CommandLineOptions options)
    {
        var files = new Argument<string[]>("FILE") { Description = "PEM files; default: all certificates in the state directory.", Arity = ArgumentArity.ZeroOrMore };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("show", "Certificates: names, validity, usage, fingerprint. Never a key.") { files, json };
        command.SetAction(parsed => Guard(options, () =>
        {
            var directory = StateOf(parsed, state);
            var chosen = parsed.GetValue(files) ?? [];
            if (chosen.Length == 0 && !CertificateAuthority.Exists(directory))
                throw new InvalidDataException($"{directory}: there is no CA; 'headend pki init' makes one");
            var records = CertificateReport.Read(chosen.Length > 0 ? chosen : CertificateReport.FilesOf(directory));
            if (parsed.GetValue(json))
                ShowCommands.PrintJson(records, AdminJsonContext.Default.IReadOnlyListCertificateRecord, options.Output);
            else
                CertificateReport.Print(records, DateTimeOffset.UtcNow, options);
        }));
        return command;
    }

    private static Option<string?> OutputOption(string folder) =>
        new("--output", "-o") { Description = $"Directory for the files; default: {folder}/NAME in the state directory.", HelpName = "DIR" };

    private static Option<bool> Force(string description) => new("--force") { Description = description };

    private static string StateOf(ParseResult parsed, Option<string?> state) => Path.GetFullPath(parsed.GetValue(state) ?? ZeroConfiguration.DefaultStateDirectory);

    private static int Guard(CommandLineOptions options, Action action)
    {
        try
        {
            action();
            return ExitCodes.Done;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidDataException or CryptographicException)
        {
            options.Error.WriteLine("headend: " + error.Message);
            return ExitCodes.Failed;
        }
    }

    private static (List<string> Names, List<IPAddress> Addresses) Split(string[] texts)
    {
        List<string> names = [];
        List<IPAddress> addresses = [];
        foreach (var text in texts)
        {
            if (!IPAddress.TryParse(text, out var address))
                names.Add(text);
            // 10.1 and 0x7f000001 are addresses to some programs; fe80::1%eth0 is one on this machine alone.
            else if (address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() == text : address.ScopeId == 0 && !text.Contains('%', StringComparison.Ordinal))
                addresses.Add(address);
            else
                throw new InvalidDataException($"'{Shown.Text(text)}' is no address for a certificate");
        }

        return (names, addresses);
    }

    /// <summary>The three files of an issued certificate; the constructor refuses names that are none and files that are there.</summary>
    private sealed class IssuedFiles
    {
        private readonly string directory;
        private readonly string name;
        private readonly bool force;

        public IssuedFiles(string directory, string name, bool force)
        {
            if (name is "." or ".." or "ca" || name.IndexOfAny(['/', '\\', '\0']) >= 0)
                throw new InvalidDataException($"'{Shown.Text(name)}' is no name for files");
            (this.directory, this.name, this.force) = (directory, name, force);
            foreach (var path in (string[])[KeyPath, CertificatePath])
            {
                if (!force && File.Exists(path))
                    throw new IOException($"{path}: is there; --force replaces it");
            }
        }

        private string KeyPath => Path.Combine(directory, $"{name}.key");

        private string CertificatePath => Path.Combine(directory, $"{name}.pem");

        public void Write(X509Certificate2 certificate, AsymmetricAlgorithm key, string authorityPem)
        {
            var authority = Path.Combine(directory, AuthorityFile);
            if (!force && File.Exists(authority) && !string.Equals(File.ReadAllText(authority), authorityPem, StringComparison.Ordinal))
                throw new IOException($"{authority}: is another certificate than that of this CA; --force replaces it");
            AtomicFile.Write(KeyPath, key.ExportPkcs8PrivateKeyPem() + "\n", AtomicFile.Private, force);
            AtomicFile.Write(CertificatePath, certificate.ExportCertificatePem() + "\n", AtomicFile.Public, force);
            AtomicFile.Write(authority, authorityPem, AtomicFile.Public);
        }

        public string Describe(X509Certificate2 certificate) =>
            $"{directory}: {name}.pem, {name}.key, {AuthorityFile}; valid until {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}";
    }
}
