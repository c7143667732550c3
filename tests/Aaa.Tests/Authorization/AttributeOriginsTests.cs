using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Authorization;

namespace Headend.Aaa.Tests.Authorization;

public sealed class AttributeOriginsTests
{
    private static readonly SessionProfile Group = SessionProfile.Empty with
    {
        DefaultDomain = "group",
        Ipv4Pool = "p4",
        InterfaceCommands = ["ip mtu 1400", "shutdown"],
        Routes = [IPNetwork.Parse("10.0.0.0/8")],
        Classes = [new byte[] { 1 }],
    };

    private static readonly SessionProfile Implicit = SessionProfile.Empty with
    {
        UserName = "alice",
        DefaultDomain = "user",
        InterfaceCommands = ["ip mtu 1400"],
        Routes = [IPNetwork.Parse("192.0.2.0/24")],
        Classes = [new byte[] { 1 }],
        DownloadableAccessList = "#ACSACL#-IP-x-1",
    };

    [Fact]
    public void Each_attribute_that_holds_is_its_strongest_sources()
    {
        var ordered = ProfileMerge.Order([Source(AuthorizationKind.ImplicitUser, "alice", Implicit), Source(AuthorizationKind.Group, "staff", Group)], groupOverrides: false);
        var merged = ProfileMerge.Merge(ordered) with { DownloadedEntries = ["permit ip any any"], FlowLimit = 3 };
        Assert.Equal(
            [
                "User-Name=alice: implicit user alice", "Framed-Pool=p4: group staff", "Class=0x01: implicit user alice",
                "ipsec:route-set=prefix 10.0.0.0/8: group staff", "ipsec:route-set=prefix 192.0.2.0/24: implicit user alice",
                "ip:interface-config=ip mtu 1400: group staff", "ip:interface-config=shutdown: group staff", "ip:interface-config=ip mtu 1400: implicit user alice",
                "ipsec:ipsec-flow-limit=3: ",
                "ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-x-1: implicit user alice", "ACS:CiscoSecure-Defined-ACL=permit ip any any: implicit user alice",
                "ipsec:default-domain=user: implicit user alice",
            ],
            AttributeOrigins.Explain(merged, ordered).Select(a => $"{a.Attribute.Name}={a.Attribute.Value}: {a.Origin}"));
    }

    [Fact]
    public void With_override_the_group_has_the_last_word_but_for_the_identity()
    {
        var ordered = ProfileMerge.Order([Source(AuthorizationKind.Group, "staff", Group), Source(AuthorizationKind.ImplicitUser, "alice", Implicit)], groupOverrides: true);
        var origins = AttributeOrigins.Explain(ProfileMerge.Merge(ordered), ordered).ToLookup(a => a.Attribute.Name, a => a.Origin!.Name);
        Assert.Equal(("staff", "alice"), (origins["ipsec:default-domain"].Single(), origins["Class"].Single()));
    }

    [Fact]
    public void Without_sources_there_is_no_origin() =>
        Assert.All(AttributeOrigins.Explain(Group, ImmutableArray<AuthorizationSource>.Empty), a => Assert.Null(a.Origin));

    private static AuthorizationSource Source(AuthorizationKind kind, string name, SessionProfile profile) => new(new AuthorizationOrigin(kind, name), profile);
}
