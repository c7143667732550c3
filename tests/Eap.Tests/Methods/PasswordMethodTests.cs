using System.Diagnostics.CodeAnalysis;
using System.Text;
using Headend.Eap.Methods;

namespace Headend.Eap.Tests.Methods;

/// <summary>EAP-GTC and EAP-MD5 against the recording of eapol_test with FreeRADIUS 3.2.7 (vectors/eapol-lab), and by themselves.</summary>
public class PasswordMethodTests
{
    private static readonly byte[] RecordedChallenge = Convert.FromHexString("69e41e1a31f2502c861122f34f1cc1ee");
    private static readonly byte[] RecordedAnswer = Convert.FromHexString("020500160410" + "0cef2bf4760a9a8373a18abdbc72bda5");

    /// <summary>One user in a chosen form, whose verdicts are kept.</summary>
    private sealed class OneUser(string name, Func<LocalCredential> make) : ILocalCredentials
    {
        public List<(string User, bool Proven)> Verdicts { get; } = [];

        public void Judged(string userName, bool proven) => Verdicts.Add((userName, proven));

        public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
        {
            refusal = $"no local user {userName}";
            credential = userName == name ? make() : null;
            return credential is not null;
        }
    }

    private static OneUser Alice() => new("alice", () => LocalCredential.FromPassword("pass-word"));

    private static OneUser HashedAlice() => new("alice", () => LocalCredential.FromHashes(default, PasswordHash.Create("pass-word"u8, PasswordHash.MinRounds)));

    private static EapServer Server(ILocalCredentials users, byte first, params EapType[] methods) => new(new EapServerOptions
    {
        Credentials = users,
        Methods = methods,
        AllowMethodsWithoutKey = true,
        Random = octets =>
        {
            if (octets.Length == 1)
                octets[0] = first;
            else
                RecordedChallenge.AsSpan(0, Math.Min(octets.Length, 16)).CopyTo(octets);
        },
    });

    private static EapStep Identify(EapServer server, string identity) =>
        server.Handle(EapPacket.Response(((EapStep.Request)server.Start()).Packet[1], EapType.Identity, Encoding.UTF8.GetBytes(identity)));

    // RFC 1321 A.5: MD5 ("message digest"), cut into identifier, secret and challenge (RFC 1994 4.1).
    [Fact]
    public void TheResponseValueIsMd5OverIdentifierSecretAndChallenge()
    {
        Span<byte> value = stackalloc byte[16];
        Md5Server.Response((byte)'m', "essage"u8, " digest"u8, value);
        Assert.Equal("F96B697D7CB7938D525A2F31AAF161D0", Convert.ToHexString(value));
    }

    [Fact]
    public void TheRecordedMd5LoginSucceeds()
    {
        var users = Alice();
        using var server = Server(users, first: 3, EapType.Md5);
        var request = Assert.IsType<EapStep.Request>(Identify(server, "alice")).Packet;
        Assert.Equal(5, request[1]);
        Assert.Equal(RecordedChallenge, request[6..22]);
        Assert.Equal("headend", Encoding.ASCII.GetString(request[22..]));
        var success = Assert.IsType<EapStep.Success>(server.Handle(RecordedAnswer));
        Assert.Equal(("alice", EapType.Md5, null), (success.Identity, success.Method, success.Msk));
        Assert.Equal([3, 5, 0, 4], success.Packet);
        Assert.Equal([("alice", true)], users.Verdicts);
    }

