using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Configuration;
using Headend.Pki.Verification;
using Headend.Sessions;

namespace Headend.Composition;

/// <summary>Makes a profile's AnyConnect-EAP of its options, its lists and the files that the client is told of.</summary>
internal static class AnyConnectCompiler
{
    /// <summary>False with the file that cannot be used; true and null where the profile has no AnyConnect-EAP.</summary>
    public static bool TryCompile(
        IkeProfileOptions options, HeadendConfiguration configuration, RadiusComposition radius, X509Certificate2? certificate, out AnyConnectBinding? binding, out string error)
    {
        binding = null;
        error = "";
        if (options.AnyConnect is not { } client)
            return true;
        var complete = client.Login.Complete;
        if (client.TellServerCertificate && certificate is not null)
            complete = complete with { ServerCertificateHash = Hash(certificate.RawData) };
        byte[]? profile = null;
        if (client.ProfileFile is { } file)
        {
            try
            {
                profile = File.ReadAllBytes(file);
                complete = complete with { ProfileHash = Hash(profile) };
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                error = $"{file}: {exception.Message}";
                return false;
            }
        }

        ClientCertificateBinding? trust = null;
        if (client.Certificate is { } asked && !ClientCertificateComposition.TryCompile(asked.Trust, configuration, out trust, out error))
            return false;
        var list = client.AuthenticationList ?? options.AuthenticationList!;
        var methods = radius.MethodsOf(configuration.Aaa.Authentication.First(l => l.Name == list));
        binding = new AnyConnectBinding(client.Login with { Complete = complete }, client.Protocol, methods, list)
        {
            ClientProfile = profile is null ? null : profile.AsMemory(),
            Certificate = trust is null ? null : new AnyConnectCertificateBinding(trust, client.Certificate!.UserName, client.Certificate.RadiusPair),
        };
        return true;
    }

    private static string Hash(byte[] octets) => Convert.ToHexString(SHA1.HashData(octets));
}
