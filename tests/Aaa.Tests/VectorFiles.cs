using System.Buffers.Binary;

namespace Headend.Aaa.Tests;

/// <summary>A fact that reads ../shared/vectors and is a counted skip, with its reason, where they are absent.</summary>
public sealed class FactWithVectorsAttribute : FactAttribute
{
    public FactWithVectorsAttribute()
    {
        if (VectorFiles.Root is null) Skip = "the folder shared/vectors is not beside the repository";
    }
}

internal static class VectorFiles
{
    public static string? Root { get; } = Find();

    /// <summary>UDP payloads of a classic little-endian pcap of Ethernet or Linux cooked frames over IPv4.</summary>
    public static IEnumerable<(int Source, int Destination, byte[] Payload)> ReadUdp(string relativePath)
    {
        var file = File.ReadAllBytes(Path.Combine(Root!, relativePath));
        var header = BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(20)) == 113 ? 16 : 14;
        for (var at = 24; at + 16 <= file.Length;)
        {
            var captured = (int)BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8));
            var frame = file.AsMemory(at + 16, captured);
            at += 16 + captured;
            var ip = frame[header..];
            if (ip.Length < 28 || ip.Span[0] >> 4 != 4 || ip.Span[9] != 17) continue;
            var udp = ip[((ip.Span[0] & 15) * 4)..];
            var length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(udp.Span[4..]), udp.Length);
            yield return (BinaryPrimitives.ReadUInt16BigEndian(udp.Span), BinaryPrimitives.ReadUInt16BigEndian(udp.Span[2..]), udp[8..length].ToArray());
        }
    }

    public static string RepositoryRoot
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Headend.sln"))) folder = folder.Parent;
            return folder?.FullName ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }
    }

    private static string? Find()
    {
        var path = Path.Combine(RepositoryRoot, "..", "shared", "vectors");
        return Directory.Exists(path) ? path : null;
    }
}
