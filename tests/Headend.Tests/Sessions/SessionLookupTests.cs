using System.Net;
using Headend.Aaa.DynamicAuthorization;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>Whose session a Disconnect- or CoA-Request means.</summary>
public sealed class SessionLookupTests
{
    private readonly SessionTable table = new();

    // RADIUS servers mostly take "ALICE" for "alice": who types that must not be out of reach.
    [Fact]
    public void NamesOfRadiusAreFoundInAnySpelling()
    {
        var session = Add("ALICE", eap: new Conversation(IsLocal: false));
        Assert.Same(session, Find("alice", out _));
        Assert.Same(session, Find("ALICE", out _));
        Assert.Null(Find("alice2", out var failure));
        Assert.Equal(ErrorCause.SessionContextNotFound, failure!.Cause);

        // Nobody is put out in place of somebody else.
        Add("alice", eap: new Conversation(IsLocal: false));
        Assert.Null(Find("alice", out failure));
        Assert.Equal(ErrorCause.MultipleSessionSelectionUnsupported, failure!.Cause);
    }

    [Fact]
    public void SoAreThoseOfKeysAndCertificates()
    {
        var session = Add("CN=al, O=Example");
        session.KeyIsLocal = true;
        Assert.Same(session, Find("cn=AL, o=example", out _));
    }

    // aaa.local-users may have both.
    [Fact]
    public void LocalUsersAreTwoWhereTheyDifferInCase()
    {
        var capitals = Add("ALICE", eap: new Conversation(IsLocal: true));
        Assert.Null(Find("alice", out var failure));
        Assert.Equal(ErrorCause.SessionContextNotFound, failure!.Cause);
        var session = Add("alice", eap: new Conversation(IsLocal: true, RemoteMethod.AnyConnectEap));
        Assert.Same(session, Find("alice", out _));
        Assert.Same(capitals, Find("ALICE", out _));
    }

    private ClientSession Add(string user, IEapConversation? eap = null)
    {
        var session = TestSession.Create(user);
        (session.Eap, session.UpAt) = (eap, MonotonicTime.Zero);
        table.Add(session);
        return session;
    }

    private ClientSession? Find(string user, out DynamicRequestFailure? failure) => new SessionLookup(table, "gw").Find(new SessionKeys { UserName = user }, IPAddress.Loopback, out failure);

    private sealed record Conversation(bool IsLocal, RemoteMethod RemoteMethod = RemoteMethod.Eap) : IEapConversation
    {
        public string? Refusal => null;

        public ValueTask<EapOutcome> StepAsync(ReadOnlyMemory<byte> response) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
