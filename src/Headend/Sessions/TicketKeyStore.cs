using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Headend.Store;

namespace Headend.Sessions;

/// <summary>Keys of tickets over restarts: a key is in the sealed store for as long as a ticket of it may be good.</summary>
internal static class TicketKeyStore
{
    private const string Kind = "ticket-key";
    private const int KeyOctets = 32;

    /// <summary>Keys with those of earlier processes.</summary>
    /// <param name="store">Null keeps them in memory alone.</param>
    /// <param name="time">Wall clock.</param>
    /// <param name="longest">No ticket lives longer.</param>
    public static TicketKeys Open(SealedStore? store, TimeProvider time, TimeSpan longest)
    {
        var kept = new List<TicketKey>();
        foreach (var record in store?.Take(Kind) ?? [])
        {
            if (record.Content.Length == KeyOctets + sizeof(long) && ulong.TryParse(record.Id, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var id))
                kept.Add(new TicketKey(id, record.Content[..KeyOctets], EmbeddedStore.FromMilliseconds(BinaryPrimitives.ReadInt64BigEndian(record.Content.AsSpan(KeyOctets)))));
            CryptographicOperations.ZeroMemory(record.Content);
        }

        return new TicketKeys(time, longest, kept)
        {
            Made = key => _ = store?.PutAsync(Kind, NameOf(key.Id), Encode(key), key.MadeAt + TicketKeys.Rotation + longest, isUrgent: true),
            Dropped = id => _ = store?.RemoveAsync(Kind, NameOf(id)),
        };
    }

    private static string NameOf(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture);

    private static byte[] Encode(TicketKey key)
    {
        var content = new byte[KeyOctets + sizeof(long)];
        key.Key.CopyTo(content, 0);
        BinaryPrimitives.WriteInt64BigEndian(content.AsSpan(KeyOctets), key.MadeAt.ToUnixTimeMilliseconds());
        return content;
    }
}
