using System.Buffers.Binary;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>Payload 132: layout, the length check of CVE-2016-1287, reassembly within its bounds whatever comes.</summary>
public class CiscoFragmentTests
{
    private const int Mutations = 100_000;

    private static byte[] Message(int octets)
    {
        var message = new byte[octets];
        new Random(octets).NextBytes(message);
        new IkeHeader(new IkeSpi(1), new IkeSpi(2), PayloadType.Encrypted, 2, 0, ExchangeType.IkeAuth, IkeHeaderFlags.Initiator, 1, (uint)octets).Write(message);
        return message;
    }

    [Fact]
    public void ThePiecesHaveTheLayoutOfTheCapture()
    {
        var message = Message(100);
        var pieces = CiscoFragmentPayload.Cut(message, 80, 0x0102);
        Assert.Equal(3, pieces.Count);
        Assert.Equal("00000000000000010000000000000002" + "84202308" + "00000001" + "00000050" + "00000034" + "01020100", Convert.ToHexString(pieces[0].AsSpan(0, 36)));
        Assert.Equal("00000014" + "01020301", Convert.ToHexString(pieces[2].AsSpan(28, 8)));
        Assert.Equal(message, pieces.SelectMany(p => p.Skip(36)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)] // no data
    [InlineData(9)]
    [InlineData(0xffff)]
    public void AnyOtherLengthThanTheRightOneIsRefused(ushort length)
    {
        var piece = CiscoFragmentPayload.Cut(Message(100), 80, 1)[0];
        BinaryPrimitives.WriteUInt16BigEndian(piece.AsSpan(30), length);
        Assert.True(IkeHeader.TryRead(piece, out var header, out _));
        Assert.False(CiscoFragmentPayload.TryRead(piece, header, out _, out var error));
        Assert.NotEqual(WireErrorCode.None, error.Code);
    }

    [Fact]
    public void EveryOrderGivesTheMessage()
    {
        var message = Message(5000);
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var pieces = CiscoFragmentPayload.Cut(message, 500, (ushort)i).ToArray();
            random.Shuffle(pieces);
            var reassembly = new CiscoFragmentReassembly();
            byte[]? whole = null;
            foreach (var piece in pieces)
            {
                Assert.Null(whole);
                whole = reassembly.Add(Read(piece), out var dropped);
                Assert.False(dropped);
            }

            Assert.Equal(message, whole);
        }
    }

    [Fact]
    public void TheBoundsHold()
    {
        var reassembly = new CiscoFragmentReassembly();
        Assert.Null(reassembly.Add(new CiscoFragmentPayload(1, CiscoFragmentReassembly.MaxFragments + 1, false, new byte[1]), out var dropped));
        Assert.True(dropped);
        for (byte number = 1; number <= 24; number++)
            reassembly.Add(new CiscoFragmentPayload(1, number, false, new byte[1024]), out dropped);
        Assert.False(dropped);
        Assert.Null(reassembly.Add(new CiscoFragmentPayload(1, 25, true, new byte[1]), out dropped));
        Assert.True(dropped);

        // A new fragment id begins anew.
        Assert.Equal([7], reassembly.Add(new CiscoFragmentPayload(2, 1, true, new byte[] { 7 }), out dropped));

        // A second end, or a piece behind the end.
        reassembly.Add(new CiscoFragmentPayload(3, 3, true, new byte[1]), out _);
        reassembly.Add(new CiscoFragmentPayload(3, 4, false, new byte[1]), out dropped);
        Assert.True(dropped);
        reassembly.Add(new CiscoFragmentPayload(3, 2, true, new byte[1]), out dropped);
        Assert.True(dropped);

        // A piece behind the end that came before it is no part of the message.
        reassembly.Add(new CiscoFragmentPayload(4, 3, false, new byte[] { 3 }), out _);
        reassembly.Add(new CiscoFragmentPayload(4, 1, false, new byte[] { 1 }), out _);
        Assert.Equal([1, 2], reassembly.Add(new CiscoFragmentPayload(4, 2, true, new byte[] { 2 }), out dropped));
        Assert.True(dropped);
    }

