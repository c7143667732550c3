using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Vendor ids that change what we do, or that tell an operator which client this is. Prefixes: most carry a version behind them.</summary>
internal static class VendorIds
{
    private const string Windows = "Windows";
    private const string Cisco = "Cisco";

    private static readonly byte[] AnyConnectEap = "CISCO-ANYCONNECT-EAP"u8.ToArray();
    private static readonly byte[] Copyright = "CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc."u8.ToArray();
    private static readonly byte[] DeleteReason = "CISCO-DELETE-REASON"u8.ToArray();

    /// <summary>MD5("FRAGMENTATION"): payload 132, older than RFC 7383.</summary>
    private static readonly byte[] Fragmentation = Convert.FromHexString("4048B7D56EBCE88525E7DE7F00D6C2D3");

    private static readonly (byte[] Prefix, string Name)[] Known =
    [
        (Convert.FromHexString("1E2B516905991C7D7C96FCBFB587E461"), Windows), // MS NT5 ISAKMPOAKLEY
        (Convert.FromHexString("882FE56D6FD20DBC2251613B2EBE5BEB"), "strongSwan"),
        (DeleteReason, Cisco),
        ("CISCO(COPYRIGHT)"u8.ToArray(), Cisco),
        ("CISCO-GRE-MODE"u8.ToArray(), Cisco),
        (AnyConnectEap, Cisco),
        ("CISCO-ANYCONNECT-STRAP"u8.ToArray(), Cisco),
        ("CISCO-NGE-LEVEL"u8.ToArray(), Cisco),
        ("FLEXVPN-SUPPORTED"u8.ToArray(), Cisco),
        ("CISCO-DYNAMIC-ROUTE"u8.ToArray(), Cisco),
        ("CISCOVPN-REV-02"u8.ToArray(), Cisco),
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

    public static bool IsCisco(IkeMessage message) => ReferenceEquals(Recognise(message), Cisco);

    /// <summary>The client speaks AnyConnect-EAP.</summary>
    public static bool OffersAnyConnectEap(IkeMessage message) => Has(message, AnyConnectEap);

    /// <summary>The client takes payload 132; so do we of clients of Cisco's.</summary>
    public static bool OffersCiscoFragmentation(IkeMessage message) => Has(message, Fragmentation);

    /// <summary>
    /// What the headend says of itself to a Cisco client. Never CISCO-ANYCONNECT-STRAP, which promises what this headend has not; nobody else is told anything.
    /// </summary>
    public static IEnumerable<IkePayload> Answer(Sa.PeerCapabilities peer)
    {
        if (!peer.IsCisco)
            yield break;
        yield return new VendorIdPayload(DeleteReason);
        yield return new VendorIdPayload(Copyright);
        if (peer.AnyConnectEap)
            yield return new VendorIdPayload(AnyConnectEap);
        if (peer.CiscoFragmentation)
            yield return new VendorIdPayload(Fragmentation);
    }

    private static bool Has(IkeMessage message, byte[] prefix)
    {
        foreach (var payload in message.Payloads)
        {
            if (payload is VendorIdPayload vendor && vendor.Value.Span.StartsWith(prefix))
                return true;
        }

        return false;
    }

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
