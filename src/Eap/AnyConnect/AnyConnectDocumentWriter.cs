using System.Text;
using System.Xml;

namespace Headend.Eap.AnyConnect;

/// <summary>A field of a form.</summary>
/// <param name="Type">text or password.</param>
/// <param name="Name">What the client returns it by.</param>
/// <param name="Label">Shown.</param>
/// <param name="Value">Written into it beforehand.</param>
internal sealed record AnyConnectField(string Type, string Name, string Label, string? Value = null);

/// <summary>What the user is asked.</summary>
internal sealed record AnyConnectForm(string Id, string Title, string Message, IReadOnlyList<AnyConnectField> Fields)
{
    /// <summary>Why the form is shown again.</summary>
    public string? Error { get; init; }

    /// <summary>The selected one first, as clients expect it.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    public string GroupLabel { get; init; } = "";
}

/// <summary>Writes the headend's documents: UTF-8, no white space between elements.</summary>
internal static class AnyConnectDocumentWriter
{
    private static readonly XmlWriterSettings Settings = new() { Encoding = new UTF8Encoding(false), Indent = false };

    public static byte[] Hello() => Write("hello", static _ => { });

    /// <summary>The login is over; the text is for the user.</summary>
    public static byte[] Error(string text) => Write("auth-request", xml =>
    {
        xml.WriteStartElement("auth");
        xml.WriteAttributeString("id", "main");
        WriteError(xml, text);
        xml.WriteEndElement();
        WriteError(xml, text);
    });

    public static byte[] CertificateRequest(AggregateElement opaque, int? port) => Write("auth-request", xml =>
    {
        WriteOpaque(xml, opaque);
        WritePort(xml, port);
        xml.WriteElementString("client-cert-request", "");
    });

    public static byte[] Request(AggregateElement opaque, int? port, AnyConnectForm form) => Write("auth-request", xml =>
    {
        WriteOpaque(xml, opaque);
        WritePort(xml, port);
        xml.WriteStartElement("auth");
        xml.WriteAttributeString("id", form.Id);
        WriteText(xml, "title", form.Title);
        WriteText(xml, "message", form.Message);
        if (form.Error is { } error)
            WriteError(xml, error);
        xml.WriteStartElement("form");
        foreach (var field in form.Fields)
            WriteField(xml, field);
        WriteGroups(xml, form);
        xml.WriteEndElement();
        xml.WriteEndElement();
    });

    public static byte[] Complete(uint sessionId, string sessionToken, string banner, AnyConnectCompleteOptions options) => Write("complete", xml =>
    {
        WriteText(xml, "session-id", sessionId.ToString());
        WriteText(xml, "session-token", sessionToken);
        xml.WriteStartElement("auth");
        xml.WriteAttributeString("id", "success");
        if (banner.Length > 0)
            WriteText(xml, "banner", banner);
        xml.WriteStartElement("message");
        xml.WriteAttributeString("id", "0");
        xml.WriteAttributeString("param1", "");
        xml.WriteAttributeString("param2", "");
        xml.WriteEndElement();
        xml.WriteEndElement();
        WriteConfig(xml, options);
    });

