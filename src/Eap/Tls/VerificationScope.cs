using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Headend.Eap.Tls;

/// <summary>
/// What the handshake that runs on this thread verifies by: libssl calls back on the thread that drives it. A managed exception must not unwind through
/// libssl, so that it is kept, the handshake refused, and thrown on behind it.
/// </summary>
internal sealed class VerificationScope(TlsServerOptions options, string eapIdentity, DateTimeOffset now)
{
    [ThreadStatic]
    private static VerificationScope? current;

    private ExceptionDispatchInfo? _fault;

    /// <summary>Null until the client's certificate was seen.</summary>
    public CertificateVerdict? Verdict { get; private set; }

    public void Enter() => current = this;

    public void Leave()
    {
        current = null;
        _fault?.Throw();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int Verify(nint storeContext, nint argument)
    {
        if (current is not { } scope)
            return 0;
        try
        {
            scope.Verdict = scope.Judge(storeContext);
            return scope.Verdict.Identity is null ? 0 : 1;
        }
        catch (Exception fault)
        {
            scope._fault = ExceptionDispatchInfo.Capture(fault);
            return 0;
        }
    }

    private CertificateVerdict Judge(nint storeContext) => ClientCertificateCheck.Judge(storeContext, options, eapIdentity, now);
}
