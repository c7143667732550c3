using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Headend.Configuration;
using Headend.Eap;

namespace Headend.Composition;

/// <summary>The local users of the configuration as the EAP server asks for them. Immutable.</summary>
internal sealed class LocalUserStore(IEnumerable<LocalUserOptions> users) : ILocalCredentials
{
    private readonly FrozenDictionary<string, LocalUserOptions> byName = users.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal);

    public bool TryFind(string userName, out LocalCredential? credential)
    {
        credential = null;
        if (!byName.TryGetValue(userName, out var user))
            return false;
        Span<char> password = stackalloc char[user.Password.Length];
        var length = Encoding.UTF8.GetChars(user.Password.Octets, password);
        credential = LocalCredential.FromPassword(password[..length]);
        CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(password));
        return true;
    }
}
