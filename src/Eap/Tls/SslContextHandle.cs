using Microsoft.Win32.SafeHandles;

namespace Headend.Eap.Tls;

/// <summary>Owns an SSL_CTX. Connections made from it hold it by libssl's own count.</summary>
internal sealed class SslContextHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public SslContextHandle()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_CTX_free(handle);
        return true;
    }
}
