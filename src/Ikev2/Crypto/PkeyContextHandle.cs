using Microsoft.Win32.SafeHandles;

namespace Headend.Ikev2.Crypto;

/// <summary>Owns an EVP_PKEY_CTX.</summary>
internal sealed class PkeyContextHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public PkeyContextHandle(nint context)
        : base(ownsHandle: true) => SetHandle(context);

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_CTX_free(handle);
        return true;
    }
}
