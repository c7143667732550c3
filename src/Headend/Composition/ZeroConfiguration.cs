using System.Net;
using System.Text;
using Headend.Clients;
using Headend.Configuration;
using Headend.Pki;
using Headend.Runtime;
using Headend.VirtualAccess.Policy;

namespace Headend.Composition;

/// <summary>
/// The start without a configuration file: a CA and a server certificate of our own, one local user with a generated password, a pool, and a configuration file that
/// says all of it and is the operator's from then on. Everything lies in the state directory and is used again at the next start.
/// </summary>
internal sealed class ZeroConfiguration
{
    private const string User = "headend-user";
    private const string ConfigurationName = "headend.yaml";
    private const string PasswordName = "headend-user.secret";

    private static readonly IPNetwork[] PoolCandidates =
        [new(new IPAddress([10, 99, 0, 0]), 24), new(new IPAddress([172, 29, 99, 0]), 24), new(new IPAddress([192, 168, 199, 0]), 24)];

    private readonly string directory;
    private readonly LocalNetworks networks;

    private ZeroConfiguration(string directory, LocalNetworks networks)
    {
        this.directory = directory;
        this.networks = networks;
    }

    private string ConfigurationPath => Path.Combine(directory, ConfigurationName);

    private string PasswordPath => Path.Combine(directory, PasswordName);

    private string ClientDirectory => Path.Combine(directory, "clients", "strongswan");

    /// <summary>Where state lies when nothing says otherwise: the system's place for root, the current directory for everybody else.</summary>
    public static string DefaultStateDirectory => Environment.IsPrivilegedProcess ? "/var/lib/headend" : Path.GetFullPath("headend-state");

    /// <summary>Makes what is missing and reads the configuration. Prints how to connect to <paramref name="output"/>.</summary>
    /// <exception cref="HeadendStartException">The machine has no address, or the directory cannot be used.</exception>
    public static ConfigurationOutcome Prepare(string directory, TextWriter output, TimeProvider time)
    {
        var networks = LocalNetworks.Detect() ?? throw new HeadendStartException("this machine has no address but loopback, so no client can reach it");
        var zero = new ZeroConfiguration(Path.GetFullPath(directory), networks);
        try
        {
            return zero.Prepare(output, time);
        }
        catch (IOException error)
        {
            throw Explain(directory, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw Explain(directory, error);
        }
        catch (InvalidDataException error)
        {
            throw Explain(directory, error);
        }
    }

    private static HeadendStartException Explain(string directory, Exception error) => new($"state directory {directory}: {error.Message}", error);

    private ConfigurationOutcome Prepare(TextWriter output, TimeProvider time)
    {
        using var authority = CertificateAuthority.LoadOrCreate(directory, time);
        var host = Environment.MachineName;
        // A single label is no name that a client would look up.
        string[] names = host.Contains('.', StringComparison.Ordinal) && Uri.CheckHostName(host) == UriHostNameType.Dns ? [host] : [];
        using var server = authority.LoadOrIssueServer(names, networks.Addresses);
        if (!File.Exists(PasswordPath))
            AtomicFile.Write(PasswordPath, GeneratedPassword.Create() + "\n", AtomicFile.Private);
        if (!File.Exists(ConfigurationPath))
            AtomicFile.Write(ConfigurationPath, Render(NatStage.FindObstacle()), AtomicFile.Private);
        var outcome = ConfigurationParser.Load(ConfigurationPath, ConfigurationRules.OfLeaves);
        if (outcome.Configuration is { } configuration)
            WriteClient(configuration, authority, output);
        return outcome;
    }

    private void WriteClient(HeadendConfiguration configuration, CertificateAuthority authority, TextWriter output)
    {
        // The operator may have taken the user out of the file; then there is nobody to write for.
        if (configuration.Aaa.LocalUsers.FirstOrDefault(u => u.Name == User) is not { Password: { } password })
            return;
        var profile = new SwanctlProfile
        {
            ServerAddress = networks.Primary.ToString(),
            ServerIdentity = configuration.Ikev2.Profiles[0].LocalIdentity.Text,
            UserName = User,
            Password = Encoding.UTF8.GetString(password.Octets),
            AuthorityPem = authority.CertificatePem,
            Port = configuration.Listen.IkePort,
        };
        profile.Write(ClientDirectory);
        output.WriteLine($"""
            Headend runs without a configuration of yours: it made {ConfigurationPath}.

              server    {networks.Primary}
              user      {User}
              password  {profile.Password}   (from {PasswordPath})
              CA        {authority.CertificatePath}   (clients must trust it)
              clients get addresses of {configuration.Pools[0].Ranges[0]} and reach {string.Join(", ", configuration.Ikev2.Profiles[0].TrafficLocal)}

            {profile.RenderInstructions(ClientDirectory)}
            {DescribeTranslation(configuration)}
            Packets are forwarded only while net.ipv4.ip_forward is 1: sysctl -w net.ipv4.ip_forward=1
            """);
    }

    // The file is the operator's: it may have been changed since it was made.
    private static string DescribeTranslation(HeadendConfiguration configuration) =>
        configuration.Ikev2.AuthorizationPolicies.All(p => p.Nat is not null)
            ? "Hosts behind this machine see clients under its own address (nat: masquerade) and need no route back."
            : $"Hosts behind this machine need a route back: {configuration.Pools[0].Ranges[0]} via this machine. Addresses are not translated.";

    private string Render(string? obstacle)
    {
        var pool = PoolCandidates.FirstOrDefault(c => !networks.Networks.Any(n => n.Contains(c.BaseAddress) || c.Contains(n.BaseAddress)), PoolCandidates[0]);
        var identity = networks.Primary;
        return $$"""
            # Made by headend at its first start without a configuration. It is yours to change; headend reads it again at each start.
            state-directory: {{Quote(directory)}}
            admin: { socket: {{Quote(Environment.IsPrivilegedProcess ? Admin.AdminSocket.DefaultPath : Path.Combine(directory, "admin.sock"))}} }

            aaa:
              authentication: [ { name: local-list, methods: [local] } ]
              authorization: [ { name: local-list, methods: [local] } ]
              local-users: [ { name: {{User}}, password-file: {{PasswordName}} } ]

            ikev2:
              {{(obstacle is null ? "# Hosts behind this machine see clients under its own address, so that they need no route back." : $"# nat: masquerade is left out: {obstacle.ReplaceLineEndings(" ")}")}}
              authorization-policies: [ { name: everybody, pool: clients{{(obstacle is null ? ", nat: masquerade" : "")}} } ]
              profiles:
                - name: everybody
                  match: { remote-identity: [any] }
                  local-identity: address {{identity}}
                  local-authentication: { certificate: pki/server.pem, key: pki/server.key }
                  remote-authentication: { eap: { query-identity: true } }
                  authentication-list: local-list
                  authorization: { group: { list: local-list, name: everybody } }
                  traffic: { local: [{{string.Join(", ", networks.Behind)}}] }
                  virtual-template: 1

            virtual-templates: [ { number: 1, commands: ["ip mtu 1400", "ip tcp adjust-mss 1360"] } ]
            pools: [ { name: clients, range: {{pool}} } ]

            """;
    }

    private static string Quote(string path) => $"'{path.Replace("'", "''", StringComparison.Ordinal)}'";
}
