using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Sa;

/// <summary>RFC 7383 2.5.1, 2.6 and 2.6.1, behind the check of each fragment's ICV.</summary>
public class FragmentReassemblyTests
{
    private readonly FragmentReassembly _reassembly = new();

    [Fact]
    public void FragmentsInAnyOrderMakeTheMessage()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(3, 3, [5]));
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 3, [1, 2]));
        Assert.Equal(FragmentVerdict.Complete, Add(2, 3, [3, 4]));
        Whole([1, 2, 3, 4, 5]);
    }

    /// <summary>RFC 7383 2.6: "If an IKE Fragment message with the same Message ID, same Fragment Number, and same Total Fragments fields is already present ... MUST be silently discarded".</summary>
    [Fact]
    public void ADuplicateChangesNothing()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 2, [1, 2]));
        Assert.Equal(FragmentVerdict.Dropped, Add(1, 2, [9, 9, 9]));
        Assert.Equal(FragmentVerdict.Complete, Add(2, 2, [3]));
        Whole([1, 2, 3]);
    }

    /// <summary>RFC 7383 2.5.1, 2.6: the sender has split anew with smaller fragments; "the receiver MUST discard all received fragments" of before.</summary>
    [Fact]
    public void MoreFragmentsThanBeforeBeginAnew()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 2, [1, 2], datagram: [7]));
        Assert.Equal(FragmentVerdict.Awaiting, Add(2, 3, [12]));
        Assert.Null(_reassembly.First);
        Assert.Equal(FragmentVerdict.Awaiting, Add(3, 3, [13]));
        Assert.Equal(FragmentVerdict.Complete, Add(1, 3, [11], datagram: [8]));
        Assert.True(_reassembly.First!.Fits([8]));
        Whole([11, 12, 13]);
    }

    /// <summary>RFC 7383 2.6: a Total Fragments below that of the stored fragments: "the message MUST be silently discarded".</summary>
    [Fact]
    public void FewerFragmentsThanBeforeAreOldOnes()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 3, [11]));
        Assert.Equal(FragmentVerdict.Dropped, Add(2, 2, [2, 3]));
        Assert.Equal(FragmentVerdict.Awaiting, Add(2, 3, [12]));
        Assert.Equal(FragmentVerdict.Complete, Add(3, 3, [13]));
        Whole([11, 12, 13]);
    }

    [Fact]
    public void AnotherMessageTakesThePlaceOfOneThatWasNeverComplete()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 3, [1], messageId: 1));
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 2, [4], messageId: 2));
        Assert.Equal(FragmentVerdict.Complete, Add(2, 2, [5], messageId: 2));
        Whole([4, 5]);
    }

    /// <summary>The limit is on octets held, whatever the number of fragments; what is held stays as it is.</summary>
    [Fact]
    public void OctetsAreLimited()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 3, new byte[60], most: 100));
        Assert.Equal(FragmentVerdict.TooLarge, Add(2, 3, new byte[41], most: 100));
        Assert.Equal(FragmentVerdict.Awaiting, Add(2, 3, new byte[40], most: 100));
        Assert.Equal(FragmentVerdict.TooLarge, Add(3, 3, new byte[1], most: 100));
        Assert.Equal(FragmentVerdict.Complete, Add(3, 3, [], most: 100));
    }

    /// <summary>Those that a new Total Fragments put away no longer count.</summary>
    [Fact]
    public void OctetsThatWerePutAwayAreNotCounted()
    {
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 2, new byte[90], most: 100));
        Assert.Equal(FragmentVerdict.Awaiting, Add(1, 3, new byte[90], most: 100));
        Assert.Equal(FragmentVerdict.TooLarge, Add(2, 3, new byte[11], most: 100));
    }

    [Fact]
    public void FragmentsAreLimited()
    {
        Assert.Equal(FragmentVerdict.Dropped, Add(1, FragmentReassembly.MaxFragments + 1, [1]));
        for (var number = 1; number < FragmentReassembly.MaxFragments; number++)
            Assert.Equal(FragmentVerdict.Awaiting, Add(number, FragmentReassembly.MaxFragments, [(byte)number]));
        Assert.Equal(FragmentVerdict.Complete, Add(FragmentReassembly.MaxFragments, FragmentReassembly.MaxFragments, [255]));
    }

    /// <summary>RFC 7383 2.6.1: only a copy of the first fragment asks for the response again.</summary>
    [Fact]
    public void TheFirstFragmentIsKnownAgain()
    {
        Add(2, 2, [2], datagram: [20, 1]);
        Assert.Null(_reassembly.First);
        Add(1, 2, [1], datagram: [10, 1]);
        Assert.True(_reassembly.First!.Fits([10, 1]));
        Assert.False(_reassembly.First.Fits([20, 1]));
        Assert.False(_reassembly.First.Fits([10, 1, 0]));
    }

    private FragmentVerdict Add(int number, int total, byte[] inner, uint messageId = 1, int most = FragmentReassembly.MaxOctets, byte[]? datagram = null)
    {
        var envelope = new EncryptedEnvelope(number == 1 ? PayloadType.IdInitiator : PayloadType.None, true, (ushort)number, (ushort)total, 28, 36, inner.Length);
        return _reassembly.Add(messageId, envelope, inner, datagram ?? [(byte)number], most);
    }

    private void Whole(byte[] expected)
    {
        var (first, inner) = _reassembly.Take();
        Assert.Equal(PayloadType.IdInitiator, first);
        Assert.Equal(expected, inner);
    }
}
