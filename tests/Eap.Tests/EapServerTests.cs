using System.Diagnostics.CodeAnalysis;
using System.Text;
using Headend.Eap.Methods;
using Headend.TestKit.Eap;

namespace Headend.Eap.Tests;

public class EapServerTests
{
    private sealed class Users(params (string Name, string Password)[] users) : ILocalCredentials
    {
        public List<(string User, bool Proven)> Verdicts { get; } = [];

        public void Judged(string userName, bool proven) => Verdicts.Add((userName, proven));

        public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
        {
            refusal = $"no local user {userName}";
            credential = null;
            foreach (var (name, password) in users)
            {
                if (string.Equals(name, userName, StringComparison.Ordinal))
                    credential = LocalCredential.FromPassword(password);
            }

            return credential is not null;
        }
    }

    private static EapRandom Counter()
    {
        byte next = 0;
        return octets =>
        {
            foreach (ref var octet in octets)
                octet = next++;
        };
    }

    private static EapServer Server(bool query = true) => new(new EapServerOptions
    {
        Credentials = new Users(("alice", "pass-word"), ("bob", "")),
        QueryIdentity = query,
        IkeIdentity = "ike-id",
        Random = Counter(),
    });

    private static EapMsChapV2Peer Peer(string user, string password, string? name = null) => new(user, password, name, Counter());

    /// <summary>Runs both to the end; returns the packets of the client and the last step.</summary>
    private static (List<byte[]> Responses, List<int> RequestLengths, EapStep Last) Run(EapServer server, EapMsChapV2Peer peer)
    {
        var responses = new List<byte[]>();
        var lengths = new List<int>();
        var step = server.Start();
        while (step is EapStep.Request request)
        {
            lengths.Add(request.Packet.Length);
            var response = peer.Handle(request.Packet).Response;
            Assert.NotNull(response);
            responses.Add(response);
            step = server.Handle(response);
        }

        return (responses, lengths, step);
    }

    [Theory]
    [InlineData("alice", "pass-word", null, "alice")]
    [InlineData("bob", "", null, "bob")]
    [InlineData(@"CORP\alice", "pass-word", null, "alice")]
    [InlineData("anonymous", "pass-word", "alice", "alice")]
    public void BothSidesAgree(string identity, string password, string? name, string authenticated)
    {
        using var server = Server();
        var peer = Peer(identity, password, name);
        var success = Assert.IsType<EapStep.Success>(Run(server, peer).Last);
        Assert.Equal(authenticated, success.Identity);
        Assert.Equal(EapType.MsChapV2, success.Method);
        Assert.Equal(64, success.Msk!.Length);
        Assert.Equal(success.Msk, peer.Handle(success.Packet).Msk);
    }

    // RFC 2759 8.2 leaves the domain out of the hash; a peer that hashes the name as it sends it is let in too.
    [Theory]
    [InlineData(@"CORP\alice", true)]
    [InlineData("alice", true)]
    [InlineData("CORP", false)]
    public void DomainInTheHash(string hashedName, bool accepted)
    {
        using var server = Server(query: false);
        Assert.True(EapPacket.TryParse(((EapStep.Request)server.Start()).Packet, out var request));
        Assert.True(MsChapV2Codec.TryReadChallenge(request.TypeData.Span, out var id, out var authenticatorChallenge));
        Span<byte> ntHash = stackalloc byte[16], challenge = stackalloc byte[8], peerChallenge = stackalloc byte[16], ntResponse = stackalloc byte[24];
        MsChapV2.NtPasswordHash("pass-word", ntHash);
        MsChapV2.ChallengeHash(peerChallenge, authenticatorChallenge, Encoding.UTF8.GetBytes(hashedName), challenge);
        MsChapV2.NtResponse(challenge, ntHash, ntResponse);
        var data = MsChapV2Codec.Response(id, peerChallenge, ntResponse, @"CORP\alice"u8);
        var answer = ((EapStep.Request)server.Handle(EapPacket.Response(request.Identifier, EapType.MsChapV2, data))).Packet;
        Span<byte> proof = stackalloc byte[MsChapV2.AuthenticatorResponseLength];
        MsChapV2.AuthenticatorResponse(ntHash, ntResponse, challenge, proof);
        Assert.Equal(accepted, answer.AsSpan(9).StartsWith(proof));
    }

    [Fact]
    public void WithoutQueryTheMethodComesFirst()
    {
        using var server = Server(query: false);
        Assert.True(EapPacket.TryParse(Assert.IsType<EapStep.Request>(server.Start()).Packet, out var packet));
        Assert.Equal(EapType.MsChapV2, packet.Type);
    }

    // RFC 2759 6: E=691 with R=0, then the peer acknowledges, then EAP-Failure; an unknown user sees the same messages.
    [Fact]
    public void UnknownUserAndWrongPasswordLookAlike()
    {
        using var first = Server();
        using var second = Server();
        var wrong = Run(first, Peer("alice", "guess"));
        var unknown = Run(second, Peer("carol", "guess"));
        Assert.Contains("wrong password", Assert.IsType<EapStep.Failure>(wrong.Last).Reason, StringComparison.Ordinal);
        Assert.Contains("no local user", Assert.IsType<EapStep.Failure>(unknown.Last).Reason, StringComparison.Ordinal);
        Assert.Equal(3, wrong.Responses.Count);
        Assert.Equal(wrong.RequestLengths, unknown.RequestLengths);
        Assert.Equal(wrong.Responses.Select(r => r.Length), unknown.Responses.Select(r => r.Length));
        Assert.Equal(EapCode.Failure.Value, ((EapStep.Failure)wrong.Last).Packet![0]);
    }

