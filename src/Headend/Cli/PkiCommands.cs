using System.CommandLine;
using Headend.Composition;
using Headend.Configuration;
using Headend.Pki;

namespace Headend.Cli;

/// <summary><c>headend pki ...</c>: certificates of the headend's own CA in the state directory. Works without a running headend.</summary>
internal static class PkiCommands
{
    public static Command Create(CommandLineOptions options)
    {
        var state = new Option<string?>("--state") { Description = "State directory.", HelpName = "DIR", Recursive = true };
        var pki = new Command("pki", "Certificates of the headend's own CA.")
        {
            new Command("issue", "Issue a certificate.") { IssueUser(state, options) },
        };
        pki.Options.Add(state);
        return pki;
    }

    private static Command IssueUser(Option<string?> state, CommandLineOptions options)
    {
        var name = new Argument<string>("NAME") { Description = "Common name; with @ an e-mail address, with a dot a DNS name of the subjectAltName too." };
        var output = new Option<string?>("--output", "-o") { Description = "Directory for the files; default: clients/NAME in the state directory.", HelpName = "DIR" };
        var command = new Command("user", "A client certificate: NAME.pem, NAME.key and the CA's certificate ca.pem.") { name, output };
        command.SetAction(parsed =>
        {
            var (who, directory) = (parsed.GetRequiredValue(name), Path.GetFullPath(parsed.GetValue(state) ?? ZeroConfiguration.DefaultStateDirectory));
            try
            {
                return Issue(who, directory, parsed.GetValue(output), options);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidDataException)
            {
                options.Error.WriteLine("headend: " + error.Message);
                return ExitCodes.Failed;
            }
        });
        return command;
    }

    private static int Issue(string name, string state, string? output, CommandLineOptions options)
    {
        if (name is "." or ".." || name.IndexOfAny(['/', '\\']) >= 0)
            throw new InvalidDataException($"'{Shown.Text(name)}' is no name for files");
        using var authority = CertificateAuthority.LoadOrCreate(state);
        var (certificate, key) = authority.IssueUser(name);
        using (certificate)
        using (key)
        {
            var directory = output ?? Path.Combine(state, "clients", name);
            AtomicFile.Write(Path.Combine(directory, $"{name}.key"), key.ExportPkcs8PrivateKeyPem() + "\n", AtomicFile.Private);
            AtomicFile.Write(Path.Combine(directory, $"{name}.pem"), certificate.ExportCertificatePem() + "\n", AtomicFile.Public);
            AtomicFile.Write(Path.Combine(directory, "ca.pem"), authority.CertificatePem, AtomicFile.Public);
            var identity = name.Contains('@', StringComparison.Ordinal) ? $"email {name}" : SubjectAlternativeNames.Of(certificate).DnsNames.Count > 0 ? $"fqdn {name}" : $"dn CN={name}";
            options.Output.WriteLine($"{directory}: {name}.pem, {name}.key, ca.pem; valid until {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}, IKE identity {identity}");
        }

        return ExitCodes.Done;
    }
}
