using System.Buffers.Binary;
using System.Diagnostics;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

/// <summary>Another program reads our ESP: tshark decrypts packets of an SA whose keys it is given.</summary>
public sealed class TsharkTests
{
    private const string Program = "/usr/bin/tshark";

    /// <summary>Wireshark's names of the algorithms (its table esp_sa).</summary>
    [TheoryWithTshark]
    [InlineData("aes128gcm16", "AES-GCM with 16 octet ICV [RFC4106]", "NULL")]
    [InlineData("aes256gcm16", "AES-GCM with 16 octet ICV [RFC4106]", "NULL")]
    [InlineData("aes256gcm8", "AES-GCM with 8 octet ICV [RFC4106]", "NULL")]
    [InlineData("aes256-sha256", "AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]")]
    [InlineData("aes128-sha512", "AES-CBC [RFC3602]", "HMAC-SHA-512-256 [RFC4868]")]
    [InlineData("aes192ctr-sha1", "AES-CTR [RFC3686]", "HMAC-SHA-1-96 [RFC2404]")]
    [InlineData("3des-md5", "TripleDES-CBC [RFC2451]", "HMAC-MD5-96 [RFC2403]")]
    public void DecryptsWhatWeSeal(string name, string encryption, string authentication)
    {
        var (_, parameters) = Sa.Pair(Sa.Algorithm(name), 0x1000);
        using var client = new EspSa(parameters, 1);
        var file = Path.GetTempFileName();
        try
        {
            Write(file, [Packets.Seal(client, Packets.Udp("10.99.0.1", "10.10.0.1", 40, 1111, 2222)), Packets.Seal(client, Packets.Udp("10.99.0.1", "10.10.0.1", 333, 1111, 3333))]);
            var keys = parameters.OutboundKeys;
            var integrity = keys.Integrity.IsEmpty ? "" : "0x" + Convert.ToHexStringLower(keys.Integrity.Span);
            var sa = $"\"IPv4\",\"*\",\"*\",\"0x{parameters.OutboundSpi:x8}\",\"{encryption}\",\"0x{Convert.ToHexStringLower(keys.Encryption.Span)}\",\"{authentication}\",\"{integrity}\"";
            var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
            foreach (var argument in new[]
            {
                "-r", file, "-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE", "-o", "uat:esp_sa:" + sa,
                "-T", "fields", "-e", "esp.sequence", "-e", "ip.src", "-e", "udp.dstport", "-e", "udp.length",
            }) start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            var (output, errors) = (process.StandardOutput.ReadToEnd(), process.StandardError.ReadToEnd());
            process.WaitForExit();
            Assert.True(output == "1\t192.0.2.1,10.99.0.1\t2222\t48\n2\t192.0.2.1,10.99.0.1\t3333\t341\n", output + errors);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>A capture of raw IPv4 packets (link type 101) with protocol 50.</summary>
    private static void Write(string file, byte[][] packets)
    {
        using var stream = File.Create(file);
        Span<byte> head = stackalloc byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(head, 0xa1b2c3d4);
        BinaryPrimitives.WriteUInt16LittleEndian(head[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(head[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(head[16..], 65535);
        BinaryPrimitives.WriteUInt32LittleEndian(head[20..], 101);
        stream.Write(head);
        foreach (var esp in packets)
        {
            byte[] ip = [0x45, 0, (byte)((20 + esp.Length) >> 8), (byte)(20 + esp.Length), 0, 0, 0, 0, 64, 50, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, .. esp];
            head[..16].Clear();
            BinaryPrimitives.WriteInt32LittleEndian(head[8..], ip.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head[12..], ip.Length);
            stream.Write(head[..16]);
            stream.Write(ip);
        }
    }

    private sealed class TheoryWithTsharkAttribute : TheoryAttribute
    {
        public TheoryWithTsharkAttribute() => Skip = File.Exists(Program) ? null : $"no {Program}";
    }
}
