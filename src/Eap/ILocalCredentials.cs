using System.Diagnostics.CodeAnalysis;

namespace Headend.Eap;

/// <summary>Where the local EAP server finds passwords (aaa local-users) and tells verdicts. Declared here, implemented by the host; one per login.</summary>
public interface ILocalCredentials
{
    /// <summary>
    /// The credential of exactly this user name; false with the reason for the log when there is none or it may not be used now (the user is locked out).
    /// The client cannot tell the two from a wrong password. Must answer from memory. The caller disposes the credential.
    /// </summary>
    bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal);

    /// <summary>
    /// Told once for each password that a client gave, right when it was judged: whether the client hears of the verdict or goes away makes no difference
    /// to what counts as a failure. <paramref name="userName"/> is the account, or what the client claimed where there is none.
    /// </summary>
    void Judged(string userName, bool proven);
}
