using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Runtime;

namespace Headend.Composition;

/// <summary>Loads what a TLS connection to a RADIUS server needs.</summary>
internal static class RadSecCredential
{
    /// <exception cref="HeadendStartException">Names the server and the file that cannot be used.</exception>
    public static RadSecOptions Load(string server, RadiusTlsOptions options)
    {
        var authorities = LoadAll(server, options.AuthoritiesFile);
        var chain = LoadAll(server, options.CertificateFile);
        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile);
            X509Certificate2Collection intermediates = [.. chain.Where(c => c.Thumbprint != certificate.Thumbprint)];
            return new RadSecOptions(options.ServerName, authorities, SslStreamCertificateContext.Create(certificate, intermediates, offline: true)) { Port = options.Port };
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new HeadendStartException($"RADIUS server {server}: {options.CertificateFile} with {options.KeyFile}: {error.Message}", error);
        }
    }

    private static X509Certificate2Collection LoadAll(string server, string path)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPemFile(path);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new HeadendStartException($"RADIUS server {server}: {path}: {error.Message}", error);
        }
        return certificates.Count > 0 ? certificates : throw new HeadendStartException($"RADIUS server {server}: no certificate in {path}");
    }
}
