using System.Net;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

public class SessionNumbersTests
{
    [Fact]
    public void NamesAreUniqueAndShort()
    {
        var numbers = new SessionNumbers(TimeProvider.System);
        var taken = Enumerable.Range(0, 1000).Select(_ => numbers.Take(IPAddress.Parse("198.51.100.1"))).ToList();

        Assert.Equal(1000, taken.Select(n => n.Number).Distinct().Count());
        Assert.Equal(1000, taken.Select(n => n.AuditSessionId).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(1000, taken.Select(n => n.AcctSessionId).Distinct(StringComparer.Ordinal).Count());
        Assert.All(taken, n => Assert.Matches("^C6336401[0-9A-F]{16}$", n.AuditSessionId));
        Assert.All(taken, n => Assert.Matches("^[0-9A-F]{16}$", n.AcctSessionId));
    }

    [Fact]
    public void ANumberRestsBeforeItIsUsedAgain()
    {
        var numbers = new SessionNumbers(TimeProvider.System);
        var first = numbers.Take(IPAddress.IPv6Loopback);
        numbers.Return(first);
        var second = numbers.Take(IPAddress.IPv6Loopback);

        Assert.NotEqual(first.Number, second.Number);
        Assert.Equal(24, second.AuditSessionId.Length);
    }
}