    [Fact]
    public void FailureRequestCarriesError691()
    {
        using var server = Server();
        var peer = Peer("alice", "guess");
        var step = server.Start();
        for (var i = 0; i < 2; i++)
            step = server.Handle(peer.Handle(((EapStep.Request)step).Packet).Response);
        var message = Encoding.ASCII.GetString(((EapStep.Request)step).Packet.AsSpan(9));
        Assert.Matches("^E=691 R=0 C=[0-9A-F]{32} V=3 M=", message);
    }

    // CVE-2015-8023: a Success Response before the Response to the challenge, or after the Failure, succeeds nowhere.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void EarlySuccessAcknowledgeIsDiscarded(int rounds)
    {
        using var server = Server();
        var peer = Peer("alice", "guess");
        var step = server.Start();
        for (var i = 0; i < rounds; i++)
            step = server.Handle(peer.Handle(((EapStep.Request)step).Packet).Response);
        var identifier = ((EapStep.Request)step).Packet[1];
        Assert.IsType<EapStep.Discarded>(server.Handle(EapPacket.Response(identifier, EapType.MsChapV2, [3])));
    }

    [Fact]
    public void NoSuccessBeforeThePeersAcknowledge()
    {
        using var server = Server();
        var peer = Peer("alice", "pass-word");
        var step = server.Start();
        for (var i = 0; i < 2; i++)
            step = server.Handle(peer.Handle(((EapStep.Request)step).Packet).Response);
        var request = Assert.IsType<EapStep.Request>(step).Packet;
        Assert.StartsWith("S=", Encoding.ASCII.GetString(request.AsSpan(9)), StringComparison.Ordinal);
        Assert.IsType<EapStep.Failure>(server.Handle(EapPacket.Response(request[1], EapType.MsChapV2, [4])));
    }

    // RFC 3748 2.1: after the method has begun a Nak is not accepted; before, one that offers nothing known ends the login.
    [Fact]
    public void Naks()
    {
        using var server = Server(query: false);
        var request = ((EapStep.Request)server.Start()).Packet;
        var failure = Assert.IsType<EapStep.Failure>(server.Handle(EapPacket.Response(request[1], EapType.Nak, [4, 6])));
        Assert.Contains("EAP-MD5, EAP-GTC", failure.Reason, StringComparison.Ordinal);

        using var other = Server(query: false);
        request = ((EapStep.Request)other.Start()).Packet;
        request = ((EapStep.Request)other.Handle(Peer("alice", "pass-word").Handle(request).Response)).Packet;
        Assert.IsType<EapStep.Discarded>(other.Handle(EapPacket.Response(request[1], EapType.Nak, [26])));
    }

    [Fact]
    public void PeerAnswersOtherMethodsWithNak() =>
        Assert.Equal(EapPacket.Response(8, EapType.Nak, [26]), Peer("alice", "x").Handle(EapPacket.Request(8, EapType.Md5, [16])).Response);

    [Fact]
    public void PeerRefusesServerWithoutProof()
    {
        using var server = Server();
        var peer = Peer("alice", "pass-word");
        var step = server.Start();
        for (var i = 0; i < 2; i++)
            step = server.Handle(peer.Handle(((EapStep.Request)step).Packet).Response);
        var request = ((EapStep.Request)step).Packet;
        request[20] ^= 1;
        Assert.NotNull(peer.Handle(request).Failure);
        Assert.NotNull(peer.Handle(EapPacket.Success(request[1])).Failure);
    }

    // Every response of a good login with every octet changed, cut at every length or lengthened: no exception, no success.
    [Fact]
    public void MutatedResponsesNeverSucceed()
    {
        using var model = Server();
        var responses = Run(model, Peer("alice", "pass-word")).Responses;
        Assert.Equal(3, responses.Count);
        for (var index = 0; index < responses.Count; index++)
        {
            foreach (var mutation in Mutations(responses[index]))
            {
                using var server = Server();
                server.Start();
                for (var i = 0; i < index; i++)
                    Assert.IsType<EapStep.Request>(server.Handle(responses[i]));
                var step = server.Handle(mutation);

                // The EAP identity is a claim only: another one changes nothing that MSCHAPv2 proves.
                Assert.False(step is EapStep.Success);
                if (index == 1)
                    Assert.False(step is EapStep.Request request && request.Packet[9] == (byte)'S');
            }
        }
    }

    private static IEnumerable<byte[]> Mutations(byte[] packet)
    {
        for (var i = 0; i < packet.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var changed = packet.ToArray();
                changed[i] ^= (byte)(1 << bit);
                yield return changed;
            }

            yield return packet[..i];
            var cut = packet[..i];
            if (i >= 4)
                cut[3] = (byte)i;
            yield return cut;
        }

        byte[] longer = [.. packet, 0];
        longer[3]++;
        yield return longer;
    }

    [Fact]
    public void UnsupportedMethodIsAConfigurationError() => Assert.Throws<ArgumentException>(() =>
        new EapServer(new EapServerOptions { Credentials = new Users(), Methods = [EapType.Tls] }));
}
