using System.Net;
using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Ikev2;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

public class AddressAssignmentTests : IAddressObserver
{
    private static readonly IPAddress Framed = IPAddress.Parse("10.99.0.7");
    private static readonly AddressRequest Four = new(IPv4: true, IPv6: false);
    private static readonly AddressRequest Both = new(IPv4: true, IPv6: true);

    private readonly AddressPool four = Pool("p4", "10.99.0.1-10.99.0.9");
    private readonly AddressPool six = Pool("p6", "2001:db8:99::/126");
    private readonly AddressPool delegation = Prefixes("pd", "2001:db8:d0::/54", 56);
    private readonly List<string> exhausted = [];
    private readonly AddressAssignment assignment;

    public AddressAssignmentTests() => assignment = new AddressAssignment([four, six, delegation], this);

    private static SessionProfile Pools => new() { Ipv4Pool = "p4", Ipv6Pool = "p6" };

    private static SessionProfile Fixed => new() { Ipv4Choice = AddressChoice.Fixed, Ipv4Address = Framed };

    void IAddressObserver.PoolExhausted(AddressPoolStatistics pool, string identity) => exhausted.Add($"{pool.Name} {identity}");

    [Fact]
    public void GivesWhatIsAskedForOnly()
    {
        var addresses = Assigned(TestSession.Create("alice", Pools), Four);
        Assert.NotNull(addresses.IPv4);
        Assert.Null(addresses.IPv6);
        Assert.Equal(0, six.GetStatistics().Leased);
    }

    [Fact]
    public void BothFamiliesFromTheirPools()
    {
        var addresses = Assigned(TestSession.Create("alice", Pools), Both);
        Assert.True(four.Contains(addresses.IPv4!));
        Assert.True(six.Contains(addresses.IPv6!));
    }

    [Fact]
    public void AFramedAddressIsTakenOutOfThePoolItLiesIn()
    {
        Assert.Equal(Framed, Assigned(TestSession.Create("alice", Fixed), Four).IPv4);
        for (var i = 0; i < 8; i++)
            Assert.NotEqual(Framed, Assigned(TestSession.Create($"user{i}", Pools), Four).IPv4);
        Assert.Equal("pool p4 is exhausted", Refused(TestSession.Create("late", Pools), Four));
        Assert.Equal(["p4 late"], exhausted);
    }

    [Fact]
    public void AGlobalAddressIsTheSessionsUntilItEnds()
    {
        var alice = TestSession.Create("alice", SessionProfile.Empty);
        var bob = TestSession.Create("bob", SessionProfile.Empty);
        Assert.True(assignment.TryTakeGlobal(alice, "p4", isIPv6: false, out var first, out _));
        Assert.True(assignment.TryTakeGlobal(alice, "p4", isIPv6: false, out var again, out _));
        Assert.True(assignment.TryTakeGlobal(bob, "p4", isIPv6: false, out var other, out _));
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.Equal(2, four.GetStatistics().Leased);
        assignment.Release(alice);
        assignment.Release(bob);
        Assert.Equal(0, four.GetStatistics().Leased);
    }

    /// <summary>It was silent, and so its address has not to rest for others.</summary>
    [Fact]
    public void WhatTheSessionThatSleptLongestGivesBackIsForTheOneThatItIsMeantFor()
    {
        Assert.True(AddressPool.TryCreate(new AddressPoolOptions("p4", ["10.99.0.1-10.99.0.3"]) { HoldDown = TimeSpan.FromHours(1) }, TimeProvider.System, out var pool, out _));
        assignment.Replace([pool, six]);
        var clock = new Headend.Runtime.MonotonicClock(TimeProvider.System);
        var (up, slept, longest) = (TestSession.Create("up", Pools), TestSession.Create("slept", Pools), TestSession.Create("longest", Pools));
        foreach (var session in new[] { up, slept, longest })
            Assigned(session, Four);
        var late = TestSession.Create("late", Pools);
        Assert.Equal(pool, Assert.Single(assignment.Assign(late, Four).Exhausted));
        Assert.Null(assignment.FindSleeper(pool));
        Assert.True(slept.TryWait(TestServices.Sleep(clock)));
        Assert.True(longest.TryWait(new SessionInactivity(TestServices.Sleep(clock)) { Since = MonotonicTime.Zero }));
        Assert.Same(longest, assignment.FindSleeper(pool));
        Assert.Null(assignment.FindSleeper(six));

        var vacated = longest.LeasedNetworks;
        End(longest);
        Assert.IsType<AssignmentOutcome.Refused>(assignment.Assign(late, Four));
        Assert.Equal(vacated[0].BaseAddress, Assigned(late, Four with { Vacated = vacated }).IPv4);
    }

