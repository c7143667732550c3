using Headend.Aaa.Authorization;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;
using Headend.Aaa.Tests.DynamicAuthorization;

namespace Headend.Aaa.Tests.Fuzz;

/// <summary>
/// The corpus beside this file (one packet a line in hexadecimal, # begins a comment) as it is, and mutated: no exception, no endless walk, and nothing that was
/// altered is taken for authentic. Seeded, so that a failure names the mutation that can be repeated. A Debug build runs a twentieth of the mutations.
/// </summary>
public sealed class FuzzTests
{
    private const int Seed = 20260101;

#if DEBUG
    private const int Mutations = 50_000;
#else
    private const int Mutations = 1_000_000;
#endif

    private static readonly RadiusSecret Secret = RadiusSecret.FromText(DynamicWire.Secret);
    private static readonly byte[] RequestAuthenticator = [.. Enumerable.Range(1, 16).Select(i => (byte)(i * 7))];

    private readonly DynamicAuthorizationChecks checks = new(DynamicWire.Options(), new ManualTimeProvider());

    public static TheoryData<string, string> Corpus
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (file, packet) in Load()) data.Add(file, Convert.ToHexStringLower(packet));
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Corpus))]
    public void Corpus_is_read_without_an_exception(string file, string packet)
    {
        var octets = Convert.FromHexString(packet);
        ReadEverything(octets);
        Judge(octets);
        Assert.True(octets.Length <= RadiusPacket.MaximumLength + 904, file);
    }

    [Fact]
    public void The_authentic_packets_of_the_corpus_are_authentic()
    {
        // A corpus in which everything is refused would prove nothing.
        var packets = Load();
        Assert.True(packets.Count(p => checks.Check(p.Packet, DynamicWire.Source, DynamicWire.Local).Request is not null) >= 5);
        Assert.True(packets.Count(p => IsAuthenticReply(p.Packet)) >= 3);
    }

    [Fact]
    public void A_million_mutations_break_nothing_and_none_is_authentic()
    {
        var corpus = Load().Select(p => p.Packet).ToArray();
        var authentic = corpus.Select(p => Convert.ToHexString(Trimmed(p))).ToHashSet(StringComparer.Ordinal);
        var random = new Random(Seed);
        var buffer = new byte[RadiusPacket.MaximumLength + 64];
        for (var i = 0; i < Mutations; i++)
        {
            var length = Mutate(random, corpus, buffer);
            var packet = buffer.AsSpan(0, length);
            ReadEverything(packet);
            if (!Judge(packet)) continue;
            // The authenticators are over what Length says; octets behind it are padding (RFC 2865 3).
            Assert.True(authentic.Contains(Convert.ToHexString(Trimmed(packet))), $"seed {Seed}, mutation {i}: {Convert.ToHexString(packet)}");
        }
    }

    /// <summary>True when somebody took the packet for authentic.</summary>
    private bool Judge(ReadOnlySpan<byte> packet)
    {
        var verdict = checks.Check(packet, DynamicWire.Source, DynamicWire.Local);
        if (verdict.Request is { } request)
        {
            var understood = DynamicRequestParser.TryParse(request.Packet, out _, out var failure);
            checks.Complete(request, understood ? null : failure!.Cause);
        }

        return verdict.Request is not null || verdict.Reply is not null || IsAuthenticReply(packet);
    }

    private static bool IsAuthenticReply(ReadOnlySpan<byte> packet)
        => RadiusPacket.TryParse(packet, out var reply, out _) && (reply.Code.IsAccessReply || reply.Code == RadiusCode.AccountingResponse)
            && RadiusAuthenticatorCodec.VerifyReply(reply, RequestAuthenticator, Secret, requireMessageAuthenticator: reply.Code.IsAccessReply) == RadiusError.None;

    private static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> packet)
        => packet.Length < 4 ? packet : packet[..Math.Min(packet.Length, (packet[2] << 8) | packet[3])];

    /// <summary>Every reader of the codec over a packet whose sender proved nothing.</summary>
    private static void ReadEverything(ReadOnlySpan<byte> octets)
    {
        if (!RadiusPacket.TryParse(octets, out var packet, out _)) return;
        packet.GetEapMessage();
        foreach (var attribute in packet.Attributes)
        {
            attribute.TryGetText(out _);
            attribute.TryGetUInt32(out _);
            attribute.TryGetAddress(out _);
            attribute.TryGetIpv6Prefix(out _);
            attribute.TryGetTaggedInteger(out _, out _);
            attribute.SplitTag();
            if (attribute.Type == RadiusAttributeType.TunnelPassword) RadiusHiding.TryRevealTunnelPassword(attribute.Value.Span, RequestAuthenticator, Secret, out _, out _);
            else if (attribute.Type == RadiusAttributeType.UserPassword) RadiusHiding.TryRevealUserPassword(attribute.Value.Span, RequestAuthenticator, Secret, out _);
        }

        foreach (var attribute in packet.VendorAttributes(RadiusVendor.Microsoft)) RadiusHiding.TryRevealSalted(attribute.Value.Span, RequestAuthenticator, Secret, out _);
        SessionProfileReader.TryRead(packet, Silent.Instance, out _, out _);
        _ = DynamicRequestParser.TryParse(packet, out var content, out _);
        _ = content.Keys.ToString();
        _ = DynamicRequestParser.TryParseAccept(packet, out _, out _);
    }

    private static int Mutate(Random random, byte[][] corpus, byte[] buffer)
    {
        var source = corpus[random.Next(corpus.Length)];
        source.CopyTo(buffer, 0);
        var length = source.Length;
        for (var changes = random.Next(1, 5); changes > 0 && length > 0; changes--)
        {
            var at = random.Next(length);
            switch (random.Next(7))
            {
                case 0:
                    buffer[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    buffer[at] = (byte)random.Next(256);
                    break;
                case 2:
                    length = at;
                    break;
                case 3 when length > 20:
                    // A length octet of some attribute, to its edges.
                    buffer[at] = (byte)(random.Next(3) switch { 0 => 0, 1 => 1, _ => 255 });
                    break;
                case 4 when length < RadiusPacket.MaximumLength - 32:
                    var inserted = random.Next(1, 32);
                    buffer.AsSpan(at, length - at).CopyTo(buffer.AsSpan(at + inserted));
                    random.NextBytes(buffer.AsSpan(at, inserted));
                    length += inserted;
                    break;
                case 5:
                    var removed = Math.Min(random.Next(1, 32), length - at);
                    buffer.AsSpan(at + removed, length - at - removed).CopyTo(buffer.AsSpan(at));
                    length -= removed;
                    break;
                default:
                    // The tail of another packet.
                    var other = corpus[random.Next(corpus.Length)];
                    var from = random.Next(other.Length + 1);
                    var taken = Math.Min(other.Length - from, RadiusPacket.MaximumLength - at);
                    other.AsSpan(from, taken).CopyTo(buffer.AsSpan(at));
                    length = at + taken;
                    break;
            }
        }

        // Half of them with a Length that fits, so that the walk goes on behind it.
        if (length >= 20 && random.Next(2) == 0) (buffer[2], buffer[3]) = ((byte)(length >> 8), (byte)length);
        return length;
    }

    private static List<(string File, byte[] Packet)> Load()
    {
        var directory = Path.Combine(VectorFiles.RepositoryRoot, "tests", "Aaa.Tests", "Fuzz", "corpus");
        var packets = new List<(string, byte[])>();
        foreach (var file in Directory.GetFiles(directory, "*.hex").Order(StringComparer.Ordinal))
        {
            foreach (var line in File.ReadLines(file))
            {
                var text = line.Split('#')[0].Trim();
                if (text.Length > 0) packets.Add(($"{Path.GetFileName(file)} {packets.Count}", Convert.FromHexString(text)));
            }
        }

        return packets;
    }

    private sealed class Silent : IProfileObserver
    {
        public static readonly Silent Instance = new();

        public void UnknownPair(string name)
        {
        }
    }
}
