using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>The capture files of tcpdump's own tests, most of them malformed on purpose.</summary>
public sealed class CaptureTests
{
    private const string Folder = "tcpdump-pcaps";

    [FactWithVectors(Folder)]
    public void EveryCaptureIsParsedWithoutException()
    {
        int datagrams = 0;
        foreach (string file in Directory.GetFiles(Path.Combine(RepositoryFolders.SharedVectors, Folder), "*.pcap*"))
        {
            foreach (byte[] datagram in CaptureFile.IkeDatagrams(file))
            {
                datagrams++;
                Walk(datagram);
                // The header would stop most of these: go on as if it were right.
                if (datagram.Length > IkeHeader.Size)
                    PayloadChain.TryParse(new PayloadType(datagram[16]), datagram.AsMemory(IkeHeader.Size), out _, out _);
            }
        }
        Assert.True(datagrams > 20, $"only {datagrams} datagrams found");
    }

    [FactWithVectors(Folder)]
    public void ARecordedHandshakeIsUnderstood()
    {
        List<byte[]> datagrams = CaptureFile.IkeDatagrams(Path.Combine(RepositoryFolders.SharedVectors, Folder, "ikev2pI2.pcap"));
        Assert.NotEmpty(datagrams);
        Assert.All(datagrams, datagram => Assert.True(Walk(datagram)));
    }

    private static bool Walk(byte[] datagram)
    {
        if (!IkeHeader.TryRead(datagram, out IkeHeader header, out _)) return false;
        return header.NextPayload == PayloadType.Encrypted || header.NextPayload == PayloadType.EncryptedFragment
            ? EncryptedEnvelope.TryLocate(datagram, header, out _, out _)
            : UnprotectedMessage.TryParse(datagram, header, out _, out _);
    }
}
