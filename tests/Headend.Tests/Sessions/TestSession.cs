using System.Net;
using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Telemetry;
using Headend.VirtualAccess.Configuration;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Tests.Sessions;

/// <summary>Sessions without a shard behind them, for what needs none.</summary>
internal static class TestSession
{
    private static readonly SessionNumbers Numbers = new(TimeProvider.System);
    private static ulong last;

    public static ProfileBinding Binding { get; } = new()
    {
        Name = "test",
        Eap = new EapOptions(QueryIdentity: true, TimeSpan.FromSeconds(90), AllowMethodsWithoutKey: false),
        Authentication = [new AaaMethod(null)],
        Template = new TemplateBinding(new VirtualTemplate(1, [])),
    };

    public static ClientSession Create(string user, SessionProfile? profile = null, ProfileBinding? binding = null, IkeShard? shard = null, IkeIdentity? identity = null)
    {
        var login = Login(binding ?? Binding, identity);
        return new ClientSession(login, shard!, Numbers.Take(login.Path.Local.Address), LoginTrace.Begin(login.Path.Remote, "1"))
        {
            User = user,
            Profile = profile ?? SessionProfile.Empty,
        };
    }

    public static LoginRecord Login(ProfileBinding binding, IkeIdentity? identity = null) => new()
    {
        Session = new SessionId(++last),
        Profile = new IkeProfile
        {
            Name = binding.Name,
            RemoteIdentities = [],
            LocalIdentity = new IkeIdentity(IdType.Fqdn, "gw"u8),
            Credential = null!,
            IkeProposals = [],
            EspProposals = [],
            Tag = binding,
        },
        RemoteIdentity = identity ?? new IkeIdentity(IdType.Fqdn, "client"u8),
        Path = new IkePath(new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500), new IPEndPoint(IPAddress.Parse("203.0.113.7"), 1024), NonEspMarker: true),
        ProvenSource = IPAddress.Parse("203.0.113.7"),
        StartedAt = MonotonicTime.Zero,
        Suite = null!,
    };
}
