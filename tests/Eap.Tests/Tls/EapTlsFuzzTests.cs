using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Headend.Eap.Methods;
using Headend.Eap.Tls;
using Headend.TestKit.Eap;

namespace Headend.Eap.Tests.Tls;

/// <summary>Seeded mutations: nothing throws, nothing hangs, nothing that was altered is let in, everything is given back.</summary>
public class EapTlsFuzzTests
{
    private sealed class NoUsers : ILocalCredentials
    {
        public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
        {
            credential = null;
            refusal = "no users";
            return false;
        }

        public void Judged(string userName, bool proven)
        {
        }
    }

    private static EapServer Server(TlsServerContext context) => new(new EapServerOptions
    {
        Credentials = new NoUsers(),
        Methods = [EapType.Tls],
        Tls = context,
        Now = TestPki.Now,
        QueryIdentity = false,
        IkeIdentity = "alice@example.org",
    });

    private static TlsServerContext Context()
    {
        Assert.True(TlsServerContext.TryCreate(TestPki.Shared.ServerOptions(), out var context, out var error), error);
        return context;
    }

    [Theory]
    [InlineData(0x0303, 1)]
    [InlineData(0x0304, 2)]
    public void MutatedClientFlights(ushort version, int seed)
    {
        var random = new Random(seed);
        using var context = Context();
        var (accepted, refused) = (0, 0);
        for (var i = 0; i < 400; i++)
        {
            var target = random.Next(2);
            var flight = 0;
            using var server = Server(context);
            using var peer = new EapTlsPeer(new EapTlsPeerOptions { Identity = "alice@example.org", Certificate = TestPki.Shared.Alice, Version = new TlsVersion(version), FragmentLength = 1024 })
            {
                Mutate = octets => flight++ == target ? Mutate(octets, random) : octets,
            };
            switch (EapTlsServerTests.Run(server, peer).Last)
            {
                case EapStep.Success success:
                    // Octets that TLS ignores (the record version of a ClientHello) may change; the keys must then be the client's.
                    Assert.Equal(success.Msk, peer.Handle(success.Packet).Msk);
                    accepted++;
                    break;
                case EapStep.Failure:
                    refused++;
                    break;
            }
        }

        Assert.True(refused > 300, $"{refused} refused, {accepted} accepted");
        Assert.Equal(0, context.OpenHandshakes);
    }

    // Any octets as Type-Data, mostly with believable flags and lengths, at any time of the conversation.
    [Fact]
    public void RandomTypeData()
    {
        var random = new Random(3);
        using var context = Context();
        for (var i = 0; i < 3000; i++)
        {
            using var server = Server(context);
            var step = server.Start();
            var rounds = 0;
            while (step is EapStep.Request or EapStep.Discarded { Outstanding: not null })
            {
                var outstanding = step is EapStep.Request request ? request.Packet : ((EapStep.Discarded)step).Outstanding!;
                step = server.Handle(EapPacket.Response(outstanding[1], EapType.Tls, TypeData(random)));
                Assert.True(++rounds <= EapLimits.MaxRounds + EapLimits.MaxDiscarded + 1);
                Assert.IsNotType<EapStep.Success>(step);
            }
        }

        Assert.Equal(0, context.OpenHandshakes);
    }

    // What goes in comes out, whole; no sequence of fragments makes more than the limit or throws.
    [Fact]
    public void Reassembly()
    {
        var random = new Random(4);
        for (var i = 0; i < 20_000; i++)
        {
            var message = RandomNumberGenerator.GetBytes(random.Next(1, 3000));
            var reassembly = new EapTlsReassembly();
            var size = random.Next(1, 1500);
            var altered = random.Next(4) == 0;
            var complete = false;
            for (var offset = 0; offset < message.Length; offset += size)
            {
                var packet = EapTlsCodec.Fragment(message, offset, size);
                if (altered)
                    packet[random.Next(Math.Min(packet.Length, 6))] ^= (byte)(1 << random.Next(8));
                if (!EapTlsCodec.TryRead(packet, out var flags, out var total, out var data) || !reassembly.TryAdd(flags, total, data, out complete, out var reason))
                {
                    Assert.True(altered);
                    complete = false;
                    break;
                }

                if (complete && altered)
                    break;
            }

            if (!altered)
                Assert.Equal(message, reassembly.Take());
            else if (complete)
                Assert.True(reassembly.Take().Length <= EapTlsReassembly.MaxMessageLength);
        }
    }

    [Theory]
    [InlineData("40aabb", "announces no length")]
    [InlineData("c000010000aa", "65536 octets")]
    [InlineData("c0ffffffffaa", "4294967295 octets")]
    [InlineData("c000000010", "without data")]
    [InlineData("c000000001aabb", "longer than announced")]
    [InlineData("8000000003aabb", "shorter than announced")]
    public void ImpossibleFragmentsEndTheLogin(string hex, string reason)
    {
        using var context = Context();
        using var server = Server(context);
        var start = ((EapStep.Request)server.Start()).Packet;
        Assert.Equal(EapTlsCodec.StartFlag, start[5]);
        var failure = Assert.IsType<EapStep.Failure>(server.Handle(EapPacket.Response(start[1], EapType.Tls, Convert.FromHexString(hex))));
        Assert.Contains(reason, failure.Reason, StringComparison.Ordinal);
    }

    private static byte[] Mutate(byte[] octets, Random random)
    {
        var copy = octets.ToArray();
        switch (random.Next(4))
        {
            case 0:
                copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
                return copy;
            case 1:
                return copy[..random.Next(1, copy.Length)];
            case 2:
                random.NextBytes(copy.AsSpan(random.Next(copy.Length)));
                return copy;
            default:
                var at = random.Next(copy.Length);
                return [.. copy.AsSpan(0, at), .. RandomNumberGenerator.GetBytes(random.Next(1, 64)), .. copy.AsSpan(at)];
        }
    }

    private static byte[] TypeData(Random random)
    {
        var data = new byte[random.Next(0, 600)];
        random.NextBytes(data);
        if (data.Length > 0 && random.Next(4) > 0)
            data[0] = (byte)(random.Next(4) << 6);
        if (data.Length > 10 && random.Next(2) == 0)
        {
            // A TLS record header, so that libssl reads on.
            var header = (data[0] & EapTlsCodec.LengthIncluded) != 0 ? 5 : 1;
            data[header] = (byte)random.Next(20, 25);
            data[header + 1] = 3;
            data[header + 2] = (byte)random.Next(1, 4);
            data[header + 3] = (byte)random.Next(2);
        }

        if (data.Length > 5 && (data[0] & EapTlsCodec.LengthIncluded) != 0 && random.Next(4) > 0)
            (data[1], data[2], data[3]) = (0, 0, (byte)random.Next(4));
        return data;
    }
}
