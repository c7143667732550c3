using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Vendor ids that change what we do, or that tell an operator which client this is. Prefixes: most carry a version behind them.</summary>
internal static class VendorIds
{
    private const string Windows = "Windows";

    private static readonly (byte[] Prefix, string Name)[] Known =
    [
        (Convert.FromHexString("1E2B516905991C7D7C96FCBFB587E461"), Windows), // MS NT5 ISAKMPOAKLEY
        (Convert.FromHexString("882FE56D6FD20DBC2251613B2EBE5BEB"), "strongSwan"),
        ("CISCO-DELETE-REASON"u8.ToArray(), "Cisco"),
        ("CISCO(COPYRIGHT)"u8.ToArray(), "Cisco"),
        ("CISCOVPN-REV-02"u8.ToArray(), "Cisco"),
    ];

    public static string? Recognise(IkeMessage message)
    {
        foreach (var payload in message.Payloads)
        {
            if (payload is VendorIdPayload vendor && Find(vendor.Value.Span) is { } name)
                return name;
        }

        return null;
    }

    public static bool IsWindows(IkeMessage message) => ReferenceEquals(Recognise(message), Windows);

    private static string? Find(ReadOnlySpan<byte> value)
    {
        foreach (var (prefix, name) in Known)
        {
            if (value.StartsWith(prefix))
                return name;
        }

        return null;
    }
}
