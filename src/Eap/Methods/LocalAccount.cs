namespace Headend.Eap.Methods;

/// <summary>The look-up that the password methods share.</summary>
internal static class LocalAccount
{
    /// <summary>
    /// The account of a name as the client wrote it, then without its Windows domain. False with the reason for the log when there is none, or when its
    /// stored form cannot serve the method; <paramref name="account"/> is then what to count the failure under.
    /// </summary>
    public static bool TryFind(
        ILocalCredentials credentials, string userName, EapType method, out string account, out LocalCredential? credential, out string refusal)
    {
        account = userName;
        if (!credentials.TryFind(userName, out credential, out refusal))
        {
            var withoutDomain = MsChapV2.WithoutDomain(userName);
            if (withoutDomain.Length == userName.Length || !credentials.TryFind(withoutDomain, out credential, out var second))
                return false;
            account = withoutDomain;
            refusal = second;
        }

        if (credential.Serves(method))
            return true;
        credential.Dispose();
        credential = null;
        refusal = $"the password of {account} is stored in a form that {method} cannot use";
        return false;
    }
}
