using Headend.Ikev2;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>The end of a run.</summary>
internal sealed partial class LoadRun
{
    /// <summary>Deletes what is held, if asked to, as many at a time as may log in at a time; gives up when no answer has come for a while.</summary>
    public void Finish()
    {
        if (!_options.Delete)
            return;
        var (begun, all, seen) = (0, _held, _held);
        var deadline = Now + s_deletePatience;
        foreach (var slot in _slots)
        {
            if (slot.Initiator is not { Stage: InitiatorStage.Established } initiator || slot.Number == _probe)
                continue;
            slot.Deleting = true;
            begun++;
            if (_options.Hold > TimeSpan.Zero || _options.Return is not null)
                initiator.Delete(Now);
            Flush(slot);
            if (slot.Number % 16 == 0)
                Turn(Now);
            while (begun - (all - _held) >= _options.Concurrency && IsAnswered(ref seen, ref deadline))
                Turn(Now + s_longestWait);
        }

        while (_held > 0 && IsAnswered(ref seen, ref deadline))
            Turn(Now + s_longestWait);
    }

    private bool IsAnswered(ref int seen, ref MonotonicTime deadline)
    {
        if (_held < seen)
            (seen, deadline) = (_held, Now + s_deletePatience);
        return Now < deadline;
    }
}