    /// <summary>What XML can carry of a text: other characters become spaces.</summary>
    internal static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '\n' or '\t' || (!Rune.IsControl(rune) && rune.Value is not (0xFFFE or 0xFFFF)))
                clean.Append(rune.ToString());
            else
                clean.Append(' ');
        }

        return clean.ToString();
    }

    private static byte[] Write(string type, Action<XmlWriter> body)
    {
        using var buffer = new MemoryStream();
        using (var xml = XmlWriter.Create(buffer, Settings))
        {
            xml.WriteStartDocument();
            xml.WriteStartElement("config-auth");
            xml.WriteAttributeString("client", "vpn");
            xml.WriteAttributeString("type", type);
            xml.WriteAttributeString("aggregate-auth-version", "2");
            body(xml);
            xml.WriteFullEndElement();
        }

        return buffer.ToArray();
    }

    private static void WriteOpaque(XmlWriter xml, AggregateElement element)
    {
        xml.WriteStartElement(element.Name);
        if (element.Attribute("is-for") is { Length: > 0 } purpose)
            xml.WriteAttributeString("is-for", purpose);
        if (element.Text.Length > 0)
            xml.WriteString(Clean(element.Text));
        foreach (var child in element.Children)
            WriteOpaque(xml, child);
        xml.WriteFullEndElement();
    }

    private static void WritePort(XmlWriter xml, int? port)
    {
        if (port is { } number)
            WriteText(xml, "csport", number.ToString());
    }

    private static void WriteField(XmlWriter xml, AnyConnectField field)
    {
        xml.WriteStartElement("input");
        xml.WriteAttributeString("type", field.Type);
        xml.WriteAttributeString("name", field.Name);
        xml.WriteAttributeString("label", Clean(field.Label));
        if (field.Value is { } value)
            xml.WriteAttributeString("value", Clean(value));
        xml.WriteFullEndElement();
    }

    private static void WriteGroups(XmlWriter xml, AnyConnectForm form)
    {
        if (form.Groups.Count == 0)
            return;
        xml.WriteStartElement("select");
        xml.WriteAttributeString("name", "group_list");
        xml.WriteAttributeString("label", Clean(form.GroupLabel));
        for (var i = 0; i < form.Groups.Count; i++)
        {
            xml.WriteStartElement("option");
            if (i == 0)
                xml.WriteAttributeString("selected", "true");
            xml.WriteString(Clean(form.Groups[i]));
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static void WriteError(XmlWriter xml, string text)
    {
        xml.WriteStartElement("error");
        xml.WriteAttributeString("id", "13");
        xml.WriteAttributeString("param1", "");
        xml.WriteAttributeString("param2", "");
        xml.WriteString(Clean(text));
        xml.WriteEndElement();
    }

    private static void WriteConfig(XmlWriter xml, AnyConnectCompleteOptions options)
    {
        var hasProfile = options.ProfileUri is not null && options.ProfileHash is not null;
        if (options.CsPort is null && options.BasePackageUri is null && options.ServerCertificateHash is null && !hasProfile && options.CustomAttributes.Count == 0)
            return;
        xml.WriteStartElement("config");
        xml.WriteAttributeString("client", "vpn");
        xml.WriteAttributeString("type", "private");
        if (options.BasePackageUri is not null || options.ServerCertificateHash is not null)
        {
            xml.WriteStartElement("vpn-base-config");
            WriteOptional(xml, "base-package-uri", options.BasePackageUri);
            WriteOptional(xml, "server-cert-hash", options.ServerCertificateHash);
            xml.WriteEndElement();
        }

        WritePort(xml, options.CsPort);
        WriteOpaqueForClient(xml, options, hasProfile);
        if (hasProfile)
            WriteProfile(xml, options);
        xml.WriteEndElement();
    }

    private static void WriteOpaqueForClient(XmlWriter xml, AnyConnectCompleteOptions options, bool hasProfile)
    {
        if (!hasProfile && options.CustomAttributes.Count == 0)
            return;
        xml.WriteStartElement("opaque");
        xml.WriteAttributeString("is-for", "vpn-client");
        if (hasProfile)
        {
            xml.WriteRaw("<service-profile-manifest><ServiceProfiles rev=\"1.0\"><Profile service-type=\"user\"><FileName></FileName><FileExtension>xml</FileExtension>"
                + "<DerivedFileExtension></DerivedFileExtension><Directory></Directory><DeployDirectory></DeployDirectory><Description>AnyConnect VPN Profile</Description>"
                + "<DownloadRemoveEmpty>false</DownloadRemoveEmpty></Profile></ServiceProfiles></service-profile-manifest>");
        }

        if (options.CustomAttributes.Count > 0)
        {
            xml.WriteStartElement("custom-attr");
            foreach (var (name, value) in options.CustomAttributes)
            {
                xml.WriteStartElement(name);
                xml.WriteString(Clean(value));
                xml.WriteEndElement();
            }

            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static void WriteProfile(XmlWriter xml, AnyConnectCompleteOptions options)
    {
        xml.WriteStartElement("vpn-profile-manifest");
        xml.WriteStartElement("vpn");
        xml.WriteAttributeString("rev", "1.0");
        xml.WriteStartElement("file");
        xml.WriteAttributeString("type", "profile");
        xml.WriteAttributeString("service-type", "user");
        WriteText(xml, "uri", options.ProfileUri!);
        xml.WriteStartElement("hash");
        xml.WriteAttributeString("type", "sha1");
        xml.WriteString(options.ProfileHash);
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    private static void WriteOptional(XmlWriter xml, string name, string? text)
    {
        if (text is not null)
            WriteText(xml, name, text);
    }

    private static void WriteText(XmlWriter xml, string name, string text)
    {
        xml.WriteStartElement(name);
        xml.WriteString(Clean(text));
        xml.WriteFullEndElement();
    }
}
