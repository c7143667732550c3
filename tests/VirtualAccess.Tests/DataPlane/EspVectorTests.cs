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
        Assert.True(open.Open(opened));
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
            Assert.True(cipher.Open(whole));
            Assert.Equal(expected, whole[24..^16]);
            checkedCases++;
        }

        Assert.Equal(4, checkedCases);
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
