using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authentication;

/// <summary>Access-Requests for a password that the headend knows, and what their answers say of it.</summary>
public static class PasswordRequestCodec
{
    private const uint ServiceTypeLogin = 1;
    private const int ChallengeLength = 16;
    private const int EncryptedPiece = 243;

    /// <summary>User-Password: a login, or with <paramref name="state"/> the answer to an Access-Challenge (RFC 2865 4.4).</summary>
    public static RadiusRequest BuildPap(NasSessionRecord session, ReadOnlySpan<byte> password, ReadOnlySpan<byte> state = default, string? serverName = null)
    {
        var request = AccessRequestCodec.BuildPap(session, password);
        request.ServerName = serverName;
        return request.Add(RadiusAttributeType.State, state);
    }

    /// <summary>CHAP (RFC 2865 5.3, 5.40).</summary>
    /// <param name="session">Identifies the session.</param>
    /// <param name="password">Identifier and hash, 17 octets.</param>
    /// <param name="challenge">What was hashed with the password.</param>
    public static RadiusRequest BuildChap(NasSessionRecord session, ReadOnlySpan<byte> password, ReadOnlySpan<byte> challenge) => Begin(session)
        .Add(RadiusAttributeType.ChapPassword, password)
        .Add(RadiusAttributeType.ChapChallenge, challenge);

    /// <summary>MS-CHAPv2 (RFC 2548 2.1.1, 2.3.2).</summary>
    public static RadiusRequest BuildMsChapV2(NasSessionRecord session, ReadOnlySpan<byte> response, ReadOnlySpan<byte> challenge) => Begin(session)
        .AddVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MsChapChallenge, challenge)
        .AddVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MsChap2Response, response);

    /// <summary>A new password in place of an expired one (RFC 2548 2.3.4, 2.1.6).</summary>
    /// <param name="session">Identifies the session.</param>
    /// <param name="change">Value of MS-CHAP2-CPW.</param>
    /// <param name="encryptedPassword">516 octets, which go in numbered pieces.</param>
    /// <param name="challenge">16 octets.</param>
    public static RadiusRequest BuildMsChapV2Change(
        NasSessionRecord session, ReadOnlySpan<byte> change, ReadOnlySpan<byte> encryptedPassword, ReadOnlySpan<byte> challenge)
    {
        var request = Begin(session)
            .AddVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MsChapChallenge, challenge)
            .AddVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MsChap2Cpw, change);
        for (var number = 1; !encryptedPassword.IsEmpty; number++)
        {
            var piece = encryptedPassword[..Math.Min(EncryptedPiece, encryptedPassword.Length)];
            // RFC 2548 2.1.6: code 6, the identifier of the change, a sequence number from 1.
            request.AddVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MsChapNtEncPw, [6, change[1], 0, (byte)number, .. piece]);
            encryptedPassword = encryptedPassword[piece.Length..];
        }

        return request;
    }

    /// <summary>
    /// The number in MS-CHAP-Error of an Access-Reject (RFC 2759 6: 648 ERROR_PASSWD_EXPIRED, 691 ERROR_AUTHENTICATION_FAILURE), and the challenge that a change of password
    /// answers; null where there is none.
    /// </summary>
    public static int? MsChapError(RadiusPacket reject, out byte[]? challenge)
    {
        challenge = null;
        foreach (var attribute in reject.VendorAttributes(RadiusVendor.Microsoft))
        {
            if (attribute.Type != MicrosoftAttribute.MsChapError || attribute.Value.Length < 2)
                continue;
            int? number = null;
            foreach (var word in Encoding.Latin1.GetString(attribute.Value.Span[1..]).Split(' '))
            {
                if (word.StartsWith("E=", StringComparison.Ordinal) && int.TryParse(word.AsSpan(2), out var code))
                    number = code;
                else if (word.StartsWith("C=", StringComparison.Ordinal) && word.Length == 2 + (2 * ChallengeLength) && word.AsSpan(2).ContainsAnyExcept(Hexadecimal) is false)
                    challenge = Convert.FromHexString(word.AsSpan(2));
            }

            return number;
        }

        return null;
    }

    /// <summary>All Reply-Messages, a line each; "" where there is none or they are no text.</summary>
    public static string ReplyMessage(RadiusPacket packet)
    {
        var text = new StringBuilder();
        foreach (var attribute in packet.Attributes)
        {
            if (attribute.Type == RadiusAttributeType.ReplyMessage && attribute.TryGetText(out var line))
                text.Append(text.Length > 0 ? "\n" : "").Append(line);
        }

        return text.ToString();
    }

    /// <summary>RFC 2869 5.10: the answer to the challenge may be shown while it is typed. Without the attribute it may not.</summary>
    public static bool MayEcho(RadiusPacket challenge) => challenge.TryGet(RadiusAttributeType.Prompt, out var prompt) && prompt.Value.Span is [0, 0, 0, 1];

    private static System.Buffers.SearchValues<char> Hexadecimal { get; } = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");

    private static RadiusRequest Begin(NasSessionRecord session) =>
        AccessRequestCodec.Begin(session, session.UserName).Add(RadiusAttributeType.ServiceType, ServiceTypeLogin);
}
