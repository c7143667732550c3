using System.Diagnostics.CodeAnalysis;

namespace Headend.Eap.AnyConnect;

/// <summary>A document of the client: init, auth-reply or ack.</summary>
internal sealed record AnyConnectClientDocument(string Type)
{
    public required AnyConnectDevice Device { get; init; }

    /// <summary>`group-select`, "" where there is none.</summary>
    public string Group { get; private init; } = "";

    /// <summary>`group-access`: the name of a group, or the end of a URL that names one.</summary>
    public string GroupAccess { get; private init; } = "";

    /// <summary>The client has no certificate that would do.</summary>
    public bool CertificateFailed { get; private init; }

    /// <summary>Our opaque element as it came back, in canonical form; null where it did not.</summary>
    public byte[]? Opaque { get; private init; }

    public string UserName { get; private init; } = "";

    /// <summary>The password or whatever else the form asked for; null where the reply has none.</summary>
    public string? Answer { get; private init; }

    /// <summary>The client aborts and says why, or "".</summary>
    public string Error { get; private init; } = "";

    public static bool TryRead(ReadOnlySpan<byte> xml, [NotNullWhen(true)] out AnyConnectClientDocument? document, [NotNullWhen(false)] out string? error)
    {
        document = null;
        if (!AggregateXmlParser.TryParse(xml, out var root, out error))
            return false;
        if (root.Name != "config-auth")
        {
            error = "an XML document that is no config-auth";
            return false;
        }

        var auth = root.Find("auth");
        var access = root.TextOf("group-access");
        document = new AnyConnectClientDocument(root.Attribute("type"))
        {
            Device = AnyConnectDevice.Read(root),
            Group = root.TextOf("group-select"),
            GroupAccess = access[(access.LastIndexOf('/') + 1)..],
            CertificateFailed = root.Find("client-cert-fail") is not null,
            Opaque = root.Children.FirstOrDefault(c => c.Name == "opaque" && c.Attribute("is-for") == "sg")?.ToCanonical(),
            UserName = auth?.TextOf("username") ?? "",
            Answer = auth?.Find("password")?.RawText,
            Error = root.TextOf("error"),
        };
        return true;
    }
}
