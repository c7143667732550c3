namespace Headend.Eap.Methods;

/// <summary>
/// Puts the fragments of one TLS message at a time together. Holds no more than <see cref="MaxMessageLength"/> octets, and never more than twice what has arrived,
/// whatever length a peer announces.
/// </summary>
internal sealed class EapTlsReassembly
{
    /// <summary>A client's flight with a chain of several RSA-4096 certificates has some 12 KiB.</summary>
    public const int MaxMessageLength = 32 * 1024;

    private byte[] _buffer = [];
    private int _length;
    private uint? _total;

    /// <summary>True between the first and the last fragment of a message.</summary>
    public bool IsPartial { get; private set; }

    /// <summary>
    /// Adds a packet's data. False with the reason when the fragments cannot make a message; <paramref name="complete"/> tells that <see cref="Take"/> has one.
    /// </summary>
    public bool TryAdd(byte flags, uint? total, ReadOnlySpan<byte> data, out bool complete, out string reason)
    {
        complete = false;
        var more = (flags & EapTlsCodec.MoreFragments) != 0;
        reason = (IsPartial, more, total) switch
        {
            // RFC 5216 2.1.5: "The L flag ... MUST be set for the first fragment of a fragmented TLS message".
            (false, true, null) => "the first EAP-TLS fragment announces no length",
            (_, _, > MaxMessageLength) => $"EAP-TLS message of {total} octets, {MaxMessageLength} are allowed",
            (true, _, { } again) when again != _total => "EAP-TLS fragments announce different lengths",
            _ when more && data.IsEmpty => "EAP-TLS fragment without data",
            _ => "",
        };
        if (reason.Length > 0)
            return false;
        _total ??= total;
        if (_length + data.Length > (_total ?? MaxMessageLength))
        {
            reason = "EAP-TLS message longer than announced";
            return false;
        }

        if (!more && _total is { } announced && _length + data.Length != announced)
        {
            reason = "EAP-TLS message shorter than announced";
            return false;
        }

        if (_buffer.Length < _length + data.Length)
            Array.Resize(ref _buffer, Math.Min(Math.Max(_length + data.Length, 2 * _buffer.Length), MaxMessageLength));
        data.CopyTo(_buffer.AsSpan(_length));
        _length += data.Length;
        IsPartial = more;
        complete = !more;
        return true;
    }

    /// <summary>The whole message; valid until the next <see cref="TryAdd"/>.</summary>
    public ReadOnlySpan<byte> Take()
    {
        var message = _buffer.AsSpan(0, _length);
        _length = 0;
        _total = null;
        return message;
    }
}
