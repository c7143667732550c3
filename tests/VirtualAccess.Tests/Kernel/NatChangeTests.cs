using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>Translations of whole interfaces whose changes fail in the middle.</summary>
[Collection(FilterTestGroup.Name)]
public sealed class NatChangeTests : IDisposable
{
    private const string Nft = "/usr/sbin/nft";
    private const string Static = "ip nat inside source static self 10.10.0.50";
    private readonly NetworkNamespace space = new("nx");
    private readonly RefusingStage refusing = new();
    private readonly Gateway gateway;

    public NatChangeTests()
    {
        space.AddStub("lan0", "10.10.0.1/24");
        gateway = new Gateway(space, "10.10.0.1", stages: [space.Do(() => new NatStage("test", 201, TimeProvider.System)), refusing]);
    }

    public void Dispose()
    {
        gateway.Dispose();
        space.Dispose();
    }

    [FactAsRoot(Needs = Nft)]
    public void AShutdownWhoseLaterStageFailsLeavesTheTranslation()
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, Static));
        var before = State();
        Assert.Contains("10.10.0.50 dev vi7", before, StringComparison.Ordinal);
        refusing.Refuses = true;
        Assert.Equal("refusing: made to fail", Change(Static, "shutdown"));
        Assert.Equal(before, State());

        refusing.Refuses = false;
        Assert.Null(Change(Static, "shutdown"));
        var down = State();
        Assert.DoesNotContain("10.10.0.50", down, StringComparison.Ordinal);
        refusing.Refuses = true;
        Assert.Equal("refusing: made to fail", Change(Static));
        Assert.Equal(down, State());
    }

    [FactAsRoot(Needs = Nft)]
    public void AChangeOfTheLinkThatFailsGivesTheTranslationItsRouteBack()
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "ip address 10.99.1.1 255.255.255.0", Static));
        var before = State();
        refusing.Refuses = true;
        // With its last address the device loses its routes.
        Assert.Equal("refusing: made to fail", Change(Static));
        Assert.Equal(before, State());
        refusing.Refuses = false;
        // The same where the link's own plan fails: somebody has the route.
        space.Ip("route add 10.77.0.0/16 dev lan0");
        before = State();
        Assert.Contains("10.77.0.0", Change("ip route 10.77.0.0 255.255.0.0", Static), StringComparison.Ordinal);
        Assert.Equal(before, State());
    }

    /// <summary>Not of translation, but lost with the same <c>flush ruleset</c>.</summary>
    [FactAsRoot(Needs = Nft)]
    public void AClampThatSomebodyDeletesComesBackAndTakesFurtherInterfaces()
    {
        using var restored = new ManualResetEventSlim();
        using var clamp = space.Do(() => new MssClampStage("clamp", TimeProvider.System, failure =>
        {
            Assert.Null(failure);
            restored.Set();
        }));
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0));
        var empty = State();
        Assert.True(space.Do(() => clamp.TryApply(new InterfaceTarget("vi7", 0), null, Clamped(1300), out _)));
        var before = State();
        Assert.Contains("mss1300", before, StringComparison.Ordinal);
        space.Exec($"{Nft} flush ruleset");
        Assert.True(restored.Wait(TimeSpan.FromSeconds(30)));
        Assert.Equal(before, State());
        Assert.True(space.Do(() => clamp.TryApply(new InterfaceTarget("vi8", 0), null, Clamped(1200), out _)));
        Assert.True(space.Do(() => clamp.TryApply(new InterfaceTarget("vi7", 0), Clamped(1300), Clamped(1200), out _)));
        space.Do(() => clamp.Remove(new InterfaceTarget("vi7", 0), Clamped(1200)));
        Assert.Contains("mss1200", State(), StringComparison.Ordinal);
        space.Do(() => clamp.Remove(new InterfaceTarget("vi8", 0), Clamped(1200)));
        Assert.Equal(empty, State());
    }

    private static InterfaceRequest Clamped(int mss) => new()
    {
        Number = 7,
        Config = Derive($"ip tcp adjust-mss {mss}"),
        ClientAddresses = [],
        Path = new EspPath(default, default, EspEncapsulation.Udp),
    };

    private static InterfaceConfig Derive(params string[] commands)
    {
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, [.. commands]), [], InterfaceNames.NoRules);
        Assert.Empty(derived.Failures);
        return derived.Config;
    }

    private string? Change(params string[] commands)
    {
        var config = Derive(commands);
        return space.Do(() => gateway.Plane.TryUpdateInterface(gateway.Session, standing => standing with { Config = config }, out var failure) ? null : failure.ToString());
    }

    private string State() =>
        space.Exec($"{Nft} -s list ruleset") + space.Ip("route show table all") + space.Ip("neigh show proxy") + space.Ip("addr show vi7");

    private sealed class RefusingStage : IInterfaceStage
    {
        public bool Refuses { get; set; }

        public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure)
        {
            failure = Refuses ? new InterfaceFailure("refusing", "made to fail") : null;
            return failure is null;
        }

        public void Remove(InterfaceTarget target, InterfaceRequest standing)
        {
        }

        public void Dispose()
        {
        }
    }
}
