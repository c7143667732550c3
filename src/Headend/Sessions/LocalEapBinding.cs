using Headend.Eap;
using Headend.Eap.Tls;

namespace Headend.Sessions;

/// <summary>How a profile runs EAP against the local users. Certificates and lists can be exchanged while logins run; each keeps what it began with.</summary>
internal sealed class LocalEapBinding(IReadOnlyList<EapType> methods, TlsServerContext? tls)
{
    private volatile TlsServerContext? tls = tls;

    public static LocalEapBinding Default { get; } = new([EapType.MsChapV2], null);

    public IReadOnlyList<EapType> Methods => methods;

    public TlsServerContext? Tls => tls;

    // The old context is not disposed: a login may just be opening a handshake on it. It goes with the last reference.
    public void Replace(TlsServerContext fresh) => tls = fresh;
}
