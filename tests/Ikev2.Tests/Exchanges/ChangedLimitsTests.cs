using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Exchanges;

/// <summary>Time limits that are changed while a session stands, AUTH_LIFETIME, and the question whether a client lives.</summary>
public class ChangedLimitsTests
{
    private readonly EndpointPair pair = EndpointPair.Establish(1, TimeSpan.Zero);

    private SessionId Session => pair.LeftSession!.Id;

    [Fact]
    public void ASessionTimeoutCountsFromItsChangeAndSurvivesARekey()
    {
        pair.Network.RunFor(TimeSpan.FromMinutes(10));
        Command(new ChangeTimeoutsCommand(Session, TimeSpan.FromSeconds(60), null));
        Command(new RekeyIkeCommand(Session));
        pair.Network.RunFor(TimeSpan.FromSeconds(55));
        Assert.NotNull(pair.LeftSession);
        pair.Network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Null(pair.LeftSession);
        Assert.Null(pair.RightSession);
    }

    [Fact]
    public void ALimitOfZeroTakesItAway()
    {
        Command(new ChangeTimeoutsCommand(Session, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60)));
        pair.Network.RunFor(TimeSpan.FromSeconds(30));
        Command(new ChangeTimeoutsCommand(Session, TimeSpan.Zero, TimeSpan.Zero));
        pair.Network.RunFor(TimeSpan.FromMinutes(10));
        Assert.NotNull(pair.LeftSession);
        Assert.Null(pair.LeftSession.Grant.SessionTimeout);
        Assert.Null(pair.LeftSession.Grant.IdleTimeout);
    }

    [Fact]
    public void AnIdleTimeoutThatComesLaterEndsAQuietSession()
    {
        pair.Network.RunFor(TimeSpan.FromMinutes(10));
        Command(new ChangeTimeoutsCommand(Session, null, TimeSpan.FromSeconds(60)));
        pair.Network.RunFor(TimeSpan.FromSeconds(65));
        Assert.Null(pair.LeftSession);
    }

    [Fact]
    public void AClientThatDoesNotAuthenticateAnewLosesItsSession()
    {
        Command(new ReauthenticateCommand(Session, TimeSpan.FromSeconds(60)));
        pair.Network.RunFor(TimeSpan.FromSeconds(55));
        // RFC 4478 3: the client acknowledges the notify; this one does nothing more.
        Assert.Null(pair.LeftSession!.Current.ActiveLocal);
        pair.Network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Null(pair.LeftSession);
        Assert.Null(pair.RightSession);
    }

    [Fact]
    public void AReauthenticationDoesNotProlongASession()
    {
        Command(new ChangeTimeoutsCommand(Session, TimeSpan.FromSeconds(20), null));
        Command(new ReauthenticateCommand(Session, TimeSpan.FromSeconds(60)));
        pair.Network.RunFor(TimeSpan.FromSeconds(25));
        Assert.Null(pair.LeftSession);
    }

    [Fact]
    public void AProbeIsAnsweredByAClientThatLivesAndByNoOther()
    {
        pair.Network.RunFor(TimeSpan.FromSeconds(10));
        var before = pair.Network.Now;
        Command(new ProbeCommand(Session));
        pair.Network.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(pair.Left.Endpoint.TryGetLastHeard(Session, out var heard) && heard > before);

        pair.Network.Detach(pair.LeftSession!.Current.Path.Remote);
        before = pair.Network.Now;
        Command(new ProbeCommand(Session));
        pair.Network.RunFor(TimeSpan.FromSeconds(4));
        Assert.True(pair.Left.Endpoint.TryGetLastHeard(Session, out heard) && heard <= before);
        Assert.False(pair.Left.Endpoint.TryGetLastHeard(new SessionId(4711), out _));
    }

    private void Command(IkeCommand command) => pair.Left.Do((endpoint, now) => endpoint.Handle(command, now));
}
