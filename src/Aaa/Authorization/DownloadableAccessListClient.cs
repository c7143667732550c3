using Headend.Aaa.Authentication;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>
/// Fetches the downloadable access lists that ISE names in an Access-Accept ("ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-NAME-VERSION"): one Access-Request with the
/// list's name as User-Name, and as many more as Access-Challenges carry pieces of it. Lists are kept by name, which holds their version; logins that need the same
/// list at once share one fetch. Thread-safe.
/// </summary>
public sealed class DownloadableAccessListClient(RadiusClient radius)
{
    /// <summary>Lists that are kept; beyond this the oldest are forgotten.</summary>
    public const int MaximumKept = 256;

    /// <summary>Lines of one list.</summary>
    public const int MaximumLines = 4096;

    /// <summary>Answers that one list may take.</summary>
    public const int MaximumPieces = 128;

    private readonly Lock gate = new();
    private readonly Dictionary<(RadiusServerGroup Group, string Name), Task<AccessListDownload>> kept = [];
    private readonly Queue<(RadiusServerGroup Group, string Name)> order = new();

    /// <summary>Gets the list, from memory or from the servers. A failure is kept for nobody: the next login asks again.</summary>
    /// <param name="group">Who named the list.</param>
    /// <param name="session">Identifies the login that asks.</param>
    /// <param name="name">"#ACSACL#-...".</param>
    /// <param name="cancellation">Ends the wait, not the fetch, which others may wait for.</param>
    public async ValueTask<AccessListDownload> FetchAsync(RadiusServerGroup group, NasSessionRecord session, string name, CancellationToken cancellation)
    {
        var key = (group, name);
        Task<AccessListDownload>? task;
        TaskCompletionSource<AccessListDownload>? mine = null;
        lock (gate)
        {
            if (!kept.TryGetValue(key, out task))
            {
                mine = new TaskCompletionSource<AccessListDownload>(TaskCreationOptions.RunContinuationsAsynchronously);
                task = mine.Task;
                kept[key] = task;
                order.Enqueue(key);
                while (order.Count > MaximumKept) kept.Remove(order.Dequeue());
            }
        }
        if (mine is not null) _ = FetchIntoAsync(mine, key, session);
        return await task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    private async Task FetchIntoAsync(TaskCompletionSource<AccessListDownload> result, (RadiusServerGroup Group, string Name) key, NasSessionRecord session)
    {
        var download = AccessListDownload.Failed("the fetch was broken off");
        try
        {
            download = await FetchAsync(key.Group, session, key.Name).ConfigureAwait(false);
        }
        finally
        {
            if (download.Failure is not null) Forget(key, result.Task);
            result.TrySetResult(download);
        }
    }

    private void Forget((RadiusServerGroup Group, string Name) key, Task<AccessListDownload> task)
    {
        lock (gate)
        {
            if (kept.TryGetValue(key, out var current) && current == task) kept.Remove(key);
        }
    }

    private async Task<AccessListDownload> FetchAsync(RadiusServerGroup group, NasSessionRecord session, string name)
    {
        var lines = new List<(int Line, string Text)>();
        byte[] state = [];
        string? server = null;
        for (var piece = 0; piece < MaximumPieces; piece++)
        {
            var request = AccessRequestCodec.BuildAccessListDownload(session, name, state, server);
            switch (await radius.SendAsync(group, request, CancellationToken.None).ConfigureAwait(false))
            {
                case RadiusOutcome.Accept accept:
                    if (!TryRead(accept.Packet, lines, out var error)) return AccessListDownload.Failed($"{accept.Server.Name}: {error}");
                    return lines.Count == 0
                        ? AccessListDownload.Failed($"{accept.Server.Name} sent no line of it")
                        : new AccessListDownload([.. lines.OrderBy(static l => l.Line).Select(static l => l.Text)], null, false);
                case RadiusOutcome.Challenge challenge:
                    if (!TryRead(challenge.Packet, lines, out error)) return AccessListDownload.Failed($"{challenge.Server.Name}: {error}");
                    if (!challenge.Packet.TryGet(RadiusAttributeType.State, out var value)) return AccessListDownload.Failed($"{challenge.Server.Name} sent a piece without State");
                    state = value.Value.ToArray();
                    // RFC 2865 5.24: the State is this server's.
                    server = challenge.Server.Name;
                    break;
                case RadiusOutcome.Reject reject:
                    return AccessListDownload.Failed($"{reject.Server.Name} refused it");
                case RadiusOutcome.Unavailable unavailable:
                    return AccessListDownload.Failed(unavailable.Explain(), unavailable: true);
                case RadiusOutcome.Unsendable unsendable:
                    return AccessListDownload.Failed(unsendable.Explain()) with { IsUnsendable = true };
                default:
                    return AccessListDownload.Failed("the server answered something else than an Access-Accept, -Reject or -Challenge");
            }
        }
        return AccessListDownload.Failed($"it has not ended after {MaximumPieces} pieces");
    }

    /// <summary>ip:inacl#n and ipv6:inacl#n; other pairs of such an answer are nothing to us.</summary>
    private static bool TryRead(RadiusPacket packet, List<(int Line, string Text)> lines, out string error)
    {
        error = "";
        foreach (var attribute in packet.VendorAttributes(RadiusVendor.Cisco))
        {
            if (attribute.Type != CiscoAttribute.AvPair) continue;
            if (!attribute.TryGetText(out var text) || !CiscoPairParser.TryParse(text, out var pair))
            {
                error = "a Cisco-AVPair is not attribute=value";
                return false;
            }
            if (pair.Attribute != "inacl" || pair.Protocol is not ("ip" or "ipv6" or "ipsec" or "")) continue;
            if (pair.Line < 0 || !ProfileDraft.IsEntry(pair.Value))
            {
                error = $"{pair.Name} has a bad value '{pair.Value}'";
                return false;
            }
            if (lines.Count >= MaximumLines)
            {
                error = $"it has more than {MaximumLines} lines";
                return false;
            }
            lines.Add((pair.Line, pair.Value));
        }
        return true;
    }
}
