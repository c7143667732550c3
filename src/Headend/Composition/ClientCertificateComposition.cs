using System.Security.Cryptography.X509Certificates;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Pki;
using Headend.Pki.Verification;
using Headend.Sessions;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>The files of profiles that take clients' certificates, at start and at each reload.</summary>
internal sealed partial class ClientCertificateComposition(IReadOnlyList<IkeProfileOptions> options, IReadOnlyList<IkeProfile> profiles, ILogger logger)
{
    private readonly Lock gate = new();
    private IReadOnlyList<IkeProfile> profiles = profiles;

    /// <summary>False with the file that cannot be used.</summary>
    public static bool TryCompile(ClientCertificateOptions options, HeadendConfiguration configuration, out ClientCertificateBinding? binding, out string error)
    {
        binding = null;
        if (!TryLoad(options, out var trust, out error))
            return false;
        binding = new ClientCertificateBinding(trust!)
        {
            Revocation = options.Revocation,
            FetchHosts = options.FetchHosts,
            UsageRequired = options.UsageRequired,
            MatchIdentity = options.MatchIdentity,
            Mangler = options.Mangler is null ? null : configuration.Ikev2.NameManglers.First(m => m.Name == options.Mangler),
        };
        return true;
    }

    /// <summary>What CERTREQ says.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> RequestOf(CertificateTrust trust) =>
        [.. trust.Authorities.Select(a => (ReadOnlyMemory<byte>)CertificateRequestHash.Of(a))];

    /// <summary>
    /// Reads authorities and lists again, each profile's by themselves: what cannot be used stays as it was, with a line in the log. Returns the profiles for the
    /// core, null where none of them has such files.
    /// </summary>
    public IReadOnlyList<IkeProfile>? Reload()
    {
        lock (gate)
        {
            if (!options.Any(o => o.RemoteCertificate is not null || o.AnyConnect?.Certificate is not null))
                return null;
            profiles = [.. profiles.Select(Reload)];
            return profiles;
        }
    }

    private IkeProfile Reload(IkeProfile profile)
    {
        if (profile.Tag is not ProfileBinding binding || options.FirstOrDefault(o => o.Name == profile.Name) is not { } files)
            return profile;
        if (binding.AnyConnect?.Certificate is { } asked)
            Reload(profile, asked.Policy, files.AnyConnect?.Certificate?.Trust);
        return Reload(profile, binding.Certificates, files.RemoteCertificate) is { } trust ? profile with { CertificateAuthorities = RequestOf(trust) } : profile;
    }

    private CertificateTrust? Reload(IkeProfile profile, ClientCertificateBinding? policy, ClientCertificateOptions? files)
    {
        if (policy is null || files is null)
            return null;
        if (TryLoad(files, out var trust, out var error))
            policy.Replace(trust!);
        else
            LogKept(logger, $"profile {profile.Name}: {error}");
        return trust;
    }

    private static bool TryLoad(ClientCertificateOptions options, out CertificateTrust? trust, out string error)
    {
        trust = null;
        if (!LocalEapCompiler.TryReadAuthorities(options.AuthorityFile, out var encoded, out error))
            return false;
        var authorities = new List<X509Certificate2>();
        foreach (var der in encoded)
        {
            var authority = X509CertificateLoader.LoadCertificate(der.Span);
            authorities.Add(authority);
            // As an anchor it would let in whoever holds its key.
            if (!authority.Extensions.Any(e => e is X509BasicConstraintsExtension { CertificateAuthority: true }))
                error = $"{options.AuthorityFile}: {authority.Subject} is no CA certificate (basicConstraints)";
        }

        var lists = new List<(string, RevocationList)>();
        foreach (var file in options.RevocationListFiles)
        {
            if (error.Length > 0 || !LocalEapCompiler.TryReadLists([file], out var read, out error))
                break;
            foreach (var der in read)
            {
                if (RevocationList.TryRead(der, out var list, out var problem))
                    lists.Add((Path.GetFileName(file), list));
                else
                    error = $"{file}: {problem}";
            }
        }

        trust = error.Length == 0 ? new CertificateTrust(authorities, lists) : null;
        return trust is not null;
    }

    [LoggerMessage(EventId = 1131, EventName = "reload-refused", Level = LogLevel.Error, Message = "reason={Reason}: what was read before stays")]
    private static partial void LogKept(ILogger logger, string reason);
}
