using System.Collections.Immutable;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class InterfaceStagePlanTests
{
    private static readonly InterfaceTarget Target = new("vi7", 12);
    private readonly List<string> calls = [];

    [Fact]
    public void A_stage_that_fails_undoes_those_before_it_in_reverse()
    {
        ImmutableArray<IInterfaceStage> stages = [new Stage("a", calls), new Stage("b", calls), new Stage("c", calls) { Fails = true }, new Stage("d", calls)];
        Assert.Equal("c", InterfaceStagePlan.Create(stages, Target, Request("new"))?.Step);
        Assert.Equal(["a:-new", "b:-new", "c:-new", "b gone", "a gone"], calls);
    }

    [Fact]
    public void A_change_that_fails_puts_back_what_stood_the_link_before_the_stages()
    {
        ImmutableArray<IInterfaceStage> stages = [new Stage("a", calls), new Stage("b", calls), new Stage("c", calls) { Fails = true }, new Stage("d", calls)];
        Assert.Equal("c", InterfaceStagePlan.Update(stages, Target, Request("old"), Request("new"), () => calls.Add("link"))?.Step);
        // Those that have changed nothing put back what the link took from them.
        Assert.Equal(["a:old-new", "b:old-new", "c:old-new", "link", "d:old-old", "c:old-old", "b:new-old", "a:new-old"], calls);
    }

    [Fact]
    public void Removal_runs_in_reverse()
    {
        InterfaceStagePlan.Remove([new Stage("a", calls), new Stage("b", calls)], Target, Request("new"));
        Assert.Equal(["b gone", "a gone"], calls);
    }

    private static InterfaceRequest Request(string label) => new()
    {
        Number = 7,
        Config = InterfaceConfig.Empty,
        ClientAddresses = [],
        Path = new EspPath(default, default, EspEncapsulation.Udp),
        Label = label,
    };

    private sealed class Stage(string name, List<string> calls) : IInterfaceStage
    {
        public bool Fails { get; init; }

        public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out InterfaceFailure? failure)
        {
            calls.Add($"{name}:{from?.Label}-{to.Label}");
            failure = Fails ? new InterfaceFailure(name, "made to fail") : null;
            return failure is null;
        }

        public void Remove(InterfaceTarget target, InterfaceRequest standing) => calls.Add($"{name} gone");

        public void Dispose() => calls.Add($"{name} disposed");
    }
}
