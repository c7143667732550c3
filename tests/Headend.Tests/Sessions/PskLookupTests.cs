using Headend.Ikev2;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

public sealed class PskLookupTests
{
    private static readonly OperationId Id = new(7);

    [Fact]
    public async Task TheFirstKeyringThatKnowsThePeerDecides()
    {
        var last = new ScriptedKeyring(new KeyringAnswer.Unknown("never asked"));
        var (session, found) = await FindAsync(new ScriptedKeyring(new KeyringAnswer.Unknown("none here")), new ScriptedKeyring(Found("second", isLocal: false)), last);
        using var keys = found.Keys;
        Assert.Equal("second"u8, keys!.Remote);
        Assert.Equal((Id, "the user", null, false), (found.Id, found.User, found.Refusal, found.Unavailable));
        Assert.Equal(("entry second", false), (session.KeyEntry, session.KeyIsLocal));
        Assert.Equal(0, last.Asked);
    }

    [Fact]
    public async Task OneThatDoesNotAnswerHidesNoOther()
    {
        var (session, found) = await FindAsync(new ScriptedKeyring(new KeyringAnswer.Unavailable("silence")), new ScriptedKeyring(Found("second", isLocal: true)));
        using var keys = found.Keys;
        Assert.NotNull(keys);
        Assert.False(found.Unavailable);
        Assert.True(session.KeyIsLocal);
    }

    // What does not fit may be the client's doing: it does not choose by that who is asked.
    [Fact]
    public async Task WhereOneCannotBeAskedNoOtherIsAskedInItsPlace()
    {
        var last = new ScriptedKeyring(Found("last", isLocal: true));
        var (session, found) = await FindAsync(new ScriptedKeyring(new KeyringAnswer.Unsendable("Connect-Info")), last);
        Assert.Equal((null, true, false, "Connect-Info"), (found.Keys, found.Unsendable, found.Unavailable, found.Refusal));
        Assert.Equal(0, last.Asked);
        Assert.Null(session.KeyEntry);
    }

    // Somebody who might know it did not say: that is no refusal of the peer.
    [Fact]
    public async Task NobodyKnowsItButOneDidNotAnswer()
    {
        var (session, found) = await FindAsync(new ScriptedKeyring(new KeyringAnswer.Unavailable("silence")), new ScriptedKeyring(new KeyringAnswer.Unknown("none here")));
        Assert.Equal((null, true, "silence"), (found.Keys, found.Unavailable, found.Refusal));
        Assert.Null(session.KeyEntry);
    }

    [Fact]
    public async Task NobodyKnowsIt()
    {
        var (_, found) = await FindAsync(new ScriptedKeyring(new KeyringAnswer.Unknown("not in a")), new ScriptedKeyring(new KeyringAnswer.Unknown("not in b")));
        Assert.Equal((null, false, "not in a; not in b"), (found.Keys, found.Unavailable, found.Refusal));
    }

    private static KeyringAnswer.Found Found(string key, bool isLocal)
    {
        var octets = System.Text.Encoding.ASCII.GetBytes(key);
        return new KeyringAnswer.Found(new PreSharedKeys(octets, octets), $"entry {key}", "the user", isLocal);
    }

    private static async Task<(ClientSession Session, LookUpPskCompletion Found)> FindAsync(params IKeyring[] keyrings)
    {
        var session = TestSession.Create("nobody", binding: TestSession.Binding with { Keyrings = keyrings });
        return (session, await PskLookup.FindAsync(session, Id, CancellationToken.None));
    }

    private sealed class ScriptedKeyring(KeyringAnswer answer) : IKeyring
    {
        public int Asked { get; private set; }

        public async ValueTask<KeyringAnswer> FindAsync(ClientSession session, CancellationToken cancellation)
        {
            Asked++;
            await Task.Yield();
            return answer;
        }
    }
}