    /// <summary>One forged piece of the client's own fragment id at any moment of the first transmission: the second completes the message, with the same id, in whatever order.</summary>
    [Theory]
    [InlineData(64, true, 1)] // an end far behind
    [InlineData(12, true, 1)]
    [InlineData(2, true, 1)] // an early end, which completes something else
    [InlineData(1, true, 1)]
    [InlineData(11, false, 1)] // the end is none
    [InlineData(12, false, 1)] // something behind the end
    [InlineData(64, false, 1)]
    [InlineData(5, false, 1)] // other content
    [InlineData(11, true, 1)]
    [InlineData(40, false, CiscoFragmentReassembly.MaxOctets)] // leaves no room
    [InlineData(65, true, 1)] // over the limits
    [InlineData(255, false, 1)]
    [InlineData(3, false, CiscoFragmentReassembly.MaxOctets + 1)]
    public void AForgedPieceSpoilsOneTransmissionAtMost(byte number, bool isLast, int octets)
    {
        var message = Message(5000);
        var pieces = CiscoFragmentPayload.Cut(message, 500, 7).Select(Read).ToArray();
        Assert.Equal(11, pieces.Length);
        var forged = new CiscoFragmentPayload(7, number, isLast, new byte[octets]);
        var random = new Random(number);
        for (var at = 0; at <= pieces.Length; at++)
        {
            for (var shuffled = 0; shuffled < 20; shuffled++)
            {
                var reassembly = new CiscoFragmentReassembly();
                var wholes = new List<byte[]>();
                var first = shuffled == 0 ? pieces : [.. pieces.OrderBy(_ => random.Next())];
                CiscoFragmentPayload[] fed = [.. first[..at], forged, .. first[at..], .. pieces];
                foreach (var piece in fed)
                {
                    if (reassembly.Add(piece, out _) is { } whole)
                        wholes.Add(whole);
                }

                Assert.True(wholes.Exists(w => w.AsSpan().SequenceEqual(message)), $"forged piece before piece {at}, order {shuffled}");
            }
        }
    }

    [Fact]
    public void NoMoreIsHeldThanTheLimitWhateverTakesThePlaceOfWhat()
    {
        var reassembly = new CiscoFragmentReassembly();
        reassembly.Add(new CiscoFragmentPayload(1, 1, false, new byte[20_000]), out _);
        reassembly.Add(new CiscoFragmentPayload(1, 1, false, new byte[100]), out var dropped);
        Assert.True(dropped);
        reassembly.Add(new CiscoFragmentPayload(1, 2, false, new byte[20_000]), out dropped);
        Assert.False(dropped);
        reassembly.Add(new CiscoFragmentPayload(1, 1, false, new byte[20_000]), out dropped);
        Assert.True(dropped);
        Assert.Null(reassembly.Add(new CiscoFragmentPayload(1, 3, true, new byte[1]), out dropped));
        Assert.Equal(20_101, reassembly.Add(new CiscoFragmentPayload(1, 2, false, new byte[100]), out _)!.Length);
    }

    [Fact]
    public void MutatedPiecesDoNoHarm()
    {
        var random = new Random(20252);
        var whole = 0;
        var before = GC.GetAllocatedBytesForCurrentThread();
        long fed = 0;
        for (var i = 0; i < Mutations / 8; i++)
        {
            var message = Message(random.Next(100, 2000));
            var pieces = CiscoFragmentPayload.Cut(message, random.Next(60, 600), (ushort)random.Next(4));
            var reassembly = new CiscoFragmentReassembly();
            for (var j = 0; j < 8; j++)
            {
                var piece = (byte[])pieces[random.Next(pieces.Count)].Clone();
                for (var changes = random.Next(4); changes > 0; changes--)
                    piece[random.Next(2) == 0 ? random.Next(28, 36) : random.Next(piece.Length)] = (byte)random.Next(256);
                if (random.Next(8) == 0)
                    piece = piece[..random.Next(piece.Length)];
                if (piece.Length >= 28)
                    BinaryPrimitives.WriteUInt32BigEndian(piece.AsSpan(24), (uint)piece.Length);
                fed += piece.Length + message.Length * 2;
                if (!IkeHeader.TryRead(piece, out var header, out _) || !CiscoFragmentPayload.TryRead(piece, header, out var fragment, out _))
                    continue;
                if (reassembly.Add(fragment, out _) is { } joined)
                {
                    whole++;
                    Assert.True(joined.Length <= CiscoFragmentReassembly.MaxOctets);
                }
            }
        }

        Assert.True(whole > 100, $"{whole}");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < fed * 16, "memory out of proportion to what came");
    }

    private static CiscoFragmentPayload Read(byte[] piece)
    {
        Assert.True(IkeHeader.TryRead(piece, out var header, out _));
        Assert.True(CiscoFragmentPayload.TryRead(piece, header, out var fragment, out _));
        return fragment;
    }
}
