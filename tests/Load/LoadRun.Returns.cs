using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>Clients that lose their IKE SAs and come back.</summary>
internal sealed partial class LoadRun
{
    /// <summary>Everybody who is in loses its IKE SA without a word.</summary>
    /// <param name="how">The returning client's options, out of the former client and the options of a login.</param>
    public void Vanish(Func<TestInitiator, TestInitiatorOptions, TestInitiatorOptions> how)
    {
        foreach (var slot in _slots.Where(s => s.Initiator is { Stage: InitiatorStage.Established } && s.Number != _probe))
        {
            _away.Enqueue((slot, how(slot.Initiator!, _initiator with { User = slot.User, SpiPrefix = (uint)slot.Number })));
            slot.End();
            _held--;
        }
    }

    /// <summary>Whoever vanished comes back, at the rate of the logins; what is reported from here on is about that.</summary>
    public void Return(CancellationToken cancellation)
    {
        _figures = new LoadFigures();
        var start = Now;
        var begun = 0;
        while (!cancellation.IsCancellationRequested && (_away.Count > 0 || _inFlight > 0))
        {
            var next = Now + s_longestWait;
            while (_away.Count > 0 && _inFlight < _options.Concurrency)
            {
                var due = _options.Rate > 0 ? start + TimeSpan.FromSeconds(begun / _options.Rate) : Now;
                if (due > Now)
                {
                    next = due;
                    break;
                }

                var (slot, options) = _away.Dequeue();
                slot.Begin(new TestInitiator(options, _first[slot.Socket].Path), slot.Socket);
                begun++;
                _inFlight++;
                slot.Counted = true;
                _figures.Begun(Now);
                slot.Initiator!.Start(Now);
                Flush(slot);
            }

            Turn(next);
        }
    }

    /// <summary>The sessions stand and the gateway's questions are answered.</summary>
    public void Idle(TimeSpan time, CancellationToken cancellation)
    {
        var until = Now + time;
        while (!cancellation.IsCancellationRequested && Now < until)
            Turn(until);
    }
}
