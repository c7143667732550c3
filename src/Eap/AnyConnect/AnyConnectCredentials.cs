using System.Security.Cryptography;

namespace Headend.Eap.AnyConnect;

/// <summary>What the user typed into a form. Whoever checks it disposes of it, which zeroes the answer.</summary>
/// <param name="kind">What the answer is.</param>
/// <param name="userName">Claimed: at most 253 octets of UTF-8, no control characters.</param>
/// <param name="answer">UTF-8 of at most <see cref="AnyConnectLimits.MaxAnswerCharacters"/> characters; owned by this object.</param>
/// <param name="group">Chosen among the profile's groups; "" where there are none.</param>
public sealed class AnyConnectCredentials(AnyConnectAnswerKind kind, string userName, byte[] answer, string group) : IDisposable
{
    public AnyConnectAnswerKind Kind => kind;

    public string UserName => userName;

    public ReadOnlySpan<byte> Answer => answer;

    public string Group => group;

    public void Dispose() => CryptographicOperations.ZeroMemory(answer);

    public override string ToString() => $"{kind} of {userName}";
}
