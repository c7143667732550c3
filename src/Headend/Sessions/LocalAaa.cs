using System.Net;
using Headend.Eap;
using Headend.Runtime;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>What logins against the local users are made with; one for all.</summary>
internal sealed class LocalAaa(LocalUserStore users, LockoutTable lockout, CryptoWorkers workers, TimeProvider time, ILogger logger)
{
    public LocalUserStore Users => users;

    public LockoutTable Lockout => lockout;

    public CryptoWorkers Workers => workers;

    public DateTimeOffset Now => time.GetUtcNow();

    public ILocalCredentials CredentialsFor(IPAddress source) => new LoginCredentials(users, lockout, source, logger);
}
