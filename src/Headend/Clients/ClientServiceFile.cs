using System.Collections.Frozen;
using System.Text;
using Headend.Eap.AnyConnect;

namespace Headend.Clients;

/// <summary>One answer of the HTTPS service for AnyConnect clients.</summary>
internal sealed record ClientServiceFile(string ContentType, ReadOnlyMemory<byte> Octets)
{
    /// <summary>Where clients look for packages when the headend names no place.</summary>
    private const string UsualBase = "/1";

    private static readonly ClientServiceFile Page = Of("text/html", "<html></html>\n");
    private static readonly ClientServiceFile Script = Of("application/x-shellscript", "#!/bin/sh\n\nexit 0\n");
    private static readonly ClientServiceFile NoUpdate = Of("text/plain", "0,0,0000\n");

    /// <summary>A manifest without packages; also what any translation table is answered with.</summary>
    public static ClientServiceFile EmptyManifest { get; } = Of("text/xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vpn rev=\"1.0\">\n</vpn>\n");

    /// <summary>Everything that there is, by path.</summary>
    /// <param name="clients">What the clients of each profile are told, with the octets of the profile that they are offered; null for none.</param>
    public static FrozenDictionary<string, ClientServiceFile> All(IEnumerable<(AnyConnectCompleteOptions Told, ReadOnlyMemory<byte>? Profile)> clients)
    {
        var files = new Dictionary<string, ClientServiceFile>(StringComparer.Ordinal) { ["/"] = Page, ["/logout"] = Page };
        AddPackages(files, UsualBase);
        foreach (var (told, profile) in clients)
        {
            if (told.BasePackageUri is { } place)
                AddPackages(files, place.TrimEnd('/'));
            if (told.ProfileUri is { } uri && profile is { } octets)
                files[uri] = new ClientServiceFile("text/xml", octets);
        }

        return files.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Whether a path is one that downloaders ask for by themselves.</summary>
    /// <param name="path">As profiles give it.</param>
    /// <param name="places">Every `base-package-uri`.</param>
    public static bool IsBuiltIn(string path, IEnumerable<string> places) => All(places.Select(p => (new AnyConnectCompleteOptions { BasePackageUri = p }, (ReadOnlyMemory<byte>?)null))).ContainsKey(path);

    private static void AddPackages(Dictionary<string, ClientServiceFile> files, string place)
    {
        foreach (var page in (string[])["index.html", "Linux", "Linux_64", "Windows", "Darwin_i386"])
            files[$"{place}/{page}"] = Page;
        files[$"{place}/binaries/update.txt"] = NoUpdate;
        files[$"{place}/binaries/vpndownloader.sh"] = Script;
        files[$"{place}/VPNManifest.xml"] = EmptyManifest;
    }

    private static ClientServiceFile Of(string type, string text) => new(type, Encoding.ASCII.GetBytes(text));
}
