using Microsoft.Win32.SafeHandles;

namespace Headend.Ikev2.Crypto;

/// <summary>An EVP_MAC_CTX; freeing it zeroes the key.</summary>
internal sealed class MacContextHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public MacContextHandle(nint context, bool owned = true)
        : base(owned) => SetHandle(context);

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MAC_CTX_free(handle);
        return true;
    }
}
