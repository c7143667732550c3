using System.Text;
using System.Text.Unicode;

namespace Headend.Eap;

/// <summary>The text of an EAP-Response/Identity as User-Name (RFC 3748 5.1, RFC 3579 2.1).</summary>
internal static class EapIdentity
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>False with a reason when the octets cannot be a User-Name: empty, over 253 octets, not UTF-8, control characters.</summary>
    public static bool TryRead(ReadOnlySpan<byte> octets, out string identity, out string reason)
    {
        identity = "";
        reason = octets.Length switch
        {
            0 => "the EAP identity is empty",
            > EapLimits.MaxIdentityLength => $"the EAP identity has {octets.Length} octets, a User-Name at most {EapLimits.MaxIdentityLength}",
            _ => "",
        };
        if (reason.Length > 0)
            return false;

        // RFC 2865 5.1 (text of UTF-8 characters): the name must come back from a string octet by octet, because RADIUS servers
        // compare User-Name with the identity inside the EAP-Message.
        if (!Utf8.IsValid(octets))
        {
            reason = "the EAP identity is not UTF-8";
            return false;
        }

        identity = Strict.GetString(octets);
        foreach (var c in identity)
        {
            if (!char.IsControl(c))
                continue;
            identity = "";
            reason = "the EAP identity contains a control character";
            return false;
        }

        return true;
    }

    /// <summary>The same bounds for an identity that is already text (the IKE identity).</summary>
    public static bool TryEncode(string text, out byte[] octets, out string reason)
    {
        octets = Encoding.UTF8.GetBytes(text);
        return TryRead(octets, out _, out reason);
    }
}