    [Fact]
    public void AGlobalAddressThatCannotBeHadIsExplained()
    {
        var alice = TestSession.Create("alice", SessionProfile.Empty);
        Assert.Equal("there is no pool nope", Why("nope", isIPv6: false));
        Assert.Equal("the pool p6 gives no IPv4 addresses", Why("p6", isIPv6: false));
        Assert.Equal("the pool pd gives prefixes and no addresses", Why("pd", isIPv6: true));
        for (var i = 0; i < 9; i++)
            Assert.True(assignment.TryTakeGlobal(TestSession.Create($"user{i}", SessionProfile.Empty), "p4", isIPv6: false, out _, out _));
        Assert.Equal("pool p4 is exhausted", Why("p4", isIPv6: false));

        string? Why(string pool, bool isIPv6)
        {
            Assert.False(assignment.TryTakeGlobal(alice, pool, isIPv6, out _, out var why));
            return why;
        }
    }

    [Fact]
    public void AFramedAddressThatAnotherHoldsFromThePoolIsAConflictToo()
    {
        var bob = TestSession.Create("bob", Pools);
        var address = Assigned(bob, Four).IPv4;
        var outcome = assignment.Assign(TestSession.Create("alice", Fixed with { Ipv4Address = address }), Four);
        Assert.Same(bob, Assert.IsType<AssignmentOutcome.Held>(outcome).Holder);
    }

