using System.Text;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.Tests.Runtime;

/// <summary>What clients on loopback are, and by what they come back to their sessions.</summary>
internal static class ClientOptions
{
    /// <summary>The configuration attributes of reconnecting clients.</summary>
    public static ConfigurationAttributeType SessionId { get; } = new(28717);

    public static ConfigurationAttributeType Token { get; } = new(28718);

    /// <summary>Both of them, for <see cref="TestInitiatorOptions.ReconnectAttributes"/>.</summary>
    public static (ConfigurationAttributeType SessionId, ConfigurationAttributeType Token) Reconnects => (SessionId, Token);

    /// <summary>Reads "fqdn X", "email X" and so on.</summary>
    public static IkeIdentity Identity(string text)
    {
        Assert.True(IkeIdentity.TryParse(text, out var identity));
        return identity;
    }

    /// <summary>A user of EAP. A name with a realm is the IKE identity too, for profiles that match it.</summary>
    public static TestInitiatorOptions ByPassword(string user, string password) => new()
    {
        Identity = Identity(user.Contains('@', StringComparison.Ordinal) ? $"email {user}" : "fqdn client"),
        User = user,
        Password = password,
    };

    /// <summary>A user of EAP who asks for session-id and token.</summary>
    public static TestInitiatorOptions Reconnecting(string user, string password = "wonderland") => ByPassword(user, password) with { ReconnectAttributes = Reconnects };

    /// <summary>Somebody who has no password, and proves itself otherwise.</summary>
    public static TestInitiatorOptions Nobody(IkeIdentity identity) => new() { Identity = identity, User = "nobody", Password = "nothing" };

    /// <param name="identity">The client's.</param>
    /// <param name="theirs">What proves the client.</param>
    /// <param name="ours">What the headend must prove itself by; null: a certificate.</param>
    public static TestInitiatorOptions ByKey(IkeIdentity identity, string theirs, string? ours) => Nobody(identity) with
    {
        PreSharedKey = Encoding.UTF8.GetBytes(theirs),
        ServerPreSharedKey = ours is null ? null : Encoding.UTF8.GetBytes(ours),
    };

    /// <summary>Comes back by the session-id and the token that a client was given, and asks for new ones.</summary>
    /// <param name="client">Before.</param>
    /// <param name="token">Instead of the one it has; null: that one.</param>
    public static TestInitiatorOptions ByToken(LoopbackClient client, string? token = null)
    {
        var given = client.Initiator.Given;
        return Nobody(new IkeIdentity(IdType.KeyId, given[SessionId])) with
        {
            PreSharedKey = token is null ? given[Token] : Encoding.ASCII.GetBytes(token),
            ReconnectAttributes = Reconnects,
        };
    }

    /// <summary>Comes back by the ticket that a client was given, and asks for another.</summary>
    public static TestInitiatorOptions ByTicket(LoopbackClient client, IkeIdentity identity) => Nobody(identity) with { RequestTicket = true, Ticket = client.Initiator.Ticket };
}
