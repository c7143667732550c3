using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Headend.Sessions;

/// <summary>One key of tickets. The owner zeroes it.</summary>
/// <param name="Id">Stands in the tickets; random.</param>
/// <param name="Key">32 octets.</param>
/// <param name="MadeAt">Wall clock.</param>
internal sealed record TicketKey(ulong Id, byte[] Key, DateTimeOffset MadeAt)
{
    public override string ToString() => $"(ticket key {Id:x16})";
}

/// <summary>
/// Seals tickets and opens them (RFC 5723 9: confidential, authentic, by keys that nobody else has): AES-256-GCM with a random nonce of 96 bits. A new key every
/// <see cref="Rotation"/>, or after 2^28 tickets, which keeps the chance of a nonce that comes twice below 2^-40; an old one opens until the last of its tickets has expired. Every
/// ticket has the same size, whatever is in it. Thread-safe.
/// </summary>
internal sealed class TicketKeys : IDisposable
{
    /// <summary>Octets of every ticket.</summary>
    public const int TicketOctets = HeaderOctets + NonceOctets + PlainOctets + TagOctets;

    public const int IdOctets = 16;

    private const byte Version = 1;
    private const int HeaderOctets = 1 + sizeof(ulong);
    private const int NonceOctets = 12;
    private const int TagOctets = 16;
    private const int PlainHeaderOctets = IdOctets + sizeof(long) + sizeof(ushort);
    private const int MostStateOctets = 512;
    private const int PlainOctets = PlainHeaderOctets + MostStateOctets;
    private const int MostTicketsOfKey = 1 << 28;

    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly TimeSpan longest;
    private readonly List<Entry> keys = [];

    /// <param name="time">Wall clock.</param>
    /// <param name="longest">No ticket lives longer.</param>
    /// <param name="kept">Keys of an earlier process, which open and seal no more; owned from here on.</param>
    public TicketKeys(TimeProvider time, TimeSpan longest, IReadOnlyList<TicketKey> kept)
    {
        this.time = time;
        this.longest = longest;
        keys.AddRange(kept.OrderBy(k => k.MadeAt).Select(k => new Entry(k) { Retired = true }));
    }

    /// <summary>How long a key seals.</summary>
    public static TimeSpan Rotation { get; } = TimeSpan.FromHours(4);

    /// <summary>Called with a new key before its first ticket goes out, and with an id when no ticket of that key is good any more.</summary>
    public Action<TicketKey>? Made { get; init; }

    public Action<ulong>? Dropped { get; init; }

    /// <summary>Seals an id, an expiry and a state of at most 512 octets.</summary>
    public byte[] Seal(ReadOnlySpan<byte> id, DateTimeOffset expiry, ReadOnlySpan<byte> state)
    {
        Span<byte> plain = stackalloc byte[PlainOctets];
        plain.Clear();
        id[..IdOctets].CopyTo(plain);
        BinaryPrimitives.WriteInt64BigEndian(plain[IdOctets..], expiry.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteUInt16BigEndian(plain[(IdOctets + sizeof(long))..], checked((ushort)state.Length));
        state.CopyTo(plain[PlainHeaderOctets..]);
        var ticket = new byte[TicketOctets];
        ticket[0] = Version;
        var nonce = ticket.AsSpan(HeaderOctets, NonceOctets);
        RandomNumberGenerator.Fill(nonce);
        lock (gate)
        {
            var key = Current();
            key.Sealed++;
            BinaryPrimitives.WriteUInt64BigEndian(ticket.AsSpan(1), key.Key.Id);
            key.Cipher.Encrypt(nonce, plain, ticket.AsSpan(HeaderOctets + NonceOctets, PlainOctets), ticket.AsSpan(TicketOctets - TagOctets), ticket.AsSpan(0, HeaderOctets));
        }

        CryptographicOperations.ZeroMemory(plain);
        return ticket;
    }

    /// <summary>False for whatever no key of ours has sealed, and for what has expired.</summary>
    /// <param name="ticket">As it came from anybody.</param>
    /// <param name="id">16 octets.</param>
    /// <param name="state">Holds a secret; the caller zeroes it.</param>
    /// <param name="refusal">For the log.</param>
    public bool TryOpen(ReadOnlySpan<byte> ticket, [NotNullWhen(true)] out byte[]? id, [NotNullWhen(true)] out byte[]? state, out string refusal)
    {
        (id, state) = (null, null);
        refusal = $"{ticket.Length} octets that are no ticket of this headend";
        if (ticket.Length != TicketOctets || ticket[0] != Version)
            return false;
        Span<byte> plain = stackalloc byte[PlainOctets];
        if (!TryDecrypt(ticket, plain, ref refusal))
            return false;
        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(plain[IdOctets..]));
        if (expiry > time.GetUtcNow())
        {
            id = plain[..IdOctets].ToArray();
            state = plain.Slice(PlainHeaderOctets, BinaryPrimitives.ReadUInt16BigEndian(plain[(IdOctets + sizeof(long))..])).ToArray();
        }
        else
        {
            refusal = $"a ticket that expired at {expiry:u}";
        }

        CryptographicOperations.ZeroMemory(plain);
        return state is not null;
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var key in keys)
                key.Dispose();
            keys.Clear();
        }
    }

    private bool TryDecrypt(ReadOnlySpan<byte> ticket, Span<byte> plain, ref string refusal)
    {
        var id = BinaryPrimitives.ReadUInt64BigEndian(ticket[1..]);
        lock (gate)
        {
            if (keys.Find(k => k.Key.Id == id) is not { } key)
            {
                refusal = "a ticket of a key that is not here any more, or of another headend";
                return false;
            }

            try
            {
                key.Cipher.Decrypt(
                    ticket.Slice(HeaderOctets, NonceOctets), ticket.Slice(HeaderOctets + NonceOctets, PlainOctets), ticket[^TagOctets..], plain, ticket[..HeaderOctets]);
                return true;
            }
            catch (AuthenticationTagMismatchException)
            {
                refusal = "an altered ticket";
                return false;
            }
        }
    }

    private Entry Current()
    {
        var now = time.GetUtcNow();
        // One of the future was made before the clock was set back: how old it is nobody knows.
        var current = keys.Count > 0 && keys[^1] is { Retired: false } last && last.Key.MadeAt <= now && now - last.Key.MadeAt < Rotation && last.Sealed < MostTicketsOfKey ? last : Make(now);
        // The last is the current one.
        for (var i = keys.Count - 2; i >= 0; i--)
        {
            if (now - keys[i].Key.MadeAt <= Rotation + longest)
                continue;
            Dropped?.Invoke(keys[i].Key.Id);
            keys[i].Dispose();
            keys.RemoveAt(i);
        }

        return current;
    }

    private Entry Make(DateTimeOffset now)
    {
        Span<byte> id = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(id);
        var made = new Entry(new TicketKey(BinaryPrimitives.ReadUInt64BigEndian(id), RandomNumberGenerator.GetBytes(32), now));
        Made?.Invoke(made.Key);
        keys.Add(made);
        return made;
    }

    private sealed class Entry(TicketKey key) : IDisposable
    {
        public TicketKey Key { get; } = key;

        public AesGcm Cipher { get; } = new(key.Key, TagOctets);

        public int Sealed { get; set; }

        public bool Retired { get; init; }

        public void Dispose()
        {
            Cipher.Dispose();
            CryptographicOperations.ZeroMemory(Key.Key);
        }
    }
}