    [Fact]
    public void AFramedAddressThatIsHeldIsAConflictThatNamesItsHolder()
    {
        var first = TestSession.Create("alice", Fixed);
        Assigned(first, Four);
        Assert.Same(first, Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("alice", Fixed), Four)).Holder);

        End(first);
        Assigned(TestSession.Create("alice", Fixed), Four);
    }

    [Fact]
    public void AFramedAddressOutsideOfEveryPoolIsGivenToo()
    {
        var profile = Fixed with { Ipv4Address = IPAddress.Parse("192.0.2.5") };
        Assert.Equal(IPAddress.Parse("192.0.2.5"), Assigned(TestSession.Create("alice", profile), Four).IPv4);
        Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("bob", profile), Four));
    }

    [Fact]
    public void AFramedIPv6AddressIsHeldOnceAndConflictLeavesNothing()
    {
        var profile = Pools with { Ipv6Address = IPAddress.Parse("2001:db8:77::5") };
        Assert.Equal(profile.Ipv6Address, Assigned(TestSession.Create("alice", profile), Both).IPv6);
        Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("bob", profile), Both));
        Assert.Equal(1, four.GetStatistics().Leased);
    }

    // RFC 2865 5.8: 255.255.255.255 "the NAS should allow the user to select an address", 255.255.255.254 "the NAS should select an address".
    [Fact]
    public void TheClientChoosesOnlyWhereItMay()
    {
        var wish = IPAddress.Parse("10.99.0.6");
        var request = Four with { WishIPv4 = wish };
        Assert.NotEqual(wish, Assigned(TestSession.Create("alice", Pools with { Ipv4Choice = AddressChoice.NasChooses }), request).IPv4);
        var free = Pools with { Ipv4Choice = AddressChoice.ClientMayChoose };
        Assert.Equal(wish, Assigned(TestSession.Create("bob", free), request).IPv4);
        Assert.NotEqual(wish, Assigned(TestSession.Create("carol", free), request).IPv4);
        // Outside of the pool nobody chooses.
        Assert.True(four.Contains(Assigned(TestSession.Create("dave", free), Four with { WishIPv4 = IPAddress.Parse("192.0.2.1") }).IPv4!));
        Assert.Contains("no pool", Refused(TestSession.Create("erin", free with { Ipv4Pool = null }), request), StringComparison.Ordinal);
    }

    [Fact]
    public void ReleasedLeasesAreFreeAgain()
    {
        var session = TestSession.Create("alice", Pools);
        var before = Assigned(session, Both);
        End(session);
        Assert.Equal(0, four.GetStatistics().Leased);
        Assert.Equal(0, six.GetStatistics().Leased);
        var again = Assigned(TestSession.Create("alice", Pools), Both);
        Assert.Equal((before.IPv4, before.IPv6), (again.IPv4, again.IPv6));
    }

    [Fact]
    public void ASessionThatIsOverKeepsNothing()
    {
        var session = TestSession.Create("alice", Pools);
        session.Close();
        Assert.Equal("the login is over", Refused(session, Both));
        Assert.Equal(0, four.GetStatistics().Leased);
    }

    [Theory]
    [InlineData("nowhere", "there is no pool nowhere")]
    [InlineData("p4", "the pool p4 gives no IPv6 addresses")]
    public void APoolThatCannotBeMeantCostsTheLogin(string name, string refusal)
    {
        Assert.Equal(refusal, Refused(TestSession.Create("alice", Pools with { Ipv6Pool = name }), Both));
        Assert.Equal(0, four.GetStatistics().Leased);
    }

    // RFC 7296 3.15.4: "the responder replies with the successful addresses only. The responder sends INTERNAL_ADDRESS_FAILURE only if no addresses can be assigned."
    [Fact]
    public void AnExhaustedFamilyLeavesTheOther()
    {
        for (var i = 0; i < 3; i++)
            Assigned(TestSession.Create($"user{i}", Pools), new AddressRequest(IPv4: false, IPv6: true));
        var addresses = Assigned(TestSession.Create("alice", Pools), Both);
        Assert.NotNull(addresses.IPv4);
        Assert.Null(addresses.IPv6);
        Assert.Equal(["p6 alice"], exhausted);
        Assert.Equal("pool p6 is exhausted", Refused(TestSession.Create("bob", Pools with { Ipv4Pool = null }), Both));
    }

    [Fact]
    public void WithoutPoolAndAddressThereIsARefusal() => Assert.Contains("neither", Refused(TestSession.Create("alice"), Both), StringComparison.Ordinal);

    [Fact]
    public void ALeasedAddressIsHeldLikeAnyOtherAndGivenBackOnce()
    {
        var given = 0;
        var request = Four with { Leased = new LeasedAddress(Framed, null, [IPAddress.Parse("10.10.0.1")], "lease.example", () => given++, () => { }) };
        var session = TestSession.Create("alice");
        var addresses = Assigned(session, request);
        Assert.Equal((Framed, "lease.example", 1), (addresses.IPv4, addresses.DefaultDomain, addresses.DnsServers.Count));
        Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("bob", Fixed), Four));
        End(session);
        End(session);
        Assert.Equal(1, given);
        Assigned(TestSession.Create("bob", Fixed), Four);
    }

    [Fact]
    public void ALeaseThatCameInVainIsGivenBackWhateverElseFails()
    {
        var given = 0;
        var request = Both with { Leased = new LeasedAddress(Framed, null, [], null, () => given++, () => { }) };
        Refused(TestSession.Create("alice", Pools with { Ipv6Pool = "nowhere" }), request);
        Assert.Equal(1, given);
        // No lease, but the other family: RFC 7296 3.15.4 again.
        var addresses = Assigned(TestSession.Create("alice", Pools), Both with { LeaseFailure = "no DHCP server answered" });
        Assert.Equal((null, true), (addresses.IPv4, addresses.IPv6 is not null));
        Assert.Equal("no DHCP server answered", Refused(TestSession.Create("bob"), Four with { LeaseFailure = "no DHCP server answered" }));
    }

    [Fact]
    public void NewPoolsFindTheirAddressesInUseAndOldOnesGoNowhere()
    {
        var kept = TestSession.Create("alice", Pools);
        var outside = TestSession.Create("bob", Pools);
        var (alice, bob) = (Assigned(kept, Four).IPv4!, Assigned(outside, Four).IPv4!);
        var renewed = Pool("p4", $"{alice}");
        assignment.Replace([renewed, Pool("p5", "10.99.1.0/24")]);
        Assert.Equal(1, renewed.GetStatistics().Leased);
        Assert.Equal("pool p4 is exhausted", Refused(TestSession.Create("carol", Pools), Four));
        // Bob's address is of no pool any more; nobody gets it while he has it.
        Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("dave", Fixed with { Ipv4Address = bob }), Four));
        End(outside);
        End(kept);
        Assert.Equal(0, renewed.GetStatistics().Leased);
        Assert.Equal(alice, Assigned(TestSession.Create("carol", Pools), Four).IPv4);
    }

    // RFC 6911, 171: the pool that a delegated prefix comes from.
    [Fact]
    public void ADelegatedPrefixComesFromItsPoolAndGoesBack()
    {
        var session = TestSession.Create("alice", Pools with { DelegatedIpv6PrefixPool = "pd" });
        var outcome = AssignedOf(session, Both);
        var prefix = outcome.DelegatedPrefix!.Value;
        Assert.Equal((56, 1L), (prefix.PrefixLength, delegation.GetStatistics().Leased));
        Assert.Equal([prefix], outcome.Addresses.Prefixes);
        Assert.Equal(128, outcome.Addresses.IPv6PrefixLength);
        // Its network is the client's alone, whoever names it.
        var inside = Pools with { Ipv6Address = new IPAddress([.. prefix.BaseAddress.GetAddressBytes()[..15], 9]) };
        Assert.Same(session, Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("bob", inside), Both)).Holder);
        End(session);
        Assert.Equal(0, delegation.GetStatistics().Leased);
        Assert.Equal(prefix, AssignedOf(TestSession.Create("alice", Pools with { DelegatedIpv6PrefixPool = "pd" }), Both).DelegatedPrefix);
        // Who asks for no IPv6 address has no use for it.
        Assert.Null(AssignedOf(TestSession.Create("carol", Pools with { DelegatedIpv6PrefixPool = "pd" }), Four).DelegatedPrefix);
    }

    [Fact]
    public void AnExhaustedPoolOfPrefixesIsNamedAndCostsThePrefixOnly()
    {
        var profile = Pools with { DelegatedIpv6PrefixPool = "pd" };
        for (var i = 0; i < 4; i++)
            AssignedOf(TestSession.Create($"user{i}", profile with { Ipv6Pool = null }), Both);
        exhausted.Clear();
        Assert.Equal(4, delegation.GetStatistics().Leased);
        Assert.Null(AssignedOf(TestSession.Create("late", profile with { Ipv6Pool = null }), Both).DelegatedPrefix);
        Assert.Equal(["pd late"], exhausted);
        Assert.Equal("the pool p6 gives no prefixes", Refused(TestSession.Create("erin", Pools with { DelegatedIpv6PrefixPool = "p6" }), Both));
    }

    // RFC 3162 2.6: Framed-IPv6-Pool assigns "an IPv6 prefix for the user".
    [Fact]
    public void AFramedPoolOfPrefixesGivesThePrefixAndItsFirstHost()
    {
        var session = TestSession.Create("alice", new SessionProfile { Ipv6Pool = "pd", DelegatedIpv6PrefixPool = "pd" });
        var outcome = AssignedOf(session, Both);
        var framed = outcome.FramedPrefix!.Value;
        Assert.True(framed.Contains(outcome.Addresses.IPv6!));
        Assert.Equal((1, 56), (outcome.Addresses.IPv6!.GetAddressBytes()[15], outcome.Addresses.IPv6PrefixLength));
        Assert.NotEqual(framed, outcome.DelegatedPrefix);
        Assert.Equal(2, delegation.GetStatistics().Leased);
        End(session);
        // Both come back in their places.
        var again = AssignedOf(TestSession.Create("alice", new SessionProfile { Ipv6Pool = "pd", DelegatedIpv6PrefixPool = "pd" }), Both);
        Assert.Equal((framed, outcome.DelegatedPrefix), (again.FramedPrefix!.Value, again.DelegatedPrefix));
    }

    [Fact]
    public void PrefixesOfAaaThatOverlapAreAConflictInEitherOrder()
    {
        SessionProfile Delegated(string prefix) => Pools with { DelegatedIpv6Prefix = IPNetwork.Parse(prefix) };
        var wide = TestSession.Create("alice", Delegated("2001:db8:b0::/44"));
        AssignedOf(wide, Four);
        Assert.Same(wide, Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("bob", Delegated("2001:db8:b1::/56")), Four)).Holder);
        Assert.Equal(1, four.GetStatistics().Leased);
        End(wide);
        var narrow = TestSession.Create("bob", Delegated("2001:db8:b1::/56"));
        AssignedOf(narrow, Four);
        Assert.Same(narrow, Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("alice", Delegated("2001:db8:b0::/44")), Four)).Holder);
    }

    [Fact]
    public void APrefixOfAaaThatReachesIntoAPoolIsLeftOutOfIt()
    {
        // The first two prefixes of the pool, as one.
        var holder = TestSession.Create("alice", Pools with { DelegatedIpv6Prefix = IPNetwork.Parse("2001:db8:d0::/55") });
        AssignedOf(holder, Four);
        var profile = new SessionProfile { Ipv4Pool = "p4", DelegatedIpv6PrefixPool = "pd" };
        for (var i = 0; i < 2; i++)
            Assert.False(AssignedOf(TestSession.Create($"user{i}", profile), Both).DelegatedPrefix!.Value.BaseAddress.ToString() is "2001:db8:d0::" or "2001:db8:d0:100::");
        Assert.Null(AssignedOf(TestSession.Create("late", profile), Both).DelegatedPrefix);
        Assert.Equal(["pd late"], exhausted);
        End(holder);
        Assert.NotNull(AssignedOf(TestSession.Create("late", profile), Both).DelegatedPrefix);
    }

    [Fact]
    public void APrefixOfItsOwnHoldsTheClientsAddress()
    {
        var own = IPNetwork.Parse("2001:db8:a7::/64");
        var profile = new SessionProfile { Ipv6Address = IPAddress.Parse("2001:db8:a7::1"), Ipv6Prefix = own, PeerRoutes = [new PeerRoute(own)] };
        var session = TestSession.Create("alice", profile);
        Assert.Equal(own, AssignedOf(session, Both).FramedPrefix);
        var other = profile with { Ipv6Address = IPAddress.Parse("2001:db8:a7::2"), PeerRoutes = [] };
        Assert.Same(session, Assert.IsType<AssignmentOutcome.Held>(assignment.Assign(TestSession.Create("bob", other), Both)).Holder);
        End(session);
        // With an interface id the prefix is a link that several share.
        Assert.Null(AssignedOf(TestSession.Create("bob", other), Both).FramedPrefix);
        Assert.Null(AssignedOf(TestSession.Create("carol", other with { Ipv6Address = IPAddress.Parse("2001:db8:a7::3") }), Both).FramedPrefix);
    }

    private static AddressPool Pool(string name, string range) =>
        AddressPool.TryCreate(new AddressPoolOptions(name, [range]), TimeProvider.System, out var pool, out var error) ? pool : throw new InvalidOperationException(error);

    private static AddressPool Prefixes(string name, string range, int length) =>
        AddressPool.TryCreate(new AddressPoolOptions(name, [range]) { PrefixLength = length }, TimeProvider.System, out var pool, out var error)
            ? pool : throw new InvalidOperationException(error);

    private AssignmentOutcome.Assigned AssignedOf(ClientSession session, AddressRequest request) =>
        Assert.IsType<AssignmentOutcome.Assigned>(assignment.Assign(session, request));

    private AssignedAddresses Assigned(ClientSession session, AddressRequest request) =>
        Assert.IsType<AssignmentOutcome.Assigned>(assignment.Assign(session, request)).Addresses;

    private string Refused(ClientSession session, AddressRequest request) =>
        Assert.IsType<AssignmentOutcome.Refused>(assignment.Assign(session, request)).Why;

    private void End(ClientSession session)
    {
        session.Close();
        assignment.Release(session);
    }
}
