namespace Headend.Runtime;

internal enum DatagramKind
{
    /// <summary>Nothing that anybody would send: dropped.</summary>
    Runt,

    /// <summary>RFC 3948 2.3: one octet 0xFF, "The receiver SHOULD ignore a received NAT-keepalive packet".</summary>
    Keepalive,
    Ike,
    Esp,
}

/// <summary>Tells what a UDP datagram on one of our ports is, by its first octets alone.</summary>
internal static class DatagramClassifier
{
    private const int MarkerLength = 4;
    private const int IkeHeaderLength = 28;
    private const int ExchangeTypeOffset = 18;
    private const byte IkeSaInit = 34;
    private const byte IkeAuth = 35;

    /// <param name="datagram">UDP payload.</param>
    /// <param name="marked">True on the NAT traversal port, where IKE follows four zero octets (RFC 3948 2.2).</param>
    /// <param name="ikeOffset">Where the IKE header begins.</param>
    public static DatagramKind Classify(ReadOnlySpan<byte> datagram, bool marked, out int ikeOffset)
    {
        ikeOffset = marked ? MarkerLength : 0;
        if (datagram.Length == 1 && datagram[0] == 0xff)
            return DatagramKind.Keepalive;
        if (marked)
        {
            if (datagram.Length < MarkerLength)
                return DatagramKind.Runt;
            // RFC 3948 2.1: "The SPI field in the ESP header MUST NOT be a zero value."
            if (datagram[..MarkerLength].ContainsAnyExcept((byte)0))
                return DatagramKind.Esp;
        }

        return datagram.Length - ikeOffset < IkeHeaderLength ? DatagramKind.Runt : DatagramKind.Ike;
    }

    /// <summary>Which queue an IKE message waits in. The sender chooses the octet, so it decides about order only, never about trust.</summary>
    public static MailPriority PriorityOf(ReadOnlySpan<byte> ikeMessage) => ikeMessage[ExchangeTypeOffset] switch
    {
        IkeSaInit => MailPriority.NewLogin,
        IkeAuth => MailPriority.Login,
        _ => MailPriority.Established,
    };
}
