using System.Net;
using Headend.Clients;

namespace Headend.Tests.Clients;

/// <summary>What one source can take of the HTTPS service, and that nobody fills its memory.</summary>
public sealed class ClientServiceGateTests
{
    private readonly Clock clock = new();
    private readonly ClientServiceGate gate;

    public ClientServiceGateTests() => gate = new ClientServiceGate(clock);

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void A_source_has_some_connections_at_a_time(string holder, string other, bool isSame)
    {
        for (var i = 0; i < ClientServiceGate.MostOpen; i++)
            Assert.True(gate.TryEnter(At(holder, i)));
        Assert.Equal(!isSame, gate.TryEnter(At(other)));
        gate.Leave(At(holder));
        Assert.True(gate.TryEnter(At(other)));
    }

    [Fact]
    public void All_sources_have_some_connections_at_a_time()
    {
        for (var i = 0; i < ClientServiceGate.MostOpenOfAll; i++)
            Assert.True(gate.TryEnter(At($"198.51.100.{i}")));
        Assert.False(gate.TryEnter(At("192.0.2.1")));
        gate.Leave(At("198.51.100.1"));
        Assert.True(gate.TryEnter(At("192.0.2.1")));
    }

    [Fact]
    public void A_source_has_some_connections_in_a_time()
    {
        Assert.Equal(ClientServiceGate.Burst, Visits(1000));
        Assert.Equal(0, Visits(1));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2 * ClientServiceGate.PerSecond, Visits(1000));
        Assert.True(gate.TryEnter(At("192.0.2.2")));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(ClientServiceGate.Burst, Visits(1000));
    }

    [Fact]
    public void Very_many_sources_are_forgiven_but_for_their_connections()
    {
        for (var i = 0; i < ClientServiceGate.MostOpen; i++)
            Assert.True(gate.TryEnter(At("192.0.2.1")));
        for (var i = 0; i < 3 * ClientServiceGate.MostSources; i++)
        {
            var one = At($"10.{i >> 16 & 0xff}.{i >> 8 & 0xff}.{i & 0xff}");
            Assert.True(gate.TryEnter(one));
            gate.Leave(one);
        }

        Assert.InRange(gate.Sources, 1, ClientServiceGate.MostSources);
        Assert.False(gate.TryEnter(At("192.0.2.1")));
    }

    private static IPEndPoint At(string address, int port = 1) => new(IPAddress.Parse(address), port);

    private int Visits(int asked)
    {
        var entered = 0;
        for (var i = 0; i < asked; i++)
        {
            if (!gate.TryEnter(At("192.0.2.1", i)))
                continue;
            entered++;
            gate.Leave(At("192.0.2.1", i));
        }

        return entered;
    }

    private sealed class Clock : TimeProvider
    {
        private long now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan by) => now += by.Ticks;
    }
}
