using Headend.Eap.Methods;

namespace Headend.Eap;

/// <summary>Judges a password in clear text against the local users.</summary>
public static class LocalPassword
{
    /// <summary>
    /// Whether these UTF-8 octets are the user's password. Costs one stretched hash whoever is asked for, so that it belongs on a worker; the verdict is told to
    /// <see cref="ILocalCredentials.Judged"/>. False with the reason for the log.
    /// </summary>
    /// <param name="credentials">The local users.</param>
    /// <param name="userName">As the client wrote it; a Windows domain before it is tried away.</param>
    /// <param name="given">UTF-8.</param>
    /// <param name="account">Who it is, or what was claimed.</param>
    /// <param name="refusal">"" where the password is right.</param>
    public static bool Verify(ILocalCredentials credentials, string userName, ReadOnlySpan<byte> given, out string account, out string refusal)
    {
        LocalAccount.TryFind(credentials, userName, EapType.Gtc, out account, out var credential, out refusal);
        using (credential)
        {
            var proven = LocalCredential.Verify(credential, given);
            credentials.Judged(account, proven);
            refusal = proven ? "" : credential is null ? refusal : $"wrong password for {account}";
            return proven;
        }
    }
}
