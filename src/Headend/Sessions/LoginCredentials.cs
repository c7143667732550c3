using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.Eap;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>The local users as one login asks for them, with the lockout of its user and its source before them.</summary>
internal sealed partial class LoginCredentials(LocalUserStore users, LockoutTable lockout, IPAddress source, ILogger logger) : ILocalCredentials
{
    public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
    {
        credential = null;
        if (lockout.Explain(userName, source) is { } locked)
        {
            refusal = locked;
            return false;
        }

        return users.TryFind(userName, out credential, out refusal);
    }

    public void Judged(string userName, bool proven)
    {
        if (proven)
            lockout.Proven(userName);
        else if (lockout.Failed(users.Contains(userName) ? userName : null, source) is { } what)
            LogLockout(logger, what, source);
    }

    [LoggerMessage(EventId = 1120, EventName = "lockout", Level = LogLevel.Warning, Message = "locked={What} address={Address}: too many wrong passwords")]
    private static partial void LogLockout(ILogger logger, string what, IPAddress address);
}
