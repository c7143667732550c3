using System.Diagnostics.CodeAnalysis;

namespace Headend.Pki.Verification;

/// <summary>A host that revocation lists and OCSP answers may be fetched from: certificates name URIs, the operator says which of them are followed.</summary>
/// <param name="Name">DNS name or address, compared without case.</param>
/// <param name="Port">80 unless said.</param>
internal sealed record RevocationHost(string Name, int Port)
{
    private const int HttpPort = 80;
    private const int MostUriCharacters = 1024;

    /// <summary>Reads <c>name</c>, <c>name:port</c>, <c>address</c>, <c>[ipv6]:port</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RevocationHost? host)
    {
        host = null;
        if (text.Length is 0 or > 260 || text.AsSpan().IndexOfAny("/@?# ") >= 0 || !Uri.TryCreate($"http://{text}/", UriKind.Absolute, out var uri) || uri.Port < 1
            || NameOf(uri) is not { } name || Uri.CheckHostName(name) == UriHostNameType.Unknown)
            return false;
        host = new RevocationHost(name, uri.Port);
        return true;
    }

    /// <summary>
    /// The URI, when it is plain HTTP to one of these hosts. Only HTTP: what is fetched is signed, and a TLS chain to be checked here would need revocation of its
    /// own (RFC 5280 8).
    /// </summary>
    public static bool TryAllow(string text, IReadOnlyList<RevocationHost> hosts, [NotNullWhen(true)] out Uri? uri)
    {
        uri = null;
        if (text.Length > MostUriCharacters || !Uri.TryCreate(text, UriKind.Absolute, out var named) || named.Scheme != Uri.UriSchemeHttp || named.UserInfo.Length > 0
            || NameOf(named) is not { } name || !hosts.Any(h => h.Matches(name, named.Port)))
            return false;
        uri = named;
        return true;
    }

    public override string ToString() => Port == HttpPort ? Name : $"{Name}:{Port}";

    // Letters that no domain name may have (RFC 5891 5.4) are found out only here.
    private static string? NameOf(Uri uri)
    {
        try
        {
            return uri.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    private bool Matches(string name, int port) => port == Port && string.Equals(name, Name, StringComparison.OrdinalIgnoreCase);
}
