using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Messages whose payloads travel in the clear: IKE_SA_INIT, IKE_SESSION_RESUME, and error answers outside an SA.</summary>
public static class UnprotectedMessage
{
    /// <param name="header">As read from the same datagram.</param>
    public static bool TryParse(
        ReadOnlyMemory<byte> datagram, in IkeHeader header, [NotNullWhen(true)] out IkeMessage? message, out WireError error)
    {
        message = null;
        if (datagram.Length < IkeHeader.Size)
        {
            error = new WireError(WireErrorCode.Truncated, PayloadType.None, datagram.Length);
            return false;
        }
        if (!PayloadChain.TryParse(header.NextPayload, datagram[IkeHeader.Size..], out IkePayload[]? payloads, out error, IkeHeader.Size, isClear: true))
            return false;
        message = new IkeMessage(header, payloads);
        return true;
    }

    /// <summary>The whole message. Length and Next Payload of the header are taken from the payloads.</summary>
    public static byte[] Write(IkeHeader header, IReadOnlyList<IkePayload> payloads)
    {
        var writer = new WireWriter();
        writer.WriteZeros(IkeHeader.Size);
        PayloadType first = PayloadChain.Write(payloads, writer);
        byte[] message = writer.ToArray();
        (header with { NextPayload = first, Length = (uint)message.Length }).Write(message);
        return message;
    }
}
