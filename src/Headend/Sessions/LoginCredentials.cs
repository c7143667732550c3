using System.Diagnostics.CodeAnalysis;
using Headend.Eap;

namespace Headend.Sessions;

/// <summary>The local users as one login asks for them.</summary>
internal sealed class LoginCredentials(LocalUserStore users) : ILocalCredentials
{
    public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal) =>
        users.TryFind(userName, out credential, out refusal);

    public void Judged(string userName, bool proven)
    {
    }
}
