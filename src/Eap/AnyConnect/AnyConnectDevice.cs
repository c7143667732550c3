using System.Text;

namespace Headend.Eap.AnyConnect;

/// <summary>What the client says about its machine (`device-id`, `mac-address-list`, `version`); nothing of it is proven. Printable and bounded, "" is unsaid.</summary>
public sealed record AnyConnectDevice
{
    public static AnyConnectDevice Unknown { get; } = new();

    /// <summary>Of the client program, such as 4.10.04065.</summary>
    public string Version { get; init; } = "";

    /// <summary>win, mac-intel, linux-64, android, apple-ios ...</summary>
    public string Platform { get; init; } = "";

    public string PlatformVersion { get; init; } = "";

    public string ComputerName { get; init; } = "";

    /// <summary>Vendor and model.</summary>
    public string DeviceType { get; init; } = "";

    public string UniqueId { get; init; } = "";

    public string UniqueIdGlobal { get; init; } = "";

    public IReadOnlyList<string> MacAddresses { get; init; } = [];

    /// <summary>That of <see cref="MacAddresses"/> whose interface leads to the Internet.</summary>
    public string PublicMacAddress { get; init; } = "";

    /// <summary>The name that ASA sends to RADIUS: "AnyConnect Windows 4.10.04065".</summary>
    public string UserAgent => Version.Length == 0 ? "" : $"AnyConnect {PlatformName} {Version}".Replace("  ", " ", StringComparison.Ordinal);

    private string PlatformName => Platform switch
    {
        "win" => "Windows",
        "mac-intel" => "Darwin_i386",
        "linux" => "Linux",
        "linux-64" => "Linux_64",
        "android" => "Android",
        "apple-ios" => "AppleSSLVPN_Darwin_ARM",
        _ => Platform,
    };

    internal static AnyConnectDevice Read(AggregateElement root)
    {
        var id = root.Find("device-id");
        var addresses = root.Find("mac-address-list")?.Children.Where(c => c.Name == "mac-address").Take(AnyConnectLimits.MaxMacAddresses).ToList() ?? [];
        return new AnyConnectDevice
        {
            Version = Bound(root.TextOf("version")),
            Platform = Bound(id?.Text),
            PlatformVersion = Bound(id?.Attribute("platform-version")),
            ComputerName = Bound(id?.Attribute("computer-name")),
            DeviceType = Bound(id?.Attribute("device-type")),
            UniqueId = Bound(id?.Attribute("unique-id")),
            UniqueIdGlobal = Bound(id?.Attribute("unique-id-global")),
            MacAddresses = [.. addresses.Select(a => Bound(a.Text)).Where(a => a.Length > 0)],
            PublicMacAddress = Bound(addresses.Find(a => a.Attribute("public-interface") == "true")?.Text),
        };
    }

    private static string Bound(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        var bounded = new StringBuilder();
        var octets = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar)
                continue;
            // RADIUS counts octets, and so does everything that is kept.
            octets += rune.Utf8SequenceLength;
            if (octets > AnyConnectLimits.MaxDeviceOctets)
                break;
            bounded.Append(rune.ToString());
        }

        return bounded.ToString();
    }
}
