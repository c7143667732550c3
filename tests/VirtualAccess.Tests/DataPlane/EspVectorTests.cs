using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class EspVectorTests
{
    /// <summary>RFC 7634 appendix A: an ESP packet in tunnel mode, in both directions.</summary>
    [FactWithVectors]
    public void Rfc7634AppendixA()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Vectors.Root, "rfc/rfc7634_chacha20poly1305.json")));
        var values = json.RootElement.GetProperty("A").EnumerateArray().ToDictionary(v => v.GetProperty("label").GetString()!, v => Convert.FromHexString(v.GetProperty("hex").GetString()!));
        var algorithm = Sa.Algorithm("chacha20poly1305");
        var packet = values["ESP packet:"][20..];
        using var open = EspCipher.Create(algorithm, new EspKeys(values["KEYMAT:"]), encrypt: false);
        var opened = packet.ToArray();
        Assert.True(open.Open(opened, 0));
        var plaintext = opened.AsSpan(16, opened.Length - 32);
        Assert.Equal(values["Plaintext (includes padding and pad length):"], plaintext.ToArray());
        Assert.Equal(EspDrop.None, EspCodec.ReadInner(plaintext, out var length));
        Assert.Equal(values["Source Packet:"], plaintext[..length].ToArray());

        var built = new byte[EspCodec.SealedLength(algorithm, length)];
        EspCodec.WriteHeader(built, 0x01020304, 5);
        values["Source Packet:"].CopyTo(built, 16);
        EspCodec.WriteTrailer(built.AsSpan(16 + length, built.Length - 32 - length), 4);
        using var seal = EspCipher.Create(algorithm, new EspKeys(values["KEYMAT:"]), encrypt: true);
        Assert.True(seal.Seal(built, 0x1011121314151617));
        Assert.Equal(packet, built);
    }

    /// <summary>RFC 3602 4: the AES-CBC cases, each in an ESP packet with an ICV of the BCL.</summary>
    [FactWithVectors]
    public void Rfc3602Section4()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Vectors.Root, "rfc/rfc3602_aes_cbc_esp.json")));
        var checkedCases = 0;
        foreach (var test in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            if (!test.TryGetProperty("Ciphertext", out var ciphertext)) continue;
            var expected = test.TryGetProperty("Plaintext", out var hex)
                ? Convert.FromHexString(hex.GetString()!)
                : System.Text.Encoding.ASCII.GetBytes(test.GetProperty("Plaintext_ascii").GetString()!);
            byte[] packet = [0, 0, 16, 0, 0, 0, 0, 1, .. Hex(test, "IV"), .. Convert.FromHexString(ciphertext.GetString()!)];
            var integrity = RandomNumberGenerator.GetBytes(32);
            byte[] whole = [.. packet, .. HMACSHA256.HashData(integrity, packet)[..16]];
            using var cipher = EspCipher.Create(Sa.Algorithm("aes128-sha256"), new EspKeys(Hex(test, "Key"), integrity), encrypt: false);
            Assert.True(cipher.Open(whole, 0));
            Assert.Equal(expected, whole[24..^16]);
            checkedCases++;
        }

        Assert.Equal(4, checkedCases);
    }

    /// <summary>RFC 3686 6, test vectors 1, 2 and 9, each in an ESP packet with an ICV of the BCL.</summary>
    [Theory]
    [InlineData("aes128ctr-sha256", "ae6852f8121067cc4bf7a5765577f39e00000030", "0000000000000000", "53696e676c6520626c6f636b206d7367", "e4095d4fb7a7b3792d6175a3261311b8")]
    [InlineData("aes128ctr-sha256", "7e24067817fae0d743d6ce1f32539163006cb6db", "c0543b59da48d90b", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28")]
    [InlineData("aes256ctr-sha256", "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c10400000060", "db5672c97aa8f0b2", "53696e676c6520626c6f636b206d7367", "145ad01dbf824ec7560863dc71e3e0c0")]
    public void Rfc3686Section6(string name, string keyAndNonce, string iv, string plaintext, string ciphertext)
    {
        byte[] packet = [0, 0, 16, 0, 0, 0, 0, 1, .. Convert.FromHexString(iv), .. Convert.FromHexString(ciphertext)];
        var integrity = RandomNumberGenerator.GetBytes(32);
        byte[] whole = [.. packet, .. HMACSHA256.HashData(integrity, packet)[..16]];
        using var cipher = EspCipher.Create(Sa.Algorithm(name), new EspKeys(Convert.FromHexString(keyAndNonce), integrity), encrypt: false);
        Assert.True(cipher.Open(whole, 0));
        Assert.Equal(plaintext, Convert.ToHexStringLower(whole.AsSpan(16, ciphertext.Length / 2)));
    }

    /// <summary>RFC 3566 4.6, test cases 1 to 6: the message cut at every place, as header and sequence number are.</summary>
    [Theory]
    [InlineData(0, "75f0251d528ac01c4573dfd584d79f29")]
    [InlineData(3, "5b376580ae2f19afe7219ceef172756f")]
    [InlineData(16, "d2a246fa349b68a79998a4394ff7a263")]
    [InlineData(20, "47f51b4564966215b8985c63055ed308")]
    [InlineData(32, "f54f0ec8d2b9f3d36807734bd5283fd4")]
    [InlineData(34, "becbb3bccdb518a30677d5481fb6b4d8")]
    public void Rfc3566(int octets, string expected)
    {
        byte[] key = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        byte[] message = [.. Enumerable.Range(0, octets).Select(i => (byte)i)];
        using var mac = new EspMac(EspMacFunction.AesXcbc, key);
        var output = new byte[EspMac.MaximumLength];
        for (var second = 0; second <= Math.Min(4, octets); second++)
        {
            Assert.True(mac.Compute(message.AsSpan(0, octets - second), message.AsSpan(octets - second), output));
            Assert.Equal(expected, Convert.ToHexStringLower(output.AsSpan(0, 16)));
        }
    }

    /// <summary>RFC 4493 4, examples 1 to 3, and RFC 2202 2 and 3, test case 2.</summary>
    [Theory]
    [InlineData("AesCmac", "2b7e151628aed2a6abf7158809cf4f3c", "", "bb1d6929e95937287fa37d129b756746")]
    [InlineData("AesCmac", "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c")]
    [InlineData("AesCmac", "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411", "dfa66747de9ae63030ca32611497c827")]
    [InlineData("HmacMd5", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "750c783e6ab0b503eaa86e310a5db738")]
    [InlineData("HmacSha1", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")]
    public void PublishedMacs(string function, string key, string message, string expected)
    {
        using var mac = new EspMac(Enum.Parse<EspMacFunction>(function), Convert.FromHexString(key));
        var output = new byte[EspMac.MaximumLength];
        Assert.True(mac.Compute(Convert.FromHexString(message), default, output));
        Assert.Equal(expected, Convert.ToHexStringLower(output.AsSpan(0, expected.Length / 2)));
    }

    /// <summary>
    /// RFC 4106, 4309 and 4543 have no packets of their own: each AEAD's packet opens with the BCL's implementation (which the Wycheproof vectors cover in Ikev2.Tests) when
    /// nonce and AAD are put together as those RFCs say.
    /// </summary>
    [Theory]
    [InlineData("aes128gcm16"), InlineData("aes256gcm12"), InlineData("aes128gmac"), InlineData("aes256gmac")]
    [InlineData("aes128ccm8"), InlineData("aes192ccm12"), InlineData("aes256ccm16")]
    public void AeadsAreWhatTheirRfcsSay(string name)
    {
        var algorithm = Sa.Algorithm(name);
        var keys = Sa.Keys(algorithm);
        foreach (var extended in new[] { false, true })
        {
            var inner = Packets.Udp("10.99.0.1", "10.10.0.1", 50);
            var packet = new byte[EspCodec.SealedLength(algorithm, inner.Length)];
            EspCodec.WriteHeader(packet, 0x01020304, 7);
            inner.CopyTo(packet, 16);
            EspCodec.WriteTrailer(packet.AsSpan(16 + inner.Length, packet.Length - 16 - inner.Length - algorithm.IcvLength), 4);
            var plaintext = packet[16..^algorithm.IcvLength];
            using var cipher = EspCipher.Create(algorithm, keys, encrypt: true, extended);
            Assert.True(cipher.Seal(packet, 0x0000_0005_0000_0007));

            var salt = algorithm.Construction == EspConstruction.Ccm ? 3 : 4;
            var material = keys.Encryption.ToArray();
            byte[] nonce = [.. material[^salt..], .. packet[8..16]];
            byte[] aad = extended ? [1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0, 7] : packet[..8];
            var (sealedData, tag) = (packet[16..^algorithm.IcvLength], packet[^algorithm.IcvLength..]);
            var opened = new byte[plaintext.Length];
            if (algorithm.Construction == EspConstruction.Gmac)
            {
                Assert.Equal(plaintext, sealedData);
                using var gmac = new AesGcm(material[..^salt], tag.Length);
                byte[] covered = [.. aad, .. packet[8..16], .. sealedData];
                gmac.Decrypt(nonce, Array.Empty<byte>(), tag, Array.Empty<byte>(), covered);
                continue;
            }

            if (algorithm.Construction == EspConstruction.Ccm)
            {
                using var ccm = new AesCcm(material[..^salt]);
                ccm.Decrypt(nonce, sealedData, tag, opened, aad);
            }
            else
            {
                using var gcm = new AesGcm(material[..^salt], tag.Length);
                gcm.Decrypt(nonce, sealedData, tag, opened, aad);
            }

            Assert.Equal(plaintext, opened);
        }
    }

    /// <summary>Every ESP packet of the recorded strongSwan sessions whose keys were recorded opens into an IP packet.</summary>
    [FactWithVectors]
    public void RecordedSessionsOpen()
    {
        var opened = new Dictionary<string, int>();
        foreach (var keys in Directory.GetFiles(Vectors.Root, "esp_sa", SearchOption.AllDirectories))
        {
            var sas = File.ReadLines(keys).Select(ReadSa).ToDictionary(sa => sa.InboundSpi);
            foreach (var capture in Directory.GetFiles(Path.GetDirectoryName(keys)!, "*.pcap"))
            {
                if (capture.EndsWith("radius.pcap", StringComparison.Ordinal)) continue;
                foreach (var esp in Pcap.EspPackets(capture))
                {
                    if (!sas.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(esp), out var sa)) continue;
                    Assert.Equal(EspDrop.None, Packets.Open(sa, esp, out var inner));
                    Assert.Equal(4, inner[0] >> 4);
                    opened[sa.Algorithm.Name] = opened.GetValueOrDefault(sa.Algorithm.Name) + 1;
                }
            }
        }

        Assert.True(opened.GetValueOrDefault("aes256gcm16") > 20, $"{opened.GetValueOrDefault("aes256gcm16")} AES-GCM packets");
        Assert.True(opened.GetValueOrDefault("aes256-sha256") > 4, $"{opened.GetValueOrDefault("aes256-sha256")} AES-CBC packets");
    }

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);

    private static EspSa ReadSa(string line)
    {
        var fields = line.Split(',').Select(field => field.Trim('"')).ToArray();
        var encryption = Convert.FromHexString(fields[5][2..]);
        var integrity = Convert.FromHexString(fields[7][2..]);
        var algorithm = EspAlgorithmTable.Rows.First(row => row.EncryptionKeyLength == encryption.Length && row.IntegrityKeyLength == integrity.Length
            && (row.IvLength == 16) == fields[4].StartsWith("AES-CBC", StringComparison.Ordinal));
        var any = EspSelector.FromNetwork(IPNetwork.Parse("0.0.0.0/0"));
        return new EspSa(
            new EspSaParameters
            {
                InboundSpi = uint.Parse(fields[3].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                OutboundSpi = 256,
                Algorithm = algorithm,
                InboundKeys = new EspKeys(encryption, integrity),
                OutboundKeys = new EspKeys(encryption, integrity),
                LocalSelectors = [any],
                RemoteSelectors = [any],
            },
            1);
    }
}
