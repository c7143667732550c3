using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Crypto;

/// <summary>Recomputes what a strongSwan 6.1.0 responder printed about its logins, from the recorded packets.</summary>
public sealed class LabTranscriptTests
{
    private const int NonceOctets = 32;
    private static readonly SystemCryptoProvider s_crypto = SystemCryptoProvider.Instance;

    public static TheoryData<string, int> Scenarios => new()
    {
        { "cert", 2 },
        { "childless", 2 },
        { "invke", 1 },
        { "md5", 1 },
        { "mschapv2", 1 },
        { "pskccm", 0 },
        { "pskchapoly", 0 },
        { "x25519gcm", 1 },
    };

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Keys_messages_and_authentication(string scenario, int signatures)
    {
        var messages = ReadMessages(Vectors.Local($"ikev2-lab/{scenario}/{scenario}.pcap"));
        var spis = messages.Where(m => m.Header.ExchangeType != ExchangeType.IkeSaInit).Select(m => (m.Header.InitiatorSpi, m.Header.ResponderSpi)).Distinct().ToList();

        // The last SA of a recording may have been made and never used.
        var table = Vectors.Local($"ikev2-lab/{scenario}/ikev2_decryption_table");
        foreach (var words in File.Exists(table) ? File.ReadLines(table).Select(l => l.Split(',')) : [])
        {
            var pair = (new IkeSpi(Convert.ToUInt64(words[0], 16)), new IkeSpi(Convert.ToUInt64(words[1], 16)));
            if (!spis.Contains(pair))
                spis.Add(pair);
        }

        var replay = new Replay(messages, spis);
        foreach (var line in Vectors.Json(Vectors.Local($"ikev2-lab/{scenario}/{scenario}.json")).EnumerateArray())
            replay.Take(line);

        Assert.Equal(spis.Count, replay.Sas.Count);
        Assert.True(replay.Compared >= 9, $"{replay.Compared} values compared");

        var verified = 0;
        foreach (var message in messages.Where(m => m.Header.ExchangeType != ExchangeType.IkeSaInit))
        {
            var sa = replay.Sas[spis.IndexOf((message.Header.InitiatorSpi, message.Header.ResponderSpi))];
            using var receiver = new MessageProtection(s_crypto, sa.Suite, sa.Keys, weAreOriginalInitiator: !message.Header.IsFromInitiator);
            Assert.True(EncryptedEnvelope.TryLocate(message.Octets, message.Header, out var envelope, out _));
            Assert.True(receiver.TryOpen(message.Octets, envelope, out var inner));
            verified += replay.CheckSignature(message.Header, envelope, inner) ? 1 : 0;
        }

        Assert.Equal(signatures, verified);
    }

    private static List<(IkeHeader Header, byte[] Octets)> ReadMessages(string pcap)
    {
        var messages = new List<(IkeHeader, byte[])>();
        ReadOnlySpan<byte> rest = File.ReadAllBytes(pcap).AsSpan(24);
        while (rest.Length > 0)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(rest[8..]);
            var udp = rest.Slice(16 + 14 + 20, length - 34);
            rest = rest[(16 + length)..];
            var payload = udp[8..BinaryPrimitives.ReadUInt16BigEndian(udp[4..])];
            if (BinaryPrimitives.ReadUInt16BigEndian(udp) == 4500)
            {
                if (payload.Length < 4 || payload[..4].IndexOfAnyExcept((byte)0) >= 0)
                    continue;
                payload = payload[4..];
            }

            Assert.True(IkeHeader.TryRead(payload, out var header, out _));
            messages.Add((header, payload.ToArray()));
        }

