namespace Headend.Ikev2.Crypto;

/// <summary>A keyed pseudorandom function, reusable; not thread-safe.</summary>
public interface IPrf : IDisposable
{
    int OutputOctets { get; }

    /// <summary>Writes prf(key, data) into the first <see cref="OutputOctets"/> of the output.</summary>
    void Compute(ReadOnlySpan<byte> data, Span<byte> output);

    /// <summary>Adds a part of the data; <see cref="Finish"/> ends it.</summary>
    void Append(ReadOnlySpan<byte> part);

    /// <summary>Writes the value over all appended parts and starts anew.</summary>
    void Finish(Span<byte> output);
}
