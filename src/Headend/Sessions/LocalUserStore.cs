using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Eap;

namespace Headend.Sessions;

/// <summary>The local users: those of the configuration, which stay, and those of the user file, which a reload replaces. Any thread.</summary>
internal sealed class LocalUserStore
{
    private readonly IReadOnlyList<LocalUserOptions> configured;
    private readonly LocalProfiles policies;
    private volatile FrozenDictionary<string, LocalUserOptions> byName;

    public LocalUserStore(IReadOnlyList<LocalUserOptions> configured, LocalProfiles policies)
    {
        this.configured = configured;
        this.policies = policies;
        byName = configured.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal);
    }

    public int Count => byName.Count;

    /// <summary>Every user, in no order.</summary>
    public IEnumerable<LocalUserOptions> All => byName.Values;

    /// <summary>
    /// Takes the users of the user file in place of those taken before. False, and nothing changes, when one of them cannot be used; <paramref name="errors"/>
    /// says each reason.
    /// </summary>
    public bool TryReplace(IReadOnlyList<LocalUserOptions> filed, out IReadOnlyList<string> errors)
    {
        var found = new List<string>();
        var users = configured.ToDictionary(u => u.Name, StringComparer.Ordinal);
        foreach (var user in filed)
        {
            if (!users.TryAdd(user.Name, user))
                found.Add($"user {user.Name} stands in the configuration or twice in the user file");
            if (user.Policy is not null && !policies.TryFind(user.Policy, out _))
                found.Add($"user {user.Name}: there is no authorization policy {user.Policy}");
            if (user.AttributeList is not null && !policies.TryFindList(user.AttributeList, out _))
                found.Add($"user {user.Name}: there is no attribute list {user.AttributeList}");
        }

        errors = found;
        if (found.Count == 0)
            byName = users.ToFrozenDictionary(StringComparer.Ordinal);
        return found.Count == 0;
    }

    /// <summary>A policy, or nothing.</summary>
    public bool TryFindPolicy(string name, [NotNullWhen(true)] out SessionProfile? profile) => policies.TryFind(name, out profile);

    /// <summary>
    /// What the method `local` answers to an authorization request: the attributes of the user of that name, else of the policy, with the pre-shared keys that stand
    /// among them. The keys stay the store's.
    /// </summary>
    public bool TryAuthorize(string name, [NotNullWhen(true)] out SessionProfile? profile, out PreSharedKeyAttributes? keys)
    {
        if (!byName.TryGetValue(name, out var user))
        {
            keys = policies.KeysOf(name);
            return policies.TryFind(name, out profile);
        }

        profile = ProfileOf(name);
        keys = (user.AttributeList is null ? null : policies.KeysOfList(user.AttributeList)) ?? (user.Policy is null ? null : policies.KeysOf(user.Policy));
        return true;
    }

    public bool Contains(string userName) => byName.ContainsKey(userName);

    /// <summary>
    /// What the user's policy and attribute list give, the list above the policy: what an Access-Accept would have carried. Empty for a user who is not here, such
    /// as one that a certificate names.
    /// </summary>
    public SessionProfile ProfileOf(string userName)
    {
        if (!byName.TryGetValue(userName, out var user))
            return SessionProfile.Empty;
        var (policy, list) = PartsOf(user);
        return ProfileMerge.Merge(policy, list);
    }

    /// <summary>What the user's policy and attribute list say, each by itself.</summary>
    public (SessionProfile Policy, SessionProfile List) PartsOf(LocalUserOptions user) =>
    (
        user.Policy is not null && policies.TryFind(user.Policy, out var policy) ? policy : SessionProfile.Empty,
        user.AttributeList is not null && policies.TryFindList(user.AttributeList, out var list) ? list : SessionProfile.Empty
    );

    /// <summary>A copy of the user's secret, which the caller disposes; false where there is no such user or no password of theirs.</summary>
    public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
    {
        credential = null;
        refusal = $"no local user {userName}";
        if (!byName.TryGetValue(userName, out var user))
            return false;
        refusal = $"{userName} has no password";
        if (!user.HasSecret)
            return false;
        credential = user.Password is null ? LocalCredential.FromHashes(user.NtHash is null ? default : user.NtHash.Octets, user.PasswordHash) : OfPassword(user.Password);
        return true;
    }

    private static LocalCredential OfPassword(SecretOptions secret)
    {
        Span<char> password = stackalloc char[secret.Length];
        var length = Encoding.UTF8.GetChars(secret.Octets, password);
        var credential = LocalCredential.FromPassword(password[..length]);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(password));
        return credential;
    }
}
