using System.Net;
using System.Security.Cryptography;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Sessions;

/// <summary>What names a session for AAA and operators.</summary>
/// <param name="Number">Of its virtual-access interface; NAS-Port; free again some time after the session's end.</param>
/// <param name="AuditSessionId">24 hexadecimal digits: our address, a count, the time. The Cisco form, which every NAC can hold.</param>
/// <param name="AcctSessionId">16 hexadecimal digits: epoch of this process, a count. Unique over restarts.</param>
internal sealed record SessionNames(int Number, string AuditSessionId, string AcctSessionId);

/// <summary>Hands out names of sessions. Thread-safe.</summary>
internal sealed class SessionNumbers
{
    /// <summary>Far above what one machine holds, and with "vi" in front well within the kernel's 15 characters.</summary>
    private const int Last = 999_999;

    private static readonly TimeSpan HoldDown = TimeSpan.FromSeconds(60);

    private readonly TimeProvider time;
    private readonly InterfaceNumberPool numbers;
    private readonly uint epoch;
    private int count;

    /// <param name="time">For the names and for resting numbers.</param>
    /// <param name="epoch">A number that no earlier process had; null for the time of the start in seconds.</param>
    public SessionNumbers(TimeProvider time, uint? epoch = null)
    {
        this.time = time;
        numbers = new InterfaceNumberPool(1, Last, (long)(HoldDown.TotalSeconds * time.TimestampFrequency));
        this.epoch = epoch ?? (uint)time.GetUtcNow().ToUnixTimeSeconds();
    }

    /// <exception cref="InvalidOperationException">A million sessions are up.</exception>
    public SessionNames Take(IPAddress local)
    {
        if (!numbers.TryTake(time.GetTimestamp(), out var number))
            throw new InvalidOperationException($"all {Last} session numbers are in use");
        var serial = (uint)Interlocked.Increment(ref count);
        var now = (uint)time.GetUtcNow().ToUnixTimeSeconds();
        return new SessionNames(number, $"{AddressWord(local):X8}{serial:X8}{now:X8}", $"{epoch:X8}{serial:X8}");
    }

    /// <summary>A session of an earlier process keeps its names; their epoch is that process's, so that none given here is the same.</summary>
    /// <returns>False when another session has its number.</returns>
    public bool TryKeep(SessionNames names) => numbers.TryTakeKnown(names.Number);

    public void Return(SessionNames names) => numbers.Return(names.Number, time.GetTimestamp());

    // An IPv6 address does not fit into 8 digits; any stable word of it does.
    private static uint AddressWord(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[32];
        address.TryWriteBytes(octets, out var length);
        if (length != 4)
            SHA256.HashData(octets[..length], octets);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(octets);
    }
}
