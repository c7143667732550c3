using Headend.Aaa.Authorization;
using Headend.Sessions;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Tests.Sessions;

public sealed class SessionPolicyTableTests
{
    private static readonly PolicyMap Gold = new("gold", [new PolicyClass { Police = PoliceRate.Of(10_000_000) }]);
    private static readonly PolicyMap Inner = new("inner", [new PolicyClass { BandwidthPercent = 50 }]);

    private readonly SessionPolicyTable table = new(new Dictionary<string, PolicyMap>(StringComparer.Ordinal) { ["gold"] = Gold, ["inner"] = Inner });

    [Fact]
    public void Without_names_and_rates_there_is_no_policy() => Assert.Equal(SessionQos.None, Resolve(Config(null, null), null, null));

    [Fact]
    public void Each_direction_has_the_policy_that_its_interface_names()
    {
        Assert.Equal(new SessionQos(Gold, null), Resolve(Config("gold", null), null, null));
        Assert.Equal(new SessionQos(null, Gold), Resolve(Config(null, "gold"), null, null));
    }

    [Fact]
    public void A_rate_alone_polices()
    {
        var one = Assert.Single(Resolve(Config(null, null), new RateLimit(5_000_000), null).Input!.Classes);
        Assert.Equal(new PoliceRate(5_000_000, 156_250), one.Police);
        Assert.Null(one.Nested);
    }

    [Fact]
    public void A_rate_stands_around_a_policy()
    {
        var one = Assert.Single(Resolve(Config(null, "inner"), null, new RateLimit(5_000_000)).Output!.Classes);
        Assert.Equal((5_000_000L, Inner, (PoliceRate?)null), (one.Shape, one.Nested, one.Police));
    }

    [Theory]
    [InlineData(2_000_000, 8_000_000L, 2_000_000L, 8, 1_500_000, 8_000_000L)]
    [InlineData(2_000_000, 8_000_000L, null, null, 187_500, 8_000_000L)]
    [InlineData(2_000_000, 1_000_000L, null, null, 62_500, null)]
    [InlineData(1, null, null, null, 1500, null)]
    [InlineData(long.MaxValue, null, null, null, 3_125_000_000, null)]
    public void Bursts_become_a_bucket(long rate, long? burst, long? threshold, int? seconds, long octets, long? peak) =>
        Assert.Equal(new PoliceRate(Math.Clamp(rate, 8_000, 100_000_000_000), octets, peak), SessionPolicyTable.ToPolice(new RateLimit(rate, burst, threshold, seconds)));

    [Theory]
    [InlineData("nosuch", "aaa user alice: \"service-policy input nosuch\": no policy map nosuch")]
    [InlineData("inner", "aaa user alice: \"service-policy input inner\": policy-map inner, class default: 'bandwidth' needs a class with 'shape' or 'police' around the policy-map")]
    public void What_cannot_be_says_who_asked_for_it(string name, string expected)
    {
        Assert.False(table.TryResolve(Config(name, null), null, null, out var qos, out var refusal));
        Assert.Equal((SessionQos.None, expected), (qos, refusal));
    }

    private static InterfaceConfig Config(string? input, string? output)
    {
        var origin = new ConfigOrigin(ConfigSource.AaaUser, "alice");
        return InterfaceConfig.Empty with
        {
            ServicePolicyInput = input is null ? null : new Setting<string>(input, origin, $"service-policy input {input}"),
            ServicePolicyOutput = output is null ? null : new Setting<string>(output, origin, $"service-policy output {output}"),
        };
    }

    private SessionQos Resolve(InterfaceConfig config, RateLimit? up, RateLimit? down)
    {
        Assert.True(table.TryResolve(config, up, down, out var qos, out var refusal), refusal);
        return qos;
    }
}
