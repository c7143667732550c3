using System.Diagnostics.CodeAnalysis;
using System.Text;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// What of an IKE SA a ticket carries (RFC 5723 5): algorithms and SK_d, both identities, and how they were proven. Addresses, SPIs, NAT detection and what the client can do
/// are of the new exchange.
/// </summary>
internal sealed class TicketState
{
    /// <summary>Of the encoded state; a client whose identities need more gets no ticket.</summary>
    public const int MostOctets = 512;

    private const byte Version = 1;

    public required IkeSuite Suite { get; init; }

    /// <summary>Secret; whoever derived from it zeroes it.</summary>
    public required byte[] SkD { get; init; }

    /// <summary>IDi.</summary>
    public required IkeIdentity Remote { get; init; }

    /// <summary>IDr.</summary>
    public required IkeIdentity Local { get; init; }

    /// <summary>Name of the profile.</summary>
    public required string Profile { get; init; }

    /// <summary>How the client proved itself (RFC 5723 5: "Authentication Method").</summary>
    public required string Method { get; init; }

    /// <summary>How we did.</summary>
    public required string LocalMethod { get; init; }

    /// <summary>The state as octets, which hold SK_d; null where it is larger than <see cref="MostOctets"/>.</summary>
    public byte[]? TryEncode()
    {
        var writer = new WireWriter(6 * MostOctets);
        writer.WriteUInt8(Version);
        writer.WriteUInt16(Suite.Encryption.Id);
        writer.WriteUInt16(Suite.Encryption.KeyBits);
        writer.WriteUInt16(Suite.Integrity?.Id ?? 0);
        writer.WriteUInt16(Suite.Prf.Id);
        writer.WriteUInt16(Suite.KeyExchange.Id);
        Write(writer, SkD);
        var fits = Write(writer, Remote) && Write(writer, Local) && Write(writer, Profile) && Write(writer, Method) && Write(writer, LocalMethod)
            && writer.Length <= MostOctets;
        var encoded = fits ? writer.ToArray() : null;
        writer.Erase();
        return encoded;
    }

    /// <summary>Reads what <see cref="TryEncode"/> wrote. False for anything else: a ticket of another version of this program.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> octets, [NotNullWhen(true)] out TicketState? state)
    {
        state = null;
        var reader = new WireReader(octets);
        if (!reader.TryReadUInt8(out var version) || version != Version || ReadSuite(ref reader) is not { } suite
            || !reader.TryReadUInt16(out var length) || !reader.TryReadBytes(length, out var skD) || skD.Length != suite.Prf.KeyOctets
            || ReadIdentity(ref reader) is not { } remote || ReadIdentity(ref reader) is not { } local
            || ReadText(ref reader) is not { } profile || ReadText(ref reader) is not { } method || ReadText(ref reader) is not { } localMethod || !reader.IsEmpty)
            return false;
        state = new TicketState { Suite = suite, SkD = skD.ToArray(), Remote = remote, Local = local, Profile = profile, Method = method, LocalMethod = localMethod };
        return true;
    }

    private static IkeSuite? ReadSuite(ref WireReader reader)
    {
        if (!reader.TryReadUInt16(out var encryptionId) || !reader.TryReadUInt16(out var keyBits) || !reader.TryReadUInt16(out var integrityId)
            || !reader.TryReadUInt16(out var prfId) || !reader.TryReadUInt16(out var groupId)
            || !AlgorithmTable.TryFindEncryption(encryptionId, keyBits, out var encryption) || !AlgorithmTable.TryFindPrf(prfId, out var prf)
            || !AlgorithmTable.TryFindKeyExchange(groupId, out var group))
            return null;
        var integrity = AlgorithmTable.TryFindIntegrity(integrityId, out var found) ? found : null;
        return encryption.IsAead == integrity is null ? new IkeSuite(1, encryption, integrity, prf, group, default) : null;
    }

    private static bool Write(WireWriter writer, IkeIdentity identity)
    {
        writer.WriteUInt8(identity.Type.Value);
        return Write(writer, identity.Value.Span);
    }

    private static bool Write(WireWriter writer, string text) => Write(writer, Encoding.UTF8.GetBytes(text));

    private static bool Write(WireWriter writer, ReadOnlySpan<byte> octets)
    {
        if (octets.Length > MostOctets)
            return false;
        writer.WriteUInt16((ushort)octets.Length);
        writer.WriteBytes(octets);
        return true;
    }

    private static IkeIdentity? ReadIdentity(ref WireReader reader) =>
        reader.TryReadUInt8(out var type) && reader.TryReadUInt16(out var length) && reader.TryReadBytes(length, out var value) ? new IkeIdentity(new IdType(type), value) : null;

    private static string? ReadText(ref WireReader reader) =>
        reader.TryReadUInt16(out var length) && reader.TryReadBytes(length, out var value) ? Encoding.UTF8.GetString(value) : null;
}
