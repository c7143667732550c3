using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Eap.Tls;
using Headend.TestKit.Eap;

namespace Headend.Eap.Tests.Tls;

/// <summary>EAP-TLS between our server and a libssl client, over EAP packets.</summary>
public class EapTlsServerTests
{
    private sealed class NoUsers : ILocalCredentials
    {
        public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
        {
            credential = null;
            refusal = "";
            return false;
        }

        public void Judged(string userName, bool proven) => throw new InvalidOperationException("EAP-TLS judges no password");
    }

    private static TestPki Pki => TestPki.Shared;

    private static TlsServerContext Context(TlsServerOptions? options = null)
    {
        Assert.True(TlsServerContext.TryCreate(options ?? Pki.ServerOptions(), out var context, out var error), error);
        return context;
    }

    private static EapServer Server(TlsServerContext context, params EapType[] methods) => new(new EapServerOptions
    {
        Credentials = new NoUsers(),
        Methods = methods.Length > 0 ? methods : [EapType.Tls],
        Tls = context,
        Now = TestPki.Now,
    });

    /// <summary>Runs both to the end.</summary>
    internal static (EapStep Last, int Rounds, string? PeerFailure) Run(EapServer server, EapTlsPeer peer)
    {
        var step = server.Start();
        var rounds = 0;
        while (step is EapStep.Request request)
        {
            var answer = peer.Handle(request.Packet);
            if (answer.Response is null)
                return (step, rounds, answer.Failure);
            step = server.Handle(answer.Response);
            rounds++;
        }

        return (step, rounds, null);
    }

    private static (EapStep Last, EapServer Server) Login(TlsServerOptions options, EapTlsPeerOptions peerOptions)
    {
        using var context = Context(options);
        using var server = Server(context);
        using var peer = new EapTlsPeer(peerOptions);
        var (last, _, _) = Run(server, peer);
        if (last is EapStep.Failure { Packet: { } packet })
            peer.Handle(packet);
        Assert.Equal(0, context.OpenHandshakes);
        return (last, server);
    }

    private static string Refused(TlsServerOptions options, X509Certificate2? certificate, string identity = "alice@example.org", TlsVersion? version = null, params X509Certificate2[] chain)
    {
        var (last, server) = Login(options, new EapTlsPeerOptions { Identity = identity, Certificate = certificate, Chain = chain, Version = version ?? TlsVersion.Tls13 });
        var failure = Assert.IsType<EapStep.Failure>(last);
        Assert.Equal(EapCode.Failure.Value, failure.Packet![0]);
        Assert.Equal(failure.Reason, server.Refusal);
        return failure.Reason;
    }

