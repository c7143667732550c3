using System.Buffers;
using Headend.Ikev2;
using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>
/// The thread that owns one <see cref="IkeEndpoint"/>. One turn: one message, completion, command or round of timers, and then every effect that came of it.
/// A turn that throws ends the session it was about and nothing else.
/// </summary>
internal sealed partial class IkeShard : IDisposable
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly IkeEndpoint endpoint;
    private readonly MonotonicClock clock;
    private readonly ShardMailbox mailbox;
    private readonly Action<IkeEffect, IkeShard> perform;
    private readonly Func<bool> admitNew;
    private readonly ILogger logger;
    private readonly Thread thread;
    private int behind;

    /// <param name="index">The shard's number.</param>
    /// <param name="endpoint">Owned by this shard's thread from <see cref="Start"/> on.</param>
    /// <param name="clock">The process's clock.</param>
    /// <param name="limits">Of the mailbox.</param>
    /// <param name="perform">Performs an effect on the shard's thread; must not block.</param>
    /// <param name="admitNew">Whether new logins may begin; asked once a turn.</param>
    /// <param name="logger">For faults.</param>
    public IkeShard(
        int index, IkeEndpoint endpoint, MonotonicClock clock, ShardMailboxLimits limits, Action<IkeEffect, IkeShard> perform, Func<bool> admitNew, ILogger logger)
    {
        Index = index;
        this.endpoint = endpoint;
        this.clock = clock;
        this.perform = perform;
        this.admitNew = admitNew;
        this.logger = logger;
        mailbox = new ShardMailbox(limits);
        thread = new Thread(Run) { IsBackground = true, Name = $"ike-{index}" };
    }

    public int Index { get; }

    /// <summary>Steps of logins that wait; approximate.</summary>
    public int WaitingLogins => mailbox.WaitingLogins;

    /// <summary>The endpoint's counts after the last turn; any thread may read them.</summary>
    public IkeEndpointCounts Counts { get; private set; } = new(0, 0, 0, 0, false);

    /// <summary>Asked on the shard's thread: something is to be done behind this turn.</summary>
    public bool HasMore => behind > 0 || mailbox.HasMail;

    public void Start() => thread.Start();

    public bool TryPost(in ShardMail mail, MailPriority priority) => mailbox.TryPost(mail, priority);

    public void Post(IkeCompletion completion, bool established) => mailbox.Post(completion, established ? MailPriority.Established : MailPriority.Login);

    public void Post(IkeCommand command) => mailbox.Post(command, MailPriority.Established);

    /// <summary>
    /// Posts a command. The task completes, on the shard's thread, when all that came of it has been performed: what awaits it goes on there and must not block. It never
    /// completes where the shard stops before.
    /// </summary>
    public Task PostAsync(IkeCommand command)
    {
        var performed = new TaskCompletionSource();
        Post(command);
        if (!mailbox.Post((Action<IkeEndpoint>)(_ => performed.SetResult()), MailPriority.Established))
            performed.SetResult();
        return performed.Task;
    }

    /// <summary>What the endpoint knows of its IKE SAs, asked on its own thread. Answers an empty list once the shard has stopped.</summary>
    public Task<IReadOnlyList<IkeSaSnapshot>> DescribeAsync(CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<IReadOnlyList<IkeSaSnapshot>>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!mailbox.Post((Action<IkeEndpoint>)(e => answer.TrySetResult(e.Describe())), MailPriority.Established))
            answer.TrySetResult([]);
        return answer.Task.WaitAsync(cancellation);
    }

    /// <summary>
    /// Runs something on the shard's own thread, where the sessions of the shard stand still. False when the shard has stopped, or what it was to run threw.
    /// </summary>
    public async Task<bool> InvokeAsync(Action<IkeEndpoint, MonotonicTime> action)
    {
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var posted = mailbox.Post(
            (Action<IkeEndpoint>)(endpoint =>
            {
                var good = false;
                try
                {
                    action(endpoint, clock.Now);
                    good = true;
                }
                finally
                {
                    done.TrySetResult(good);
                }
            }),
            MailPriority.Established);
        try
        {
            return posted && await done.Task.WaitAsync(AnswerTimeout, clock.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The shard stopped before it came to this.
            return false;
        }
    }

    public void Dispose()
    {
        mailbox.Close();
        if (thread.IsAlive)
            thread.Join();
    }

    private void Run()
    {
        var batch = new List<ShardMail>();
        while (mailbox.Take(batch, UntilDeadline(), admitNew))
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var mail = batch[i];
                behind = batch.Count - 1 - i;
                var kept = false;
                Turn(mail, ref kept);
                if (!kept && mail.Content is byte[] buffer)
                    ArrayPool<byte>.Shared.Return(buffer);
            }

            var none = false;
            if (endpoint.NextDeadline is { } deadline && deadline <= clock.Now)
                Turn(default, ref none);
            Counts = endpoint.Counts;
        }
    }

    private TimeSpan? UntilDeadline()
    {
        if (endpoint.NextDeadline is not { } deadline)
            return null;
        // Rounded up to the next millisecond: waking too early would spin through the rest of it.
        var wait = deadline - clock.Now + TimeSpan.FromMilliseconds(1);
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    /// <param name="mail">What to do; default = the timers that are due.</param>
    /// <param name="kept">Set when the mail went back into the mailbox with its buffer.</param>
    private void Turn(in ShardMail mail, ref bool kept)
    {
        try
        {
            var now = clock.Now;
            switch (mail.Content)
            {
                case byte[] buffer when mail.AtTheDoor:
                    kept = endpoint.HandleAtDoor(new IkeDatagram(buffer.AsMemory(0, mail.Length), mail.Path), now)
                        && mailbox.TryPost(mail with { AtTheDoor = false }, MailPriority.ProvenLogin);
                    break;
                case byte[] buffer:
                    endpoint.Handle(new IkeDatagram(buffer.AsMemory(0, mail.Length), mail.Path), now);
                    break;
                case IkeCompletion completion:
                    endpoint.Handle(completion, now);
                    break;
                case IkeCommand command:
                    endpoint.Handle(command, now);
                    break;
                case Action<IkeEndpoint> question:
                    question(endpoint);
                    break;
                default:
                    endpoint.Advance(now);
                    break;
            }
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            LogFault(logger, fault, Index);
            endpoint.FailCurrent($"{fault.GetType().Name}: {fault.Message}");
        }

        while (endpoint.TryTake(out var effect))
            Perform(effect);
    }

    // An effect that throws leaves the others of the turn to be performed, those of the session's end among them.
    private void Perform(IkeEffect effect)
    {
        try
        {
            perform(effect, this);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            LogFault(logger, fault, Index);
            endpoint.FailCurrent($"{fault.GetType().Name}: {fault.Message}");
        }
    }

    [LoggerMessage(EventId = 1103, EventName = "shard-fault", Level = LogLevel.Error, Message = "shard {Shard}: a turn failed; the session it was about is ended")]
    private static partial void LogFault(ILogger logger, Exception fault, int shard);
}
