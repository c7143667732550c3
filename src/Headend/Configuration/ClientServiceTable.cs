using System.Net;

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
    }
}
