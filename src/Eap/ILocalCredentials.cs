namespace Headend.Eap;

/// <summary>Where the local EAP server finds passwords (aaa local-users). Declared here, implemented by the host.</summary>
public interface ILocalCredentials
{
    /// <summary>
    /// The credential of exactly this user name; false when there is no such user. Must answer from memory: it is called
    /// on the shard's thread. The caller disposes the credential.
    /// </summary>
    bool TryFind(string userName, out LocalCredential? credential);
}
