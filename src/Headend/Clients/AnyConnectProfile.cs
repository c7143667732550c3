using System.Globalization;
using System.Text;
using System.Xml;

namespace Headend.Clients;

/// <summary>The profile of Cisco Secure Client that leads it to this headend by IKEv2 with AnyConnect-EAP. It holds no secret.</summary>
public sealed record AnyConnectProfile
{
    private const string Schema = "http://schemas.xmlsoap.org/encoding/";

    /// <summary>What the client's schema allows, in seconds.</summary>
    private const int ShortestTimeout = 10;

    private const int LongestTimeout = 120;

    /// <summary>What the user sees in the client's list.</summary>
    public required string Name { get; init; }

    /// <summary>Host name or address that the client connects to and that the headend's certificate must bear.</summary>
    public required string Host { get; init; }

    /// <summary>The group that the form selects; null for none.</summary>
    public string? Group { get; init; }

    /// <summary>How long the client waits for an answer, brought into what its schema allows: 10 to 120 s.</summary>
    public required TimeSpan AuthenticationTimeout { get; init; }

    /// <summary>The client comes back by session-id and token, after sleep too; otherwise the file says nothing and the client's own default stands (DisconnectOnSuspend).</summary>
    public bool ReconnectsAfterResume { get; init; }

    /// <summary>The text of the file.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, IndentChars = "  ", NewLineChars = "\n", OmitXmlDeclaration = true }))
        {
            xml.WriteStartElement("AnyConnectProfile", Schema);
            xml.WriteStartElement("ClientInitialization", Schema);
            var seconds = Math.Clamp((int)AuthenticationTimeout.TotalSeconds, ShortestTimeout, LongestTimeout);
            xml.WriteElementString("AuthenticationTimeout", Schema, seconds.ToString(CultureInfo.InvariantCulture));
            if (ReconnectsAfterResume)
                WriteAutoReconnect(xml);
            xml.WriteEndElement();
            xml.WriteStartElement("ServerList", Schema);
            xml.WriteStartElement("HostEntry", Schema);
            xml.WriteElementString("HostName", Schema, Name);
            xml.WriteElementString("HostAddress", Schema, Host);
            if (Group is not null)
                xml.WriteElementString("UserGroup", Schema, Group);
            // Without it the client speaks TLS.
            xml.WriteElementString("PrimaryProtocol", Schema, "IPsec");
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return $"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n";
    }

    // Behind AuthenticationTimeout, where Cisco's profile editor writes it. Not for the user to control, or a preference that the client kept from before would stand above the file's.
    private static void WriteAutoReconnect(XmlWriter xml)
    {
        xml.WriteStartElement("AutoReconnect", Schema);
        xml.WriteAttributeString("UserControllable", "false");
        xml.WriteString("true");
        xml.WriteStartElement("AutoReconnectBehavior", Schema);
        xml.WriteAttributeString("UserControllable", "false");
        xml.WriteString("ReconnectAfterResume");
        xml.WriteEndElement();
        xml.WriteEndElement();
    }
}
