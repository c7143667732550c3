using Headend.Aaa.Accounting;
using Headend.Ikev2;
using Headend.Runtime;

namespace Headend.Sessions;

/// <summary>
/// When accounting begins: the Start is on disk before the client hears that it is connected, so that no crash leaves a session without its records.
/// </summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>A disk that hangs holds up no login for longer than this.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(2);

    private void CompleteInstall(InstallChildSaEffect effect, IkeShard shard, string? fault)
    {
        var completion = new InstallChildSaCompletion(effect.Id, fault);
        if (fault is not null || !services.Table.TryFind(effect.Session, out var session))
        {
            shard.Post(completion, effect.Established);
            return;
        }

        var durable = StartAccounting(session!);
        if (!durable.IsCompleted)
            _ = PostWhenDurable(durable, shard, completion, effect.Established);
        else
            shard.Post(completion with { Unaccountable = durable.Result }, effect.Established);
    }

    // On the thread that installed: before the teardown of the same session, which runs there too.
    private Task<string?> StartAccounting(ClientSession session)
    {
        if (session.Binding.Accounting.GetValueOrDefault(session.RemoteMethod) is not { } binding || session.Accounting is not null)
            return Task.FromResult<string?>(null);
        var records = RecordsOf(session, services.Clock.Time.GetUtcNow());
        var accounting = new SessionAccounting(records, services.Accounting!, binding.List, session.Profile.InterimInterval ?? binding.InterimInterval, services.Clock.Time);
        var start = accounting.StartAsync();
        // What has no Start gets no Stop either; the login is refused for it. Timers read this: what they have seen there stays.
        if (start is not { IsCompleted: true, Result: not null })
            session.Accounting = accounting;
        return start;
    }

    private static AccountingSession RecordsOf(ClientSession session, DateTimeOffset startedAt)
    {
        // The name that was proven: what EAP-Response/Identity said before a local method ran is anybody's claim.
        var nas = session.ToNasRecord(session.User ?? session.IkeIdentity);
        var authentic = session.IsAuthenticatedLocally ? AcctAuthentic.Local : AcctAuthentic.Radius;
        return new AccountingSession(nas, session.Profile, session.ClientAddresses(), authentic, startedAt)
        {
            FramedIpv6Prefix = session.FramedPrefix,
            DelegatedIpv6Prefix = session.DelegatedPrefix,
            Netmask = session.Addresses?.IPv4Netmask,
        };
    }

    private async Task PostWhenDurable(Task durable, IkeShard shard, IkeCompletion completion, bool established)
    {
        try
        {
            await durable.WaitAsync(StartPatience, services.Clock.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            services.Metrics.AccountingStartLate();
        }

        shard.Post(completion, established);
    }
}
