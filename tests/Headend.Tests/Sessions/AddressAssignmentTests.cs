using System.Net;
using Headend.Aaa.Authorization;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

public class AddressAssignmentTests
{
    private static readonly IPAddress Framed = IPAddress.Parse("10.99.0.7");

    private readonly AddressPool four = Pool("p4", "10.99.0.1-10.99.0.9");
    private readonly AddressPool six = Pool("p6", "2001:db8:99::/124");
    private readonly AddressAssignment assignment;

    public AddressAssignmentTests() => assignment = new AddressAssignment([four, six]);

    private static SessionProfile Pools => new() { Ipv4Pool = "p4", Ipv6Pool = "p6" };

    private static SessionProfile Fixed => new() { Ipv4Choice = AddressChoice.Fixed, Ipv4Address = Framed };

    [Fact]
    public void GivesWhatIsAskedForOnly()
    {
        var session = TestSession.Create("alice", Pools);
        Assert.True(assignment.TryAssign(session, wantIPv4: true, wantIPv6: false, out var addresses, out _, out _));
        Assert.NotNull(addresses!.IPv4);
        Assert.Null(addresses.IPv6);
        Assert.Equal(0, six.GetStatistics().Leased);
    }

    [Fact]
    public void BothFamiliesFromTheirPools()
    {
        var session = TestSession.Create("alice", Pools);
        Assert.True(assignment.TryAssign(session, true, true, out var addresses, out _, out _));
        Assert.True(four.Contains(addresses!.IPv4!));
        Assert.True(six.Contains(addresses.IPv6!));
    }

    [Fact]
    public void AFramedAddressIsTakenOutOfThePoolItLiesIn()
    {
        var alice = TestSession.Create("alice", Fixed);
        Assert.True(assignment.TryAssign(alice, true, false, out var addresses, out _, out _));
        Assert.Equal(Framed, addresses!.IPv4);
        for (var i = 0; i < 8; i++)
        {
            Assert.True(assignment.TryAssign(TestSession.Create($"user{i}", Pools), true, false, out var other, out _, out _));
            Assert.NotEqual(Framed, other!.IPv4);
        }

        Assert.False(assignment.TryAssign(TestSession.Create("late", Pools), true, false, out _, out _, out var refusal));
        Assert.Equal("pool p4 is exhausted", refusal);
    }

    [Fact]
    public void AFramedAddressThatIsHeldIsAConflictThatNamesItsHolder()
    {
        var first = TestSession.Create("alice", Fixed);
        Assert.True(assignment.TryAssign(first, true, false, out _, out _, out _));
        Assert.False(assignment.TryAssign(TestSession.Create("alice", Fixed), true, false, out _, out var conflict, out _));
        Assert.Same(first, conflict!.Holder);

        first.Close();
        assignment.Release(first);
        Assert.True(assignment.TryAssign(TestSession.Create("alice", Fixed), true, false, out _, out _, out _));
    }

    [Fact]
    public void AFramedAddressOutsideOfEveryPoolIsGivenToo()
    {
        var profile = Fixed with { Ipv4Address = IPAddress.Parse("192.0.2.5") };
        Assert.True(assignment.TryAssign(TestSession.Create("alice", profile), true, false, out var addresses, out _, out _));
        Assert.Equal(IPAddress.Parse("192.0.2.5"), addresses!.IPv4);
        Assert.False(assignment.TryAssign(TestSession.Create("bob", profile), true, false, out _, out var conflict, out _));
        Assert.NotNull(conflict);
    }

    [Fact]
    public void ReleasedLeasesAreFreeAgain()
    {
        var session = TestSession.Create("alice", Pools);
        assignment.TryAssign(session, true, true, out _, out _, out _);
        session.Close();
        assignment.Release(session);
        Assert.Equal(0, four.GetStatistics().Leased);
        Assert.Equal(0, six.GetStatistics().Leased);
    }

    [Fact]
    public void ASessionThatIsOverKeepsNothing()
    {
        var session = TestSession.Create("alice", Pools);
        session.Close();
        Assert.False(assignment.TryAssign(session, true, true, out _, out _, out var refusal));
        Assert.Equal("the login is over", refusal);
        Assert.Equal(0, four.GetStatistics().Leased);
    }

    [Fact]
    public void WhatFailsForOneFamilyIsGivenBackForTheOther()
    {
        var session = TestSession.Create("alice", Pools with { Ipv6Pool = "nowhere" });
        Assert.False(assignment.TryAssign(session, true, true, out _, out _, out var refusal));
        Assert.Equal("there is no pool nowhere", refusal);
        Assert.Equal(0, four.GetStatistics().Leased);
    }

    [Fact]
    public void WithoutPoolAndAddressThereIsARefusal()
    {
        Assert.False(assignment.TryAssign(TestSession.Create("alice"), true, true, out _, out _, out var refusal));
        Assert.Contains("neither", refusal, StringComparison.Ordinal);
    }

    private static AddressPool Pool(string name, string range) => AddressPool.TryParse(name, range, out var pool, out var error) ? pool : throw new InvalidOperationException(error);
}
