using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authentication;

/// <summary>What an Access-Accept says about the authentication itself. Holds the MSK: dispose of it.</summary>
public sealed class AcceptAttributes : IDisposable
{
    /// <summary>RFC 3748 7.10: an MSK has at least 64 octets.</summary>
    public const int MskLength = 64;

    private const int MaximumKeyLength = 32;

    private AcceptAttributes(byte[]? msk, string? userName, byte[]? eapMessage)
    {
        Msk = msk;
        UserName = userName;
        EapMessage = eapMessage;
    }

    /// <summary>64 octets, or null when the server sent no keys (EAP methods that make none: MD5, GTC).</summary>
    public byte[]? Msk { get; }

    /// <summary>RFC 2865 5.1: the name to use from now on, when the server gives one.</summary>
    public string? UserName { get; }

    /// <summary>Normally EAP-Success (RFC 3579 2.6.3).</summary>
    public byte[]? EapMessage { get; }

    /// <summary>False, with <paramref name="error"/> naming the attribute, when a key or the name is malformed: such an Accept cannot be used.</summary>
    public static bool TryRead(RadiusOutcome.Accept accept, [NotNullWhen(true)] out AcceptAttributes? attributes, out string error)
    {
        attributes = null;
        if (!TryReadMsk(accept.Packet, accept.RequestAuthenticator.Span, accept.Server.Secret, out var msk, out error)) return false;
        string? userName = null;
        if (accept.Packet.TryGet(RadiusAttributeType.UserName, out var attribute))
        {
            if (!attribute.TryGetText(out userName))
            {
                CryptographicOperations.ZeroMemory(msk);
                error = "User-Name is not text";
                return false;
            }
        }
        attributes = new AcceptAttributes(msk, string.IsNullOrEmpty(userName) ? null : userName, accept.Packet.GetEapMessage());
        return true;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(Msk);

    /// <summary>
    /// MS-MPPE-Recv-Key, then MS-MPPE-Send-Key, then zeros up to 64 octets (RFC 2548 2.4.2, 2.4.3; RFC 5216 2.3). EAP-MSCHAPv2's keys have 16
    /// octets each and its peers, Windows' and strongSwan's among them, put the padding behind both, not between them.
    /// </summary>
    internal static bool TryReadMsk(RadiusPacket accept, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, out byte[]? msk, out string error)
    {
        msk = null;
        error = "";
        byte[]? receive = null, send = null;
        foreach (var attribute in accept.VendorAttributes(RadiusVendor.Microsoft))
        {
            if (attribute.Type is not (MicrosoftAttribute.MppeRecvKey or MicrosoftAttribute.MppeSendKey)) continue;
            var name = attribute.Type == MicrosoftAttribute.MppeRecvKey ? "MS-MPPE-Recv-Key" : "MS-MPPE-Send-Key";
            ref var place = ref attribute.Type == MicrosoftAttribute.MppeRecvKey ? ref receive : ref send;
            if (!RadiusHiding.TryRevealSalted(attribute.Value.Span, requestAuthenticator, secret, out var key) || key.Length is 0 or > MaximumKeyLength)
            {
                error = $"{name} is malformed";
            }
            else if (place is not null)
            {
                error = $"{name} occurs twice";
            }
            else
            {
                place = key;
                continue;
            }
            CryptographicOperations.ZeroMemory(key);
        }
        if (error.Length == 0 && receive is null != send is null) error = receive is null ? "MS-MPPE-Recv-Key is missing" : "MS-MPPE-Send-Key is missing";
        if (error.Length == 0 && receive is not null && send is not null)
        {
            msk = new byte[MskLength];
            receive.CopyTo(msk, 0);
            send.CopyTo(msk, receive.Length);
        }
        CryptographicOperations.ZeroMemory(receive);
        CryptographicOperations.ZeroMemory(send);
        return error.Length == 0;
    }
}
