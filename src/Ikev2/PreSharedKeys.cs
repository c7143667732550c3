using System.Security.Cryptography;

namespace Headend.Ikev2;

/// <summary>The pre-shared keys of one peer (RFC 7296 2.15), which may differ by direction. Zeroed on disposal; never printed.</summary>
public sealed class PreSharedKeys : IDisposable
{
    private readonly byte[] _local;
    private readonly byte[] _remote;

    /// <param name="local">We prove ourselves with it; copied; empty where there is none.</param>
    /// <param name="remote">The peer proves itself with it; copied; empty where there is none.</param>
    public PreSharedKeys(ReadOnlySpan<byte> local, ReadOnlySpan<byte> remote)
    {
        _local = local.ToArray();
        _remote = remote.ToArray();
    }

    public ReadOnlySpan<byte> Local => _local;

    public ReadOnlySpan<byte> Remote => _remote;

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_local);
        CryptographicOperations.ZeroMemory(_remote);
    }

    public override string ToString() => "(pre-shared keys)";
}
