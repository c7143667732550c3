using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Configuration;
using Headend.Sessions;

namespace Headend.Composition;

/// <summary>Makes a profile's AnyConnect-EAP of its options, its lists and the files that the client is told of.</summary>
internal static class AnyConnectCompiler
{
    /// <summary>False with the file that cannot be read; true and null where the profile has no AnyConnect-EAP.</summary>
    public static bool TryCompile(
        IkeProfileOptions options, AaaOptions aaa, RadiusComposition radius, X509Certificate2? certificate, out AnyConnectBinding? binding, out string error)
    {
        binding = null;
        error = "";
        if (options.AnyConnect is not { } client)
            return true;
        var complete = client.Login.Complete;
        if (client.TellServerCertificate && certificate is not null)
            complete = complete with { ServerCertificateHash = Hash(certificate.RawData) };
        if (client.ProfileFile is { } file)
        {
            try
            {
                complete = complete with { ProfileHash = Hash(File.ReadAllBytes(file)) };
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                error = $"{file}: {exception.Message}";
                return false;
            }
        }

        var list = client.AuthenticationList ?? options.AuthenticationList!;
        var methods = radius.MethodsOf(aaa.Authentication.First(l => l.Name == list));
        binding = new AnyConnectBinding(client.Login with { Complete = complete }, client.Protocol, methods, list);
        return true;
    }

    private static string Hash(byte[] octets) => Convert.ToHexString(SHA1.HashData(octets));
}
