using Headend.Configuration;
using Headend.Eap;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>The local users, their file and the profiles' EAP-TLS files, at start and at each reload.</summary>
internal sealed partial class LocalAaaComposition
{
    private readonly HeadendConfiguration configuration;
    private readonly IReadOnlyList<ProfileBinding> bindings;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly LocalUserStore users;
    private readonly Lock gate = new();

    /// <exception cref="HeadendStartException">The user file cannot be used.</exception>
    public LocalAaaComposition(
        HeadendConfiguration configuration, LocalUserStore users, IReadOnlyList<IkeProfile> profiles, TimeProvider time, ILogger logger)
    {
        this.configuration = configuration;
        this.time = time;
        this.logger = logger;
        bindings = [.. profiles.Select(p => (ProfileBinding)p.Tag!)];
        this.users = users;
        if (!TryReadUsers(out var errors))
            throw new HeadendStartException(string.Join('\n', errors));
        foreach (var problem in Unusable())
            LogUnusable(logger, problem);
    }

    public LocalAaa Serve(CryptoWorkers workers) => new(users, new LockoutTable(configuration.Aaa.Lockout, time), workers, time, logger);

    private string UserFile => LocalUserFile.PathIn(configuration.StateDirectory);

    /// <summary>Each file by itself: what cannot be used stays as it was, with a line in the log.</summary>
    public void Reload()
    {
        lock (gate)
        {
            if (!TryReadUsers(out var errors))
            {
                foreach (var error in errors)
                    LogKept(logger, error);
            }

            foreach (var problem in Unusable())
                LogUnusable(logger, problem);
            ReloadTls();
            LogReloaded(logger, users.Count);
        }
    }

    private bool TryReadUsers(out IReadOnlyList<string> errors)
    {
        if (!LocalUserFile.TryRead(UserFile, out var filed, out var error))
        {
            errors = [error];
            return false;
        }

        if (users.TryReplace(filed, out errors))
            return true;
        errors = [.. errors.Select(e => $"{UserFile}: {e}")];
        return false;
    }

    // The configuration's own users were checked with it; those of the file may be for a profile to come.
    private IEnumerable<string> Unusable()
    {
        var methods = new HashSet<EapType>();
        foreach (var binding in bindings)
        {
            if (binding.Authentication.Any(m => m.IsLocal))
                methods.UnionWith(binding.LocalEap.Methods);
            // A password in clear text is checked against whatever form is stored, as EAP-GTC does.
            if (binding.AnyConnect?.Authentication.Any(m => m.IsLocal) == true)
                methods.Add(EapType.Gtc);
        }

        return methods.Count == 0 ? [] : users.All.Select(u => LocalEapTable.Explain(u, methods)).OfType<string>().Order(StringComparer.Ordinal);
    }

    private void ReloadTls()
    {
        foreach (var options in configuration.Ikev2.Profiles)
        {
            if (options.LocalEap.Tls is not { } tls || bindings.FirstOrDefault(b => b.Name == options.Name) is not { } binding)
                continue;
            if (LocalEapCompiler.TryLoad(tls, options.LocalAuthentication, time.GetUtcNow(), out var context, out var error))
                binding.LocalEap.Replace(context!);
            else
                LogKept(logger, $"profile {options.Name}: {error}");
        }
    }

    [LoggerMessage(EventId = 1121, EventName = "reload-refused", Level = LogLevel.Error, Message = "reason={Reason}: what was read before stays")]
    private static partial void LogKept(ILogger logger, string reason);

    [LoggerMessage(EventId = 1122, EventName = "reloaded", Level = LogLevel.Information, Message = "localUsers={Users}")]
    private static partial void LogReloaded(ILogger logger, int users);

    [LoggerMessage(EventId = 1123, EventName = "user-cannot-log-in", Level = LogLevel.Warning, Message = "reason={Reason}")]
    private static partial void LogUnusable(ILogger logger, string reason);
}
