using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>
/// Requests that were verified, with their answers: whoever sends the same octets again, the client or somebody who recorded them, changes nothing and gets the same
/// octets back. The Request Authenticator is a keyed digest over code, identifier and attributes, so that it names the request, whatever address it comes from.
/// Bounded; the oldest go first. Thread-safe.
/// </summary>
/// <param name="lifetime">How long an answer is kept: as long as the request's Event-Timestamp can pass.</param>
/// <param name="capacity">Most entries.</param>
/// <param name="maximumOctets">Most octets of answers: one is mostly below 100, but may have to echo 4000.</param>
internal sealed class ReplyTable(TimeSpan lifetime, int capacity, long maximumOctets = 32 << 20)
{
    private readonly Lock gate = new();
    private readonly Dictionary<RequestKey, Entry> entries = [];
    private readonly Queue<(RequestKey Key, Entry Entry)> oldest = new();
    private long octets;

    public int Count
    {
        get
        {
            lock (gate) return entries.Count;
        }
    }

    /// <summary>True for a request that was not seen before: the caller performs it and completes or abandons the entry.</summary>
    /// <param name="key">Of the request.</param>
    /// <param name="now">Timestamp ticks of 100 ns.</param>
    /// <param name="reply">For a known one its answer, or null while it is being performed.</param>
    public bool TryBegin(RequestKey key, long now, out byte[]? reply)
    {
        lock (gate)
        {
            while (oldest.TryPeek(out var first) && (first.Entry.Expires <= now || oldest.Count >= capacity || octets > maximumOctets))
            {
                oldest.Dequeue();
                if (entries.TryGetValue(first.Key, out var held) && ReferenceEquals(held, first.Entry)) Remove(first.Key, held);
            }
            reply = null;
            if (entries.TryGetValue(key, out var known))
            {
                reply = known.Reply;
                return false;
            }
            var entry = new Entry(now + lifetime.Ticks);
            entries.Add(key, entry);
            oldest.Enqueue((key, entry));
            return true;
        }
    }

    public void Complete(RequestKey key, byte[] reply)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(key, out var entry)) return;
            entry.Reply = reply;
            octets += reply.Length;
        }
    }

    /// <summary>The request was not performed: sent again, it counts as new.</summary>
    public void Abandon(RequestKey key)
    {
        lock (gate)
        {
            if (entries.TryGetValue(key, out var entry)) Remove(key, entry);
        }
    }

    private void Remove(RequestKey key, Entry entry)
    {
        entries.Remove(key);
        octets -= entry.Reply?.Length ?? 0;
    }

    private sealed class Entry(long expires)
    {
        public long Expires { get; } = expires;

        public byte[]? Reply { get; set; }
    }
}

/// <summary>Names a verified request.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RequestKey(ulong High, ulong Low, byte Identifier)
{
    public static RequestKey Of(Radius.RadiusPacket request) => new(
        BinaryPrimitives.ReadUInt64BigEndian(request.Authenticator), BinaryPrimitives.ReadUInt64BigEndian(request.Authenticator[8..]), request.Identifier);
}
