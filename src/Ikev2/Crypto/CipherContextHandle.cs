using Microsoft.Win32.SafeHandles;

namespace Headend.Ikev2.Crypto;

/// <summary>An EVP_CIPHER_CTX; freeing it zeroes the key schedule.</summary>
internal sealed class CipherContextHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public CipherContextHandle(nint context)
        : base(ownsHandle: true) => SetHandle(context);

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_CIPHER_CTX_free(handle);
        return true;
    }
}
