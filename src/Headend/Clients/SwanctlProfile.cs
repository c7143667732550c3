using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Headend.Pki;

namespace Headend.Clients;

/// <summary>
/// A strongSwan client for one user: a directory with swanctl.conf (0600, it holds the password), x509ca/headend-ca.pem and README.txt that
/// <c>swanctl</c> loads as it stands when SWANCTL_DIR points to it.
/// </summary>
public sealed partial record SwanctlProfile
{
    public const string ConfigurationFile = "swanctl.conf";
    public const string AuthorityFile = "headend-ca.pem";

    /// <summary>Name of the connection and of its CHILD_SA: letters, digits, hyphen.</summary>
    public string Name { get; init; } = "headend";

    /// <summary>What the client connects to: host name or address.</summary>
    public required string ServerAddress { get; init; }

    /// <summary>The server's IKE identity, which its certificate must carry.</summary>
    public required string ServerIdentity { get; init; }

    public required string UserName { get; init; }

    public required string Password { get; init; }

    /// <summary>The root certificate in PEM.</summary>
    public required string AuthorityPem { get; init; }

    /// <summary>UDP port for IKE; 500 unless the headend listens elsewhere.</summary>
    public int Port { get; init; } = 500;

    /// <summary>Ask for an IPv6 address and route IPv6 into the tunnel too.</summary>
    public bool WithIPv6 { get; init; }

    /// <summary>Writes the directory; existing files of the same names are replaced.</summary>
    public void Write(string directory)
    {
        AtomicFile.Write(Path.Combine(directory, ConfigurationFile), Render(), AtomicFile.Private);
        AtomicFile.Write(Path.Combine(directory, "x509ca", AuthorityFile), AuthorityPem, AtomicFile.Public);
        AtomicFile.Write(Path.Combine(directory, "README.txt"), RenderInstructions(directory), AtomicFile.Public);
    }

    /// <summary>The text of swanctl.conf.</summary>
    public string Render()
    {
        if (!NamePattern().IsMatch(Name))
            throw new InvalidOperationException($"'{Name}' is no name for a swanctl section.");
        var user = Quote(IdentityOf(UserName));
        var port = Port == 500 ? "" : string.Create(CultureInfo.InvariantCulture, $"\n        remote_port = {Port}");
        return $$"""
            # strongSwan client of Headend. Holds a password: keep it readable by root alone.
            connections {
                {{Name}} {
                    version = 2
                    remote_addrs = {{Quote(ServerAddress)}}{{port}}
                    vips = {{(WithIPv6 ? "0.0.0.0, ::" : "0.0.0.0")}}
                    dpd_delay = 30s
                    local {
                        auth = eap-mschapv2
                        id = {{user}}
                        eap_id = {{user}}
                    }
                    remote {
                        auth = pubkey
                        id = {{Quote(ServerIdentity)}}
                        cacerts = {{AuthorityFile}}
                    }
                    children {
                        {{Name}} {
                            remote_ts = {{(WithIPv6 ? "0.0.0.0/0, ::/0" : "0.0.0.0/0")}}
                            dpd_action = restart
                        }
                    }
                }
            }
            secrets {
                eap-{{Name}} {
                    id = {{user}}
                    secret = {{Quote(SecretOf(Password))}}
                }
            }

            """;
    }

    /// <summary>What a person types to connect, for the README and for the terminal.</summary>
    public string RenderInstructions(string directory) => $"""
        strongSwan client (Debian: strongswan-swanctl, charon-systemd, libcharon-extauth-plugins), as root:

            export SWANCTL_DIR={ShellQuote(Path.GetFullPath(directory))}
            swanctl --load-all
            swanctl --initiate --child {Name}

        To disconnect: swanctl --terminate --ike {Name}
        On another machine: copy this directory there first and point SWANCTL_DIR to the copy.

        """;

    // strongSwan guesses the type of an identity from its text (address, DN, e-mail, @...). What is not plainly a name or an
    // e-mail address gets an explicit type, or 10.0.0.1 would be sent as four octets.
    private static string IdentityOf(string userName) => PlainIdentity().IsMatch(userName) ? userName : $"fqdn:{userName}";

    // 0x and 0s announce hexadecimal and Base64.
    private static string SecretOf(string password) =>
        password.StartsWith("0x", StringComparison.OrdinalIgnoreCase) || password.StartsWith("0s", StringComparison.OrdinalIgnoreCase)
            ? "0s" + Convert.ToBase64String(Encoding.UTF8.GetBytes(password))
            : password;

    private static string Quote(string value)
    {
        var text = new StringBuilder(value.Length + 2).Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append(@"\\"),
                '\n' => text.Append(@"\n"),
                '\r' => text.Append(@"\r"),
                '\t' => text.Append(@"\t"),
                _ => text.Append(c),
            };
        }

        return text.Append('"').ToString();
    }

    private static string ShellQuote(string path) => $"'{path.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9-]{0,63}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9._-]*(@[A-Za-z0-9.-]+)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlainIdentity();
}
