using System.Security.Cryptography;
using System.Text;

namespace Headend.Eap.Methods;

/// <summary>
/// Authenticator side of EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2, RFC 2759): Challenge, Response, then Success or Failure and the
/// peer's acknowledgement. An unknown user runs through the same messages and arithmetic as a wrong password.
/// </summary>
internal sealed class MsChapV2Server(EapServerOptions options) : IEapMethod
{
    private enum Expect
    {
        Response,
        SuccessAcknowledge,
        FailureAcknowledge,
        Nothing,
    }

    private readonly byte[] _challenge = new byte[MsChapV2.ChallengeLength];
    private Expect _expect = Expect.Response;
    private byte _id;
    private string _identity = "";
    private byte[]? _msk;
    private string _refusal = "";

    public EapType Type => EapType.MsChapV2;

    public bool IsExpensive => false;

    public byte[] Start(byte identifier)
    {
        options.Random(_challenge);
        _id = identifier;
        return MsChapV2Codec.Challenge(_id, _challenge, Encoding.UTF8.GetBytes(options.ServerName));
    }

    public EapMethodStep Handle(ReadOnlySpan<byte> typeData, byte nextIdentifier) => _expect switch
    {
        Expect.Response => OnResponse(typeData),
        Expect.SuccessAcknowledge => OnSuccessAcknowledge(typeData),
        Expect.FailureAcknowledge => OnFailureAcknowledge(typeData),
        _ => new EapMethodStep.Discarded("the method has ended"),
    };

    public void Dispose()
    {
        if (_msk is not null)
            CryptographicOperations.ZeroMemory(_msk);
        _msk = null;
    }

    private EapMethodStep OnResponse(ReadOnlySpan<byte> typeData)
    {
        if (!MsChapV2Codec.TryReadResponse(typeData, _id, out var peerChallenge, out var ntResponse, out var name))
            return new EapMethodStep.Discarded("malformed MSCHAPv2 Response");
        if (!EapIdentity.TryRead(name, out var userName, out var reason))
            return Refuse($"MSCHAPv2 name: {reason}");

        Span<byte> ntHash = stackalloc byte[MsChapV2.HashLength];
        var known = FindUser(userName, ntHash, out var account, out var refusal);
        Span<byte> challenge = stackalloc byte[8];
        var proven = Verify(ntHash, peerChallenge, ntResponse, userName, challenge) & known;
        options.Credentials.Judged(account, proven);
        if (!proven)
        {
            CryptographicOperations.ZeroMemory(ntHash);
            return Refuse(known ? $"wrong password for {account}" : refusal);
        }

        _identity = account;
        _msk = MsChapV2.DeriveMsk(ntHash, ntResponse);
        _expect = Expect.SuccessAcknowledge;
        Span<byte> message = stackalloc byte[MsChapV2.AuthenticatorResponseLength + 5];
        MsChapV2.AuthenticatorResponse(ntHash, ntResponse, challenge, message);
        " M=OK"u8.CopyTo(message[MsChapV2.AuthenticatorResponseLength..]);
        CryptographicOperations.ZeroMemory(ntHash);
        return new EapMethodStep.Request(MsChapV2Codec.Message(MsChapV2Opcode.Success, _id, message));
    }

    private bool FindUser(string userName, Span<byte> ntHash, out string account, out string refusal)
    {
        LocalAccount.TryFind(options.Credentials, userName, Type, out account, out var credential, out refusal);
        using (credential)
        {
            if (credential is not null && credential.TryGetNtHash(ntHash))
                return true;
            options.Random(ntHash);
            return false;
        }
    }

    // RFC 2759 8.2 hashes the name without its domain; some peers hash it as they send it. The order depends on the name alone,
    // never on the account, so that the time taken tells nothing.
    private bool Verify(
        ReadOnlySpan<byte> ntHash, ReadOnlySpan<byte> peerChallenge, ReadOnlySpan<byte> ntResponse, string userName, Span<byte> challenge)
    {
        var withoutDomain = MsChapV2.WithoutDomain(userName);
        if (withoutDomain.Length == userName.Length)
            return Matches(ntHash, peerChallenge, ntResponse, userName, challenge);

        Span<byte> asSentChallenge = stackalloc byte[8];
        var asSent = Matches(ntHash, peerChallenge, ntResponse, userName, asSentChallenge);
        var stripped = Matches(ntHash, peerChallenge, ntResponse, withoutDomain, challenge);
        if (!stripped)
            asSentChallenge.CopyTo(challenge);
        return asSent | stripped;
    }

    private bool Matches(
        ReadOnlySpan<byte> ntHash, ReadOnlySpan<byte> peerChallenge, ReadOnlySpan<byte> ntResponse, string hashedName, Span<byte> challenge)
    {
        Span<byte> expected = stackalloc byte[MsChapV2.NtResponseLength];
        MsChapV2.ChallengeHash(peerChallenge, _challenge, Encoding.UTF8.GetBytes(hashedName), challenge);
        MsChapV2.NtResponse(challenge, ntHash, expected);
        return CryptographicOperations.FixedTimeEquals(expected, ntResponse);
    }

    private EapMethodStep.Request Refuse(string reason)
    {
        // RFC 2759 6: E=691 ERROR_AUTHENTICATION_FAILURE, R=0 no retry; C is required even then.
        Span<byte> fresh = stackalloc byte[MsChapV2.ChallengeLength];
        options.Random(fresh);
        _refusal = reason;
        _expect = Expect.FailureAcknowledge;
        var message = Encoding.ASCII.GetBytes($"E=691 R=0 C={Convert.ToHexString(fresh)} V=3 M=Authentication failed");
        return new EapMethodStep.Request(MsChapV2Codec.Message(MsChapV2Opcode.Failure, _id, message), reason);
    }

    private EapMethodStep OnSuccessAcknowledge(ReadOnlySpan<byte> typeData)
    {
        // draft-kamath-pppext-eap-mschapv2 2.4: the Success Response is the OpCode alone.
        if (typeData is not [3])
            return IsFailureAcknowledge(typeData)
                ? End($"{_identity} did not accept our MSCHAPv2 proof")
                : new EapMethodStep.Discarded("no MSCHAPv2 Success Response");
        _expect = Expect.Nothing;
        var msk = _msk;
        _msk = null;
        return new EapMethodStep.Done(_identity, msk);
    }

    private EapMethodStep OnFailureAcknowledge(ReadOnlySpan<byte> typeData) => IsFailureAcknowledge(typeData)
        ? End(_refusal)
        : new EapMethodStep.Discarded("no MSCHAPv2 Failure Response");

    private EapMethodStep.Failed End(string reason)
    {
        _expect = Expect.Nothing;
        Dispose();
        return new EapMethodStep.Failed(reason);
    }

    private static bool IsFailureAcknowledge(ReadOnlySpan<byte> typeData) => typeData is [4];
}
