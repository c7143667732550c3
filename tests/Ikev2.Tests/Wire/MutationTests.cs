using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>Recorded messages with an octet changed or the end cut off.</summary>
public sealed class MutationTests
{
    /// <summary>Octets of managed memory that parsing may take for each octet of input, and at most this much more.</summary>
    private const int AllocationPerOctet = 48;
    private const int AllocationFloor = 1024;

    /// <summary>Messages up to this many octets are tried with every value in every place.</summary>
    private const int Short = 256;

    private static readonly byte[] EveryValue = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    public static TheoryData<string> Names => new(CorpusMessage.All.Where(IsChosen).Select(message => message.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryChangedOctetIsRefusedOrUnderstoodTheSameWayTwice(string name)
    {
        CorpusMessage recorded = CorpusMessage.Get(name);
        var octets = (byte[])recorded.Octets.Clone();
        for (int at = 0; at < octets.Length; at++)
        {
            byte original = octets[at];
            foreach (byte value in octets.Length <= Short ? EveryValue : TellingValues(original))
            {
                octets[at] = value;
                CheckOne(recorded, octets);
            }
            octets[at] = original;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryTruncationIsRefused(string name)
    {
        CorpusMessage recorded = CorpusMessage.Get(name);
        for (int length = 0; length < recorded.Octets.Length; length++)
        {
            Assert.False(recorded.TryParse(recorded.Octets.AsMemory(0, length), out _, out WireError error), $"accepted {length} octets");
            Assert.NotEqual(WireErrorCode.None, error.Code);
            Assert.InRange(error.Offset, 0, length);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void OneOctetMoreIsRefused(string name)
    {
        CorpusMessage recorded = CorpusMessage.Get(name);
        Assert.False(recorded.TryParse((byte[])[.. recorded.Octets, 0], out _, out WireError error));
        Assert.Equal(WireErrorCode.TrailingBytes, error.Code);
    }

    private static byte[] TellingValues(byte original) =>
        [0, 1, 2, 3, 4, 7, 8, 33, 46, 53, 54, 0x7f, 0x80, 0xff, (byte)(original + 1), (byte)(original - 1), (byte)(original ^ 0x80)];

    private static void CheckOne(CorpusMessage recorded, byte[] octets)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool accepted = recorded.TryParse(octets, out IReadOnlyList<IkePayload> payloads, out WireError error);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= AllocationFloor + (AllocationPerOctet * octets.Length), $"{allocated} octets allocated");
        if (!accepted)
        {
            Assert.NotEqual(WireErrorCode.None, error.Code);
            return;
        }
        // Transform attributes and traffic selectors that we do not know are dropped on purpose.
        if (payloads.Any(HasDroppedParts)) return;
        var once = new WireWriter();
        PayloadType first = PayloadChain.Write(payloads, once);
        Assert.True(PayloadChain.TryParse(first, once.WrittenMemory, out IkePayload[]? again, out error), error.ToString());
        var twice = new WireWriter();
        PayloadChain.Write(again, twice);
        Assert.True(once.Written.SequenceEqual(twice.Written));
    }

    private static bool HasDroppedParts(IkePayload payload) => payload switch
    {
        SaPayload sa => sa.Proposals.Any(proposal => proposal.Transforms.Any(transform => transform.HasUnknownAttribute)),
        TrafficSelectorPayload selectors => selectors.SkippedCount > 0,
        _ => false,
    };

    private static bool IsChosen(CorpusMessage message) =>
        message.Name.StartsWith("md5-", StringComparison.Ordinal)
        || message.Name.StartsWith("childless-0", StringComparison.Ordinal)
        || (message.Exchange == ExchangeType.IkeSaInit && message.Name.StartsWith("pskccm", StringComparison.Ordinal));
}
