using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Linux;

/// <summary>An eventfd: once set, it stays readable, so every waiter sees it.</summary>
internal sealed unsafe class EventSignal : IDisposable
{
    public EventSignal()
    {
        Descriptor = NativeMethods.EventDescriptor(0, NativeMethods.EFD_CLOEXEC | NativeMethods.EFD_NONBLOCK);
        if (Descriptor < 0) throw new IOException("eventfd: " + Errno.Describe(Marshal.GetLastPInvokeError()));
    }

    public int Descriptor { get; }

    public void Set()
    {
        ulong one = 1;
        _ = NativeMethods.Write(Descriptor, (byte*)&one, 8);
    }

    public void Dispose() => _ = NativeMethods.Close(Descriptor);
}
