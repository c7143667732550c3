using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Exchanges;

/// <summary>What happens when lifetimes run out, and what is left of an IKE SA that is gone.</summary>
public class LifetimeTests
{
    [Fact]
    public void AChildSaThatNobodyRekeysIsDeletedOnce()
    {
        var pair = EndpointPair.Establish(1, TimeSpan.Zero);
        var left = pair.LeftSession!;

        // Neither side rekeys what it takes for rekeyed by the other; the Delete of that other never comes.
        foreach (var child in left.Children.Concat(pair.RightSession!.Children))
            child.PeerRekey = (child, []);
        pair.Network.RunFor(TimeSpan.FromMinutes(80));
        Assert.Same(left, pair.LeftSession);
        Assert.Empty(left.Children);
        Assert.Null(pair.Disagreement());
    }

    [Fact]
    public void TimersOfClosedIkeSasAreSwept()
    {
        var endpoint = EndpointPair.Establish(1, TimeSpan.Zero).Left.Endpoint;
        var path = new IkePath(new IPEndPoint(IPAddress.Loopback, 500), new IPEndPoint(IPAddress.Loopback, 501), false);
        for (ulong i = 1; i <= 10_000; i++)
        {
            var sa = new IkeSa(endpoint, new IkeSpi(i), new IkeSpi(i), false, path, default);
            endpoint.Timers.Set(sa, IkeTimer.IkeExpiry, new MonotonicTime(long.MaxValue));
            endpoint.Drop(sa);
        }

        Assert.InRange(endpoint.Timers.Count, 1, 2_500);
        Assert.NotNull(endpoint.NextDeadline);
    }

    [Fact]
    public void AnOperationThatFailsForGoodEndsItsSessionOnly()
    {
        var pair = EndpointPair.Establish(3, TimeSpan.FromMilliseconds(30), PfsPolicy.Required);
        var session = pair.LeftSession!;
        pair.Left.Do((endpoint, now) =>
        {
            endpoint.Handle(new RekeyIkeCommand(session.Id), now);
            Assert.True(endpoint.TryTake(out var effect));
            endpoint.Handle(new OperationFailedCompletion(Assert.IsType<KeyAgreementEffect>(effect).Id, "no arithmetic today"), now);
        });
        var down = Assert.Single(pair.Left.Outside.Ended);
        Assert.Equal(SessionEndReason.InternalError, down.Reason);
        Assert.Equal(0, pair.Left.Endpoint.PendingOperations);
        Assert.Equal(0, pair.Left.Endpoint.Counts.Established);
        Assert.Equal(0, pair.Left.Endpoint.Counts.ChildSas);
    }
}
