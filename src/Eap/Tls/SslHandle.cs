using Microsoft.Win32.SafeHandles;

namespace Headend.Eap.Tls;

/// <summary>Owns an SSL and its two BIOs; libssl clears keys when it is freed.</summary>
internal sealed class SslHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public SslHandle()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_free(handle);
        return true;
    }
}
