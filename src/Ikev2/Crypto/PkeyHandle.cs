using Microsoft.Win32.SafeHandles;

namespace Headend.Ikev2.Crypto;

/// <summary>Owns an EVP_PKEY; libcrypto clears private numbers when it is freed.</summary>
internal sealed class PkeyHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public PkeyHandle(nint key)
        : base(ownsHandle: true) => SetHandle(key);

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_free(handle);
        return true;
    }
}