    // RFC 3748 5.6: the Response is the bare password, as eapol_test and strongSwan send it.
    [Theory]
    [InlineData(false, "pass-word", true)]
    [InlineData(true, "pass-word", true)]
    [InlineData(false, "pass-wort", false)]
    [InlineData(true, "pass-wort", false)]
    [InlineData(true, "", false)]
    public void GtcComparesThePassword(bool hashed, string password, bool accepted)
    {
        var users = hashed ? HashedAlice() : Alice();
        using var server = Server(users, first: 0, EapType.Gtc);
        var request = Assert.IsType<EapStep.Request>(Identify(server, "alice")).Packet;
        Assert.Equal("Password: ", Encoding.ASCII.GetString(request[5..]));
        Assert.True(server.IsExpensive);
        var last = server.Handle(EapPacket.Response(request[1], EapType.Gtc, Encoding.UTF8.GetBytes(password)));
        Assert.Equal([("alice", accepted)], users.Verdicts);
        if (accepted)
            Assert.Null(Assert.IsType<EapStep.Success>(last).Msk);
        else
            Assert.Equal("wrong password for alice", Assert.IsType<EapStep.Failure>(last).Reason);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void UnknownUserWrongPasswordAndUnusableFormLookAlike(byte method)
    {
        var type = new EapType(method);
        var seen = new List<(int Length, byte[] Last)>();
        foreach (var (users, identity) in new[] { (Alice(), "alice"), (Alice(), "carol"), (HashedAlice(), "alice") })
        {
            using var server = Server(users, first: 0, type);
            var request = ((EapStep.Request)Identify(server, identity)).Packet;
            byte[] answer = type == EapType.Md5 ? [16, .. new byte[16]] : [.. "a guess"u8];
            var failure = Assert.IsType<EapStep.Failure>(server.Handle(EapPacket.Response(request[1], type, answer)));
            seen.Add((request.Length, failure.Packet!));
            Assert.Equal([(identity, false)], users.Verdicts);
        }

        Assert.All(seen, s => Assert.Equal(seen[0].Length, s.Length));
        Assert.All(seen, s => Assert.Equal(seen[0].Last, s.Last));
    }

    [Fact]
    public void AFormThatTheMethodCannotUseIsNamedInTheReason()
    {
        using var server = Server(HashedAlice(), first: 3, EapType.Md5);
        Identify(server, "alice");
        var failure = Assert.IsType<EapStep.Failure>(server.Handle(RecordedAnswer));
        Assert.Equal("the password of alice is stored in a form that EAP-MD5 cannot use", failure.Reason);
    }

    [Fact]
    public void AWindowsDomainIsLeftOut()
    {
        using var server = Server(Alice(), first: 0, EapType.Gtc);
        var request = ((EapStep.Request)Identify(server, @"CORP\alice")).Packet;
        Assert.Equal("alice", Assert.IsType<EapStep.Success>(server.Handle(EapPacket.Response(request[1], EapType.Gtc, "pass-word"u8))).Identity);
    }

    // RFC 3748 5.3.1: the order is the configuration's, a Nak chooses among the rest.
    [Fact]
    public void ANakChoosesAmongTheConfiguredMethods()
    {
        using var server = Server(Alice(), first: 0, EapType.MsChapV2, EapType.Md5, EapType.Gtc);
        var request = ((EapStep.Request)Identify(server, "alice")).Packet;
        Assert.Equal(EapType.MsChapV2.Value, request[4]);
        request = ((EapStep.Request)server.Handle(EapPacket.Response(request[1], EapType.Nak, [EapType.Gtc.Value, EapType.Md5.Value]))).Packet;
        Assert.Equal(EapType.Md5.Value, request[4]);
        request = ((EapStep.Request)server.Handle(EapPacket.Response(request[1], EapType.Nak, [EapType.Gtc.Value]))).Packet;
        Assert.IsType<EapStep.Success>(server.Handle(EapPacket.Response(request[1], EapType.Gtc, "pass-word"u8)));
    }

    // RFC 7296 2.16: "EAP methods that do not establish a shared key SHOULD NOT be used".
    [Fact]
    public void AMethodWithoutKeyNeedsPermission() => Assert.Throws<ArgumentException>(() => new EapServer(new EapServerOptions
    {
        Credentials = Alice(),
        Methods = [EapType.Md5],
    }));

    [Theory]
    [InlineData(4, "")]
    [InlineData(4, "10")]
    [InlineData(4, "0f000000000000000000000000000000")]
    public void MalformedAnswersAreDiscardedAndJudgeNothing(byte method, string hex)
    {
        var users = Alice();
        using var server = Server(users, first: 3, new EapType(method));
        Identify(server, "alice");
        Assert.IsType<EapStep.Discarded>(server.Handle(EapPacket.Response(5, new EapType(method), Convert.FromHexString(hex))));
        Assert.Empty(users.Verdicts);
        Assert.IsType<EapStep.Success>(server.Handle(RecordedAnswer));
    }
}
