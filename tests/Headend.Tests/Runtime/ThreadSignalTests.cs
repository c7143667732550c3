using Headend.Runtime;

namespace Headend.Tests.Runtime;

public class ThreadSignalTests
{
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(1);

    [Fact]
    public void ASignalThatFindsNobodyLetsTheNextOneThrough()
    {
        var signal = new ThreadSignal();
        signal.Set();
        signal.Wait();
        Assert.True(Elapsed(() => signal.Wait(TimeSpan.FromMilliseconds(20))) >= TimeSpan.FromMilliseconds(20));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void NoTimeLeftIsNoWait(int milliseconds) => Assert.True(Elapsed(() => new ThreadSignal().Wait(TimeSpan.FromMilliseconds(milliseconds))) < Never);

    [Fact]
    public void ATimeoutBeyondTheEndOfItsSecondIsOne()
    {
        var signal = new ThreadSignal();
        // Of the nanoseconds of eleven ends, one at least is beyond the second in which it began.
        for (var i = 0; i < 11; i++)
            Assert.True(Elapsed(() => signal.Wait(TimeSpan.FromMilliseconds(100))) >= TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void TwoThreadsNeverMissEachOther()
    {
        var (there, back) = (new ThreadSignal(), new ThreadSignal());
        const int Rounds = 20_000;
        var answers = 0;
        var thread = new Thread(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                there.Wait();
                answers++;
                back.Set();
            }
        });
        thread.Start();
        for (var i = 0; i < Rounds; i++)
        {
            there.Set();
            back.Wait(i % 2 == 0 ? null : Never);
            Assert.Equal(i + 1, answers);
        }

        thread.Join();
    }

    private static TimeSpan Elapsed(Action action)
    {
        var begun = TimeProvider.System.GetTimestamp();
        action();
        return TimeProvider.System.GetElapsedTime(begun);
    }
}
