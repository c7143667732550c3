using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Linux;

/// <summary>A netlink socket for requests and their answers; thread-safe, one request at a time.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>NETLINK_NETFILTER.</summary>
    public const int Netfilter = 12;

    private const int AF_NETLINK = 16;
    private const int SOCK_RAW_CLOEXEC = 3 | 0x80000;
    private const int SOL_SOCKET = 1;
    private const int SO_RCVBUFFORCE = 33;
    private const int SOL_NETLINK = 270;
    private const int NETLINK_CAP_ACK = 10;
    private const int NETLINK_GET_STRICT_CHK = 12;
    private const int BufferLength = 64 * 1024;

    private readonly Lock gate = new();
    private readonly int descriptor;
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);
    private uint sequence;

    /// <param name="protocol">NETLINK_ROUTE (0) or another of linux/netlink.h.</param>
    /// <exception cref="IOException">No netlink in this system.</exception>
    public NetlinkSocket(int protocol = 0)
    {
        descriptor = NativeMethods.Socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
        if (descriptor < 0) throw new IOException("netlink socket: " + Errno.Describe(Marshal.GetLastPInvokeError()));
        // Every step of a batch is acknowledged before the first acknowledgement is read; one that finds no room is lost.
        var octets = 4 << 20;
        _ = NativeMethods.SetSocketOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(int));
        var on = 1;
        _ = NativeMethods.SetSocketOption(descriptor, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(int));
        _ = NativeMethods.SetSocketOption(descriptor, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(int));
    }

    /// <summary>Sends all steps in one datagram; the kernel takes them in order and answers each.</summary>
    /// <returns>errno per step, 0 = done. The kernel goes on after a failed step.</returns>
    public int[] Execute(IReadOnlyList<NetlinkStep> steps)
    {
        var results = new int[steps.Count];
        if (steps.Count == 0) return results;
        lock (gate)
        {
            var first = sequence + 1;
            var batch = Join(steps);
            var errno = Send(batch);
            // Keys may have been in it.
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(batch);
            if (errno != 0)
            {
                Array.Fill(results, errno);
                return results;
            }

            ReadAcknowledgements(first, results);
        }

        return results;
    }

    /// <summary>Sends all steps as one nftables transaction: all hold, or none.</summary>
    /// <param name="steps">Messages of nftables.</param>
    /// <param name="failed">The step at fault, -1 = the transaction as a whole.</param>
    /// <returns>0 or errno.</returns>
    public int ExecuteTransaction(IReadOnlyList<NetlinkStep> steps, out int failed)
    {
        // The kernel answers the beginning only when it refuses everything, and the end when it is through with the rest.
        NetlinkStep[] all = [new("begin", NfTablesCodec.Begin()), .. steps, new("end", NfTablesCodec.End())];
        var results = new int[all.Length];
        lock (gate)
        {
            var first = sequence + 1;
            var errno = Send(Join(all));
            failed = -1;
            if (errno != 0) return errno;
            errno = ReadTransaction(first, results);
            if (errno != 0) return errno;
        }

        for (var i = 0; i < steps.Count; i++)
        {
            if (results[i + 1] == 0 || steps[i].Tolerated.Contains(results[i + 1])) continue;
            failed = i;
            return results[i + 1];
        }

        return results[0];
    }

    /// <summary>Reads a dump.</summary>
    /// <param name="request">The message.</param>
    /// <param name="item">Called with type and body of each message.</param>
    /// <returns>0 or errno.</returns>
    public int Dump(byte[] request, DumpItem item)
    {
        lock (gate)
        {
            var expected = ++sequence;
            BitConverter.TryWriteBytes(request.AsSpan(8), expected);
            var errno = Send(request);
            while (errno == 0)
            {
                var received = Receive(out errno);
                while (NetlinkCodec.TryNext(ref received, out var type, out var number, out var body))
                {
                    if (number != expected) continue;
                    if (type == Rtnetlink.NLMSG_DONE) return 0;
                    if (type == Rtnetlink.NLMSG_ERROR) return body.Length >= 4 ? -BitConverter.ToInt32(body) : Errno.ENOENT;
                    item(type, body);
                }
            }

            return errno;
        }
    }

    public delegate void DumpItem(ushort type, ReadOnlySpan<byte> body);

    /// <summary>Clears what was received last: for answers that carry keys.</summary>
    public void Forget()
    {
        lock (gate) System.Security.Cryptography.CryptographicOperations.ZeroMemory(buffer);
    }

    public void Dispose() => _ = NativeMethods.Close(descriptor);

    private void ReadAcknowledgements(uint first, int[] results)
    {
        var missing = results.Length;
        while (missing > 0)
        {
            var received = Receive(out var errno);
            if (errno != 0)
            {
                // What was not answered counts as failed, so that the caller undoes it.
                Array.Fill(results, errno);
                return;
            }

            while (NetlinkCodec.TryNext(ref received, out var type, out var number, out var body))
            {
                var index = unchecked(number - first);
                if (type != Rtnetlink.NLMSG_ERROR || index >= results.Length || body.Length < 4) continue;
                results[index] = -BitConverter.ToInt32(body);
                missing--;
            }
        }
    }

    private int ReadTransaction(uint first, int[] results)
    {
        // Begin is not acknowledged; every step and, where the kernel supports it, nothing else is.
        var missing = results.Length - 2;
        while (missing > 0)
        {
            var received = Receive(out var errno);
            if (errno != 0) return errno;
            while (NetlinkCodec.TryNext(ref received, out var type, out var number, out var body))
            {
                var index = unchecked(number - first);
                if (type != Rtnetlink.NLMSG_ERROR || index >= results.Length || body.Length < 4) continue;
                results[index] = -BitConverter.ToInt32(body);
                missing--;
                // Refused as a whole: no step is answered.
                if (index == 0 && results[0] != 0) return results[0];
            }
        }

        return 0;
    }

    private byte[] Join(IReadOnlyList<NetlinkStep> steps)
    {
        var batch = new byte[steps.Sum(step => step.Message.Length)];
        var offset = 0;
        foreach (var step in steps)
        {
            step.Message.CopyTo(batch, offset);
            BitConverter.TryWriteBytes(batch.AsSpan(offset + 8), ++sequence);
            offset += step.Message.Length;
        }

        return batch;
    }

    private int Send(byte[] message)
    {
        fixed (byte* pointer = message)
        {
            return NativeMethods.Send(descriptor, pointer, (nuint)message.Length, 0) >= 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    private ReadOnlySpan<byte> Receive(out int errno)
    {
        nint length;
        do
        {
            fixed (byte* pointer = buffer) length = NativeMethods.Receive(descriptor, pointer, BufferLength, 0);
            errno = length < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errno == Errno.EINTR);

        return errno == 0 ? buffer.AsSpan(0, (int)length) : default;
    }
}
