namespace Headend.Ikev2.Wire;

/// <summary>
/// One payload of an IKE message. Octet fields are slices of the buffer that was parsed; whoever parsed owns that buffer for the
/// life of the message.
/// </summary>
/// <remarks>
/// RFC 7296 3.2, generic payload header, read and written by <see cref="PayloadChain"/>:
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Next Payload  |C|  RESERVED   |         Payload Length        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public abstract class IkePayload
{
    public abstract PayloadType Type { get; }

    /// <summary>The critical bit; RFC 7296 2.5 has it zero on every payload of that document.</summary>
    public virtual bool Critical => false;

    /// <summary>Writes what follows the generic header.</summary>
    public abstract void WriteBody(WireWriter writer);
}
