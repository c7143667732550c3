using Headend.Aaa.Authorization;
using Headend.Composition;
using Headend.Configuration;
using Headend.Sessions;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Tests.Sessions;

public sealed class SessionFilterCompilerTests : IProfileObserver
{
    private static readonly ConfigOrigin Origin = new(ConfigSource.VirtualTemplate, "1");

    private readonly SessionFilterCompiler compiler = new(
        PolicyComposition.AccessLists([new AccessListOptions("open", ["permit ip any any"]), new AccessListOptions("shut", ["deny ip any any"])]), null);

    void IProfileObserver.UnknownPair(string name) => Assert.Fail(name);

    [Theory]
    [InlineData("", "shut/open")]
    [InlineData("ip:inacl=open", "open/open")]
    [InlineData("Filter-Id=shut.out", "shut/shut")]
    [InlineData("ip:outacl#1=permit any|ip:outacl=open", "shut/open,own:permit any")]
    [InlineData("NAS-Filter-Rule=permit in ip from any to any", "own:permit in ip from any to any/open")]
    public void What_AAA_says_of_a_direction_takes_the_place_of_the_templates_access_group(string pairs, string expected)
    {
        var session = TestSession.Create("alice");
        var config = InterfaceConfig.Empty with { InboundAccessGroup = Group("shut", "in"), OutboundAccessGroup = Group("open", "out") };
        Assert.True(compiler.TryCompile(session, Read(pairs), config, out var filter, out var error), error);
        Assert.Equal(expected, Show(filter.Inbound) + "/" + Show(filter.Outbound));
    }

    [Fact]
    public void Access_groups_are_for_their_family_alone()
    {
        var config = InterfaceConfig.Empty with { InboundAccessGroup = Group("shut", "in"), Ipv6InboundAccessGroup = Group("open", "in") };
        Assert.True(compiler.TryCompile(TestSession.Create("alice"), SessionProfile.Empty, config, out var filter, out _));
        Assert.Equal("shut InterNetwork open InterNetworkV6", string.Join(' ', filter.Inbound.Select(l => $"{l.Name} {l.Scope}")));
        config = InterfaceConfig.Empty with { InboundAccessGroup = Group("nowhere", "in") };
        Assert.False(compiler.TryCompile(TestSession.Create("alice"), SessionProfile.Empty, config, out filter, out var error));
        Assert.Contains("there is no access list nowhere", error, StringComparison.Ordinal);
        Assert.True(filter.IsNone);
    }

    /// <summary>The chapter: Virtual-Access1#2601 is a list of the session's own; a change makes another.</summary>
    [Fact]
    public void Own_lists_have_names_of_the_interface_and_keep_them_while_their_lines_stay()
    {
        var session = TestSession.Create("alice");
        session.Filter = Compile(session, "ip:inacl#3=permit 1.1.1.1", "ip:outacl#4=permit 1.1.1.3");
        var first = Assert.Single(session.Filter.Inbound).Name;
        Assert.Matches($"^{session.InterfaceName}#[0-9]+$", first);
        var changed = Compile(session, "ip:inacl#3=permit 1.1.1.1", "ip:outacl#4=permit 1.1.1.4");
        Assert.Equal(first, changed.Inbound[0].Name);
        Assert.NotEqual(session.Filter.Outbound[0].Name, changed.Outbound[0].Name);
        Assert.Equal([10], changed.Inbound[0].Entries.Select(e => e.Sequence));
    }

    private static Setting<string> Group(string name, string direction) => new(name, Origin, $"ip access-group {name} {direction}");

    private static string Show(IEnumerable<AccessList> lists) => string.Join(',', lists.Select(l => l.IsOfSession ? "own:" + string.Join(';', l.Entries.Select(e => e.Text)) : l.Name));

    private InterfaceFilter Compile(ClientSession session, params string[] pairs)
    {
        Assert.True(compiler.TryCompile(session, Read(string.Join('|', pairs)), InterfaceConfig.Empty, out var filter, out var error), error);
        return filter;
    }

    private SessionProfile Read(string pairs)
    {
        Assert.True(SessionProfileReader.TryRead(pairs.Split('|', StringSplitOptions.RemoveEmptyEntries), this, out var profile, out var error), error);
        return profile;
    }
}
