using System.Security.Cryptography;
using System.Text;

namespace Headend.Eap.Methods;

/// <summary>
/// Authenticator side of EAP-MD5 (RFC 3748 5.4, RFC 1994 4.1): a challenge, and MD5 over identifier, secret and challenge. Makes no key and needs the
/// password in clear text.
/// <code>
/// |  Value-Size   |  Value ...  |  Name ...
/// </code>
/// </summary>
internal sealed class Md5Server(EapServerOptions options, string identity) : IEapMethod
{
    private const int ChallengeLength = 16;

    private readonly byte[] _challenge = new byte[ChallengeLength];
    private byte _identifier;
    private bool _ended;

    public EapType Type => EapType.Md5;

    public bool IsExpensive => false;

    /// <summary>The Response Value (RFC 1994 4.1).</summary>
    public static void Response(byte identifier, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> challenge, Span<byte> value)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        hash.AppendData([identifier]);
        hash.AppendData(secret);
        hash.AppendData(challenge);
        hash.GetHashAndReset(value);
    }

    public byte[] Start(byte identifier)
    {
        options.Random(_challenge);
        _identifier = identifier;
        return [ChallengeLength, .. _challenge, .. Encoding.UTF8.GetBytes(options.ServerName)];
    }

    public EapMethodStep Handle(ReadOnlySpan<byte> typeData, byte nextIdentifier)
    {
        if (_ended)
            return new EapMethodStep.Discarded("the method has ended");
        // RFC 1994 4.1: Value-Size of an MD5 response is 16; a name may follow and is not what is proven.
        if (typeData.Length < 1 + MD5.HashSizeInBytes || typeData[0] != MD5.HashSizeInBytes)
            return new EapMethodStep.Discarded("malformed EAP-MD5 Response");
        _ended = true;
        var found = LocalAccount.TryFind(options.Credentials, identity, Type, out var account, out var credential, out var refusal);
        using (credential)
        {
            Span<byte> expected = stackalloc byte[MD5.HashSizeInBytes];
            Expect(credential, expected);
            var proven = CryptographicOperations.FixedTimeEquals(expected, typeData.Slice(1, MD5.HashSizeInBytes)) & found;
            options.Credentials.Judged(account, proven);
            if (proven)
                return new EapMethodStep.Done(account, null);
            return new EapMethodStep.Failed(found ? $"wrong password for {account}" : refusal);
        }
    }

    public void Dispose()
    {
    }

    private void Expect(LocalCredential? credential, Span<byte> expected)
    {
        ReadOnlySpan<char> password = default;
        credential?.TryGetPassword(out password);
        var secret = new byte[Encoding.UTF8.GetMaxByteCount(password.Length)];
        var length = Encoding.UTF8.GetBytes(password, secret);
        Response(_identifier, secret.AsSpan(0, length), _challenge, expected);
        CryptographicOperations.ZeroMemory(secret);
    }
}
