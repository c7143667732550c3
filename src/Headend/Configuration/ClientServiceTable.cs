using System.Net;
using Headend.Clients;

namespace Headend.Configuration;

/// <summary>The HTTPS service for AnyConnect clients.</summary>
/// <param name="Listen">TCP.</param>
/// <param name="Profile">Whose certificate it has.</param>
internal sealed record ClientServiceOptions(IPEndPoint Listen, string Profile);

/// <summary>The key <c>client-services</c>.</summary>
internal static class ClientServiceTable
{
    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("client-services", new SectionSyntax(
        ConfigurationTable.Required("listen", ScalarTable.EndPoint, "TCP address and port, such as `0.0.0.0:443`; the port is what `complete.csport` of profiles tells clients."),
        ConfigurationTable.Required("profile", ScalarTable.Name, "Name in ikev2.profiles, with `anyconnect-eap`: TLS has its certificate.") with { RefersTo = ProfileTable.Names }),
        "An HTTPS service that answers what the downloader of AnyConnect clients asks for, with fixed texts: no update, and the profiles of `complete.profile`. Read at the start. Absent: none, and clients need BypassDownloader.");

    public static ClientServiceOptions? Compile(SectionValue root) => root.GetOptional<SectionValue>("client-services") is { Written: true } section
        ? new ClientServiceOptions(section.Get<IPEndPoint>("listen"), section.Get<string>("profile"))
        : null;

    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        if (root.GetOptional<SectionValue>("client-services") is not { Written: true } section || section.GetOptional<string>("profile") is not { } name)
            return;
        var profile = root.GetOptional<SectionValue>("ikev2")?.Sections("profiles").FirstOrDefault(p => p.GetOptional<string>("name") == name);
        if (profile?.GetOptional<SectionValue>("remote-authentication") is { } remote && !remote.IsRejected("anyconnect-eap")
            && remote.GetOptional<SectionValue>("anyconnect-eap") is not { Written: true })
            diagnostics.Error(section.PlaceOf("profile"), $"profile '{Shown.Text(name)}' has no 'anyconnect-eap', whose clients this service is for");
        CheckOffers(root, section.GetOptional<IPEndPoint>("listen")?.Port, diagnostics);
    }

    /// <summary>What the profiles tell their clients of this service must be there, and be one thing under one path.</summary>
    private static void CheckOffers(SectionValue root, int? port, DiagnosticStore diagnostics)
    {
        var offers = new Dictionary<string, string>(StringComparer.Ordinal);
        var completes = root.GetOptional<SectionValue>("ikev2")?.Sections("profiles")
            .Select(p => p.GetOptional<SectionValue>("remote-authentication")?.GetOptional<SectionValue>("anyconnect-eap"))
            .Where(a => a is { Written: true })
            .Select(a => a!.GetOptional<SectionValue>("complete"))
            .OfType<SectionValue>().ToList() ?? [];
        foreach (var complete in completes)
        {
            CheckPort(complete, port, diagnostics);
            if (complete.GetOptional<SectionValue>("profile") is not { Written: true } profile || profile.GetOptional<string>("uri") is not { } uri || profile.GetOptional<string>("file") is not { } file)
                continue;
            var path = ConfigurationPaths.Resolve(file, profile.PlaceOf("file"));
            if (ClientServiceFile.IsBuiltIn(uri, completes.Select(c => c.GetOptional<string>("base-package-uri")).OfType<string>()))
                diagnostics.Error(profile.PlaceOf("uri"), $"'{Shown.Text(uri)}' is a path that the downloader asks 'client-services' for; a profile needs another");
            else if (!offers.TryAdd(uri, path) && offers[uri] != path)
                diagnostics.Error(profile.PlaceOf("uri"), $"'{Shown.Text(uri)}' is that of another profile's '{Shown.Text(offers[uri])}'; clients of one would be given the file of the other");
        }
    }

    private static void CheckPort(SectionValue complete, int? port, DiagnosticStore diagnostics)
    {
        var told = complete.GetOptionalValue<int>("csport");
        if (told is { } number && port is { } own && number != own)
            diagnostics.Warning(complete.PlaceOf("csport"), $"'client-services' listens on port {own}; clients told {number} reach it only where something forwards that port");
        if (told is null && !complete.IsRejected("csport") && (complete.GetOptional<SectionValue>("profile") is { Written: true } || complete.Has("base-package-uri")))
            diagnostics.Warning(complete.At, "'complete' names files of 'client-services', but no 'csport' where clients find them");
    }
}