    // RFC 5216 2.3, RFC 9190 2.3: both sides export the same MSK of 64 octets.
    [Theory]
    [InlineData(0x0303)]
    [InlineData(0x0304)]
    public void BothSidesAgree(ushort version)
    {
        using var context = Context();
        using var server = Server(context);
        using var peer = new EapTlsPeer(new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = Pki.Alice, Version = new TlsVersion(version) });
        var (last, _, _) = Run(server, peer);
        var success = Assert.IsType<EapStep.Success>(last);
        Assert.Equal(("alice@corp.example", EapType.Tls), (success.Identity, success.Method));
        Assert.Equal(64, success.Msk!.Length);
        Assert.True(success.Msk.AsSpan().IndexOfAnyExcept((byte)0) >= 0);
        Assert.Equal(success.Msk, peer.Handle(success.Packet).Msk);
        Assert.Equal(version, peer.Negotiated.Value);
        Assert.Null(server.Refusal);
        Assert.Equal(0, context.OpenHandshakes);
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(200, 1000)]
    [InlineData(16384, 16384)]
    public void FragmentsOfAnySizeWork(int ours, int theirs)
    {
        using var context = Context(Pki.ServerOptions() with { FragmentLength = ours });
        using var server = Server(context);
        using var peer = new EapTlsPeer(new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = Pki.Alice, FragmentLength = theirs });
        Assert.IsType<EapStep.Success>(Run(server, peer).Last);
    }

    [Fact]
    public void AnRsaClientAndAnIntermediateWork()
    {
        using var rsa = RSA.Create(2048);
        var bob = Pki.Issue("CN=bob", Pki.Intermediate, email: "bob@example.org", key: rsa);
        var (last, _) = Login(Pki.ServerOptions(), new EapTlsPeerOptions { Identity = "bob@example.org", Certificate = bob, Chain = [Pki.Intermediate] });
        Assert.Equal("bob@example.org", Assert.IsType<EapStep.Success>(last).Identity);
    }

    // Only the sub-CA is trusted: its users come in, those of the root above it do not.
    [Fact]
    public void AnIntermediateCanBeTheAuthority()
    {
        var options = Pki.ServerOptions() with { ClientAuthorities = [Pki.Intermediate.RawData] };
        var bob = Pki.Issue("CN=bob", Pki.Intermediate, email: "bob@example.org");
        Assert.IsType<EapStep.Success>(Login(options, new EapTlsPeerOptions { Identity = "bob@example.org", Certificate = bob }).Last);
        Assert.Contains("foreign CA", Refused(options, Pki.Alice), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x0303)]
    [InlineData(0x0304)]
    public void EachRefusalHasItsReason(ushort wire)
    {
        var version = new TlsVersion(wire);
        var options = Pki.ServerOptions();
        var expired = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", from: TestPki.Now.AddDays(-20), to: TestPki.Now.AddDays(-10));
        var future = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", from: TestPki.Now.AddDays(10));
        var foreign = new TestPki("Other Root").Alice;
        var serverUse = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", usages: [TestPki.ServerAuth]);
        var noUse = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", usages: []);
        var nameless = Pki.Issue("O=Test", Pki.Root);

        Assert.Contains("expired on 2026-11-11 12:00 UTC", Refused(options, expired, version: version), StringComparison.Ordinal);
        Assert.Contains("not valid before 2026-12-01 12:00 UTC", Refused(options, future, version: version), StringComparison.Ordinal);
        Assert.Contains("foreign CA, no configured authority is above CN=Other Root", Refused(options, foreign, version: version), StringComparison.Ordinal);
        Assert.Contains("wrong usage", Refused(options, serverUse, version: version), StringComparison.Ordinal);
        Assert.Contains("wrong usage, its extended key usage does not say clientAuth", Refused(options, noUse, version: version), StringComparison.Ordinal);
        Assert.Contains("none of its names can be an identity", Refused(options, nameless, version: version), StringComparison.Ordinal);
        Assert.Contains("the EAP identity mallory@example.org is no name of it", Refused(options, Pki.Alice, "mallory@example.org", version), StringComparison.Ordinal);
        Assert.Contains("peer did not return a certificate", Refused(options, null, version: version), StringComparison.Ordinal);
    }

    [Fact]
    public void ARefusedClientSeesAnAlert()
    {
        var expired = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", from: TestPki.Now.AddDays(-20), to: TestPki.Now.AddDays(-10));
        using var context = Context();
        using var server = Server(context);
        using var peer = new EapTlsPeer(new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = expired, Version = TlsVersion.Tls12 });
        var failure = Assert.IsType<EapStep.Failure>(Run(server, peer).Last);
        Assert.Contains("certificate expired", peer.Handle(failure.Packet!).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void RevocationListsAreObeyed()
    {
        var bob = Pki.Issue("CN=bob", Pki.Root, email: "bob@example.org");
        var options = Pki.ServerOptions() with { RevocationLists = [TestPki.RevocationList(Pki.Root, TestPki.Now.AddDays(5), bob)] };
        Assert.IsType<EapStep.Success>(Login(options, new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = Pki.Alice }).Last);
        Assert.Contains("revoked, serial", Refused(options, bob, "bob@example.org"), StringComparison.Ordinal);

        var stale = options with { RevocationLists = [TestPki.RevocationList(Pki.Root, TestPki.Now.AddDays(-1))] };
        Assert.Contains("the revocation list of CN=Test Root has expired", Refused(stale, Pki.Alice), StringComparison.Ordinal);
        var other = options with { RevocationLists = [TestPki.RevocationList(Pki.Intermediate, TestPki.Now.AddDays(5))] };
        Assert.Contains("no revocation list of CN=Test Root", Refused(other, Pki.Alice), StringComparison.Ordinal);
    }

    [Fact]
    public void ARevokedIntermediateIsRefused()
    {
        var bob = Pki.Issue("CN=bob", Pki.Intermediate, email: "bob@example.org");
        var lists = new[]
        {
            (ReadOnlyMemory<byte>)TestPki.RevocationList(Pki.Root, TestPki.Now.AddDays(5), Pki.Intermediate),
            TestPki.RevocationList(Pki.Intermediate, TestPki.Now.AddDays(5)),
        };
        var reason = Refused(Pki.ServerOptions() with { RevocationLists = lists }, bob, "bob@example.org", null, Pki.Intermediate);
        Assert.Contains("revoked", reason, StringComparison.Ordinal);
        Assert.Contains("at CN=Test Root Intermediate", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void WeakKeysAreRefused()
    {
        using var small = RSA.Create(1024);
        var weak = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", key: small);
        Assert.Contains("weak key", Refused(Pki.ServerOptions(), weak), StringComparison.Ordinal);
        using var cubic = CubicRsa();
        var exponent = Pki.Issue("CN=alice", Pki.Root, email: "alice@example.org", key: cubic);
        Assert.Contains("weak key, RSA of 2048 bits with exponent 3", Refused(Pki.ServerOptions(), exponent), StringComparison.Ordinal);
    }

    [Fact]
    public void TheMinimumVersionHolds()
    {
        var reason = Refused(Pki.ServerOptions() with { MinimumVersion = TlsVersion.Tls13 }, Pki.Alice, version: TlsVersion.Tls12);
        Assert.Contains("unsupported protocol", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice@example.org", true)]
    [InlineData("ALICE@corp.example", true)]
    [InlineData("Alice", true)]
    [InlineData("@example.org", true)]
    [InlineData("@other.example", false)]
    [InlineData("bob", false)]
    [InlineData("host/alice", false)]
    public void TheEapIdentityMustBeANameOfTheCertificate(string identity, bool accepted)
    {
        var peer = new EapTlsPeerOptions { Identity = identity, Certificate = Pki.Alice };
        Assert.Equal(accepted, Login(Pki.ServerOptions(), peer).Last is EapStep.Success);
        Assert.IsType<EapStep.Success>(Login(Pki.ServerOptions() with { MatchEapIdentity = false }, peer).Last);
    }

    [Theory]
    [InlineData(CertificateNameKind.Email, "alice@example.org")]
    [InlineData(CertificateNameKind.Upn, "alice@corp.example")]
    [InlineData(CertificateNameKind.CommonName, "Alice")]
    public void TheConfiguredNameIsTheIdentity(CertificateNameKind kind, string identity)
    {
        var options = Pki.ServerOptions() with { IdentityNames = [CertificateNameKind.Dns, kind] };
        var (last, _) = Login(options, new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = Pki.Alice });
        Assert.Equal(identity, Assert.IsType<EapStep.Success>(last).Identity);
    }

    // RFC 5280 4.2.1.10: a constraint on rfc822Name says nothing of otherName, so that any user principal name would pass.
    [Fact]
    public void PrincipalNamesDoNotCountUnderNameConstraints()
    {
        var carol = Pki.Issue("CN=Carol", Pki.Bound, email: "carol@example.org", upn: "alice@corp.example");
        var options = Pki.ServerOptions() with { IdentityNames = [CertificateNameKind.Upn, CertificateNameKind.Email] };
        EapStep As(string identity, TlsServerOptions by) => Login(by, new EapTlsPeerOptions { Identity = identity, Certificate = carol, Chain = [Pki.Bound] }).Last;
        Assert.Equal("carol@example.org", Assert.IsType<EapStep.Success>(As("carol@example.org", options)).Identity);
        Assert.Equal("carol@example.org", Assert.IsType<EapStep.Success>(As("carol@example.org", options with { ClientAuthorities = [Pki.Bound.RawData] })).Identity);
        Assert.IsNotType<EapStep.Success>(As("alice@corp.example", options));
        Assert.IsNotType<EapStep.Success>(As("carol@example.org", options with { IdentityNames = [CertificateNameKind.Upn] }));
    }

    [Fact]
    public void AMachineIsItsDnsName()
    {
        var machine = Pki.Issue("CN=pc1", Pki.Root, dns: "pc1.corp.example");
        var (last, _) = Login(Pki.ServerOptions(), new EapTlsPeerOptions { Identity = "host/pc1.corp.example", Certificate = machine });
        Assert.Equal("pc1.corp.example", Assert.IsType<EapStep.Success>(last).Identity);
    }

    // A name with a zero inside, or bytes that are no GeneralNames, must neither crash nor become an identity.
    [Theory]
    [InlineData("3014811261646d696e00406578616d706c652e6f7267", "none of its names can be an identity")]
    [InlineData("30", "malformed")]
    [InlineData("3080", "malformed")]
    [InlineData("3003810161ff", "malformed")]
    public void HostileNamesAreRefused(string hex, string reason)
    {
        var certificate = Pki.Issue("O=Test", Pki.Root, rawAlternativeName: Convert.FromHexString(hex));
        Assert.Contains(reason, Refused(Pki.ServerOptions(), certificate, "admin"), StringComparison.Ordinal);
    }

    [Fact]
    public void OfferedSecondItIsChosenByNak()
    {
        using var context = Context();
        using var server = Server(context, EapType.MsChapV2, EapType.Tls);
        using var peer = new EapTlsPeer(new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = Pki.Alice });
        Assert.IsType<EapStep.Success>(Run(server, peer).Last);
    }

    [Fact]
    public void MoreHandshakesThanAllowedAreRefused()
    {
        using var context = Context();
        var open = new List<EapServer>();
        EapStep last = new EapStep.Discarded("", null);
        for (var i = 0; i <= EapLimits.MaxTlsHandshakes && last is not EapStep.Failure; i++)
        {
            var server = Server(context);
            open.Add(server);
            using var peer = new EapTlsPeer(new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = Pki.Alice, FragmentLength = 2000 });
            var hello = server.Handle(peer.Handle(((EapStep.Request)server.Start()).Packet).Response);
            last = server.Handle(peer.Handle(((EapStep.Request)hello).Packet).Response);
        }

        Assert.Contains("handshakes are under way", Assert.IsType<EapStep.Failure>(last).Reason, StringComparison.Ordinal);
        open.ForEach(s => s.Dispose());
        Assert.Equal(0, context.OpenHandshakes);
    }

    [Fact]
    public void WhatCannotServeIsSaidAtTheStart()
    {
        Assert.False(TlsServerContext.TryCreate(Pki.ServerOptions() with { PrivateKey = TestPki.Pkcs8(Pki.Alice) }, out _, out var error));
        Assert.Contains("private key", error, StringComparison.Ordinal);
        Assert.False(TlsServerContext.TryCreate(Pki.ServerOptions() with { Certificate = new byte[] { 1, 2, 3 } }, out _, out error));
        Assert.Contains("the server's certificate", error, StringComparison.Ordinal);
        Assert.False(TlsServerContext.TryCreate(Pki.ServerOptions() with { ClientAuthorities = [Pki.Alice.RawData] }, out _, out error));
        Assert.Contains("no CA certificate", error, StringComparison.Ordinal);
        Assert.False(TlsServerContext.TryCreate(Pki.ServerOptions() with { ClientAuthorities = [] }, out _, out error));
        Assert.False(TlsServerContext.TryCreate(Pki.ServerOptions() with { RevocationLists = [new byte[] { 48, 0 }] }, out _, out error));
        Assert.Contains("a revocation list", error, StringComparison.Ordinal);
    }

    /// <summary>RSA-2048 with the public exponent 3, which .NET does not make.</summary>
    private static RSA CubicRsa()
    {
        var random = new Random(3);
        var (p, q) = (Prime(random), Prime(random));
        var n = p * q;
        var phi = (p - 1) * (q - 1);
        var d = Inverse(3, phi);
        var rsa = RSA.Create();
        rsa.ImportParameters(new RSAParameters
        {
            Modulus = n.ToByteArray(true, true),
            Exponent = [3],
            D = Padded(d, 256),
            P = Padded(p, 128),
            Q = Padded(q, 128),
            DP = Padded(d % (p - 1), 128),
            DQ = Padded(d % (q - 1), 128),
            InverseQ = Padded(Inverse(q, p), 128),
        });
        return rsa;
    }

    private static byte[] Padded(System.Numerics.BigInteger number, int length)
    {
        var octets = number.ToByteArray(true, true);
        return [.. new byte[length - octets.Length], .. octets];
    }

    private static System.Numerics.BigInteger Inverse(System.Numerics.BigInteger a, System.Numerics.BigInteger modulus)
    {
        var (r, newR, t, newT) = (modulus, a % modulus, System.Numerics.BigInteger.Zero, System.Numerics.BigInteger.One);
        while (newR != 0)
        {
            var quotient = r / newR;
            (t, newT) = (newT, t - (quotient * newT));
            (r, newR) = (newR, r - (quotient * newR));
        }

        return t < 0 ? t + modulus : t;
    }

    // 2 modulo 3, so that 3 has an inverse; Fermat's test is enough for a test's key.
    private static System.Numerics.BigInteger Prime(Random random)
    {
        var octets = new byte[128];
        while (true)
        {
            random.NextBytes(octets);
            octets[0] |= 0xc0;
            octets[^1] |= 1;
            var candidate = new System.Numerics.BigInteger(octets, true, true);
            if (candidate % 3 == 2 && System.Numerics.BigInteger.ModPow(2, candidate - 1, candidate) == 1)
                return candidate;
        }
    }
}
