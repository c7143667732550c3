namespace Headend.VirtualAccess.DataPlane;

/// <summary>The kernel device of one session. Disposing it removes it, and with it its addresses and routes.</summary>
internal interface IInterfaceDevice : IDisposable
{
    string Name { get; }

    /// <summary>Interface index.</summary>
    int Index { get; }
}

/// <summary>Makes the device of a request; null with errno on failure.</summary>
internal delegate TDevice? InterfaceDeviceFactory<out TDevice>(InterfaceRequest request, out int errno)
    where TDevice : class, IInterfaceDevice;
