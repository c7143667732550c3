using Headend.Aaa.Authorization;
using Headend.VirtualAccess.Configuration;

namespace Headend.Tests.Sessions;

public sealed class SessionAuthorizerTests
{
    [Fact]
    public void Interface_commands_keep_their_sources_apart_and_in_order()
    {
        var session = TestSession.Create("alice");
        AuthorizationSource[] sources =
        [
            Source(AuthorizationKind.ImplicitUser, "alice", "ip mtu 1300"), Source(AuthorizationKind.Group, "staff", "ip mtu 1400", "description staff"), Source(AuthorizationKind.ExplicitUser, "none"),
        ];
        session.AuthorizationSources = ProfileMerge.Order(sources, groupOverrides: false);
        Assert.Equal(
            ["aaa group staff: ip mtu 1400, description staff", "aaa implicit user alice: ip mtu 1300"],
            session.AuthorizedCommands().Select(c => $"{c.Origin}: {string.Join(", ", c.Commands)}"));
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, []), session.AuthorizedCommands(), InterfaceNames.None);
        Assert.Empty(derived.Failures);
        var config = derived.Config;
        Assert.Equal((1300, ConfigSource.AaaImplicitUser), (config.IpMtu!.Value, config.IpMtu.Origin.Source));
    }

    private static AuthorizationSource Source(AuthorizationKind kind, string name, params string[] commands) =>
        new(new AuthorizationOrigin(kind, name), SessionProfile.Empty with { InterfaceCommands = [.. commands] });
}