        return messages;
    }

    private sealed class Replay(List<(IkeHeader Header, byte[] Octets)> messages, List<(IkeSpi Initiator, IkeSpi Responder)> spis)
    {
        private readonly Dictionary<string, byte[]> _last = new(StringComparer.Ordinal);
        private readonly Dictionary<bool, byte[]> _octetsOfInitiator = [];
        private string[] _ike = [];
        private string[] _esp = [];
        private ChildKeys? _child;

        public List<(IkeSuite Suite, IkeKeys Keys)> Sas { get; } = [];

        public int Compared { get; private set; }

        public void Take(JsonElement line)
        {
            if (line.TryGetProperty("event", out var text))
            {
                var words = text.GetString()!;
                if (words.StartsWith("selected proposal: IKE:", StringComparison.Ordinal))
                    _ike = words["selected proposal: IKE:".Length..].Split('/');
                else if (words.StartsWith("selected proposal: ESP:", StringComparison.Ordinal))
                    _esp = words["selected proposal: ESP:".Length..].Split('/');
                return;
            }

            var label = line.Text("label");
            _last[label] = line.Hex("hex");
            Check(label, _last[label]);
        }

        /// <summary>Verifies the signature in an AUTH payload of IKE_AUTH, if there is one in this message.</summary>
        public bool CheckSignature(IkeHeader header, EncryptedEnvelope envelope, byte[] inner)
        {
            var next = envelope.InnerFirst;
            var rest = inner.AsSpan();
            while (next != PayloadType.None && header.ExchangeType == ExchangeType.IkeAuth && !envelope.IsFragment)
            {
                var body = rest[4..BinaryPrimitives.ReadUInt16BigEndian(rest[2..])];
                var method = new AuthenticationMethod(body.Length > 0 ? body[0] : (byte)0);
                if (next == PayloadType.Authentication && method == AuthenticationMethod.DigitalSignature)
                {
                    using var certificate = X509CertificateLoader.LoadCertificateFromFile(
                        Vectors.Local(header.IsFromInitiator ? "ikev2-lab/cli.pem" : "ikev2-lab/srv.pem"));
                    var octets = _octetsOfInitiator[header.IsFromInitiator];
                    Assert.True(
                        SignatureAuthentication.Verify(method, body[4..], certificate, octets, SignatureAuthentication.SupportedHashes, out var reason), reason);
                    octets[0] ^= 1;
                    Assert.False(SignatureAuthentication.Verify(method, body[4..], certificate, octets, SignatureAuthentication.SupportedHashes, out _));
                    octets[0] ^= 1;
                    return true;
                }

                next = new PayloadType(rest[0]);
                rest = rest[(4 + body.Length)..];
            }

            return false;
        }

        private void Check(string label, byte[] expected)
        {
            if (label == "SKEYSEED")
                Derive();
            else if (label == "seed")
                DeriveChild();

            var keys = Sas.Count > 0 ? Sas[^1].Keys : null;
            var actual = label switch
            {
                "Sk_d secret" => keys!.SkD,
                "Sk_ai secret" => keys!.SkAi,
                "Sk_ar secret" => keys!.SkAr,
                "Sk_ei secret" => keys!.SkEi,
                "Sk_er secret" => keys!.SkEr,
                "Sk_pi secret" => keys!.SkPi,
                "Sk_pr secret" => keys!.SkPr,
                "encryption initiator key" => _child!.InitiatorEncryption,
                "encryption responder key" => _child!.ResponderEncryption,
                "integrity initiator key" => _child!.InitiatorIntegrity,
                "integrity responder key" => _child!.ResponderIntegrity,
                "natd_hash" => NatHash(_last["natd_chunk"]),
                _ when label.StartsWith("octets = ", StringComparison.Ordinal) => Octets(expected),
                _ when label.StartsWith("AUTH = ", StringComparison.Ordinal) =>
                    AuthenticationOctets.SharedKeyMac(s_crypto, Sas[^1].Suite.Prf, _last["secret"], _last.First(p => p.Key.StartsWith("octets = ", StringComparison.Ordinal)).Value),
                _ => null,
            };
            if (actual is null)
                return;

            Assert.True(expected.AsSpan().SequenceEqual(actual), label);
            Compared++;
        }

        private void Derive()
        {
            var keywords = _ike.Select(Keyword).ToList();
            var suite = CipherTests.Suite(string.Join('-', keywords));
            var nonces = _last["nonces"];
            var secret = _last["key exchange secret"];
            var (spiI, spiR) = spis[Sas.Count];
            Sas.Add((suite, Sas.Count == 0
                ? KeySchedule.DeriveInitial(s_crypto, suite, nonces.AsSpan(0, NonceOctets), nonces.AsSpan(NonceOctets), secret, spiI, spiR)
                : KeySchedule.DeriveRekey(
                    s_crypto, suite, Sas[^1].Suite.Prf, Sas[^1].Keys.SkD, secret, nonces.AsSpan(0, NonceOctets), nonces.AsSpan(NonceOctets), spiI, spiR)));
        }

        private void DeriveChild()
        {
            var proposal = ProposalParser.ParseEsp(string.Join('-', _esp.Where(w => w != "NO_EXT_SEQ").Select(Keyword)));
            var suite = new EspSuite(1, proposal.Encryption[0], proposal.Integrity.Count > 0 ? proposal.Integrity[0] : null, null, Esn: false, 1);
            var seed = _last["seed"].AsSpan();
            var nonces = seed[^(2 * NonceOctets)..];
            _child = KeySchedule.DeriveChild(
                s_crypto, Sas[^1].Suite.Prf, Sas[^1].Keys.SkD, seed[..^(2 * NonceOctets)], nonces[..NonceOctets], nonces[NonceOctets..], suite);
        }

        private byte[] Octets(byte[] expected)
        {
            var message = messages.Single(m => expected.AsSpan().StartsWith(m.Octets)).Octets;
            var fromInitiator = BinaryPrimitives.ReadUInt64BigEndian(message.AsSpan(8)) == 0;
            var (suite, keys) = Sas[^1];
            var id = _last["IDx'"];
            var octets = fromInitiator
                ? AuthenticationOctets.ForInitiator(s_crypto, suite.Prf, message, _last["nonces"].AsSpan(NonceOctets), keys.SkPi, id)
                : AuthenticationOctets.ForResponder(s_crypto, suite.Prf, message, _last["nonces"].AsSpan(0, NonceOctets), keys.SkPr, id);
            _octetsOfInitiator[fromInitiator] = octets;
            return octets;
        }

        private static byte[] NatHash(ReadOnlySpan<byte> chunk) => NatDetectionHash.Compute(
            new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(chunk)),
            new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(chunk[8..])),
            new IPEndPoint(new IPAddress(chunk[16..^2]), BinaryPrimitives.ReadUInt16BigEndian(chunk[^2..])));

        private static string Keyword(string name) => name switch
        {
            "AES_CBC_256" => "aes256",
            "AES_GCM_16_256" => "aes256gcm16",
            "AES_CCM_12_128" => "aes128ccm12",
            "AES_CCM_16_128" => "aes128ccm16",
            "CHACHA20_POLY1305" => "chacha20poly1305",
            "HMAC_SHA2_256_128" => "sha256",
            "PRF_HMAC_SHA1" => "prfsha1",
            "PRF_HMAC_SHA2_256" => "prfsha256",
            "PRF_HMAC_SHA2_384" => "prfsha384",
            "PRF_HMAC_SHA2_512" => "prfsha512",
            "MODP_2048" => "modp2048",
            "ECP_256" => "ecp256",
            "CURVE_25519" => "x25519",
            _ => throw new InvalidDataException(name),
        };
    }
}
