namespace Headend.VirtualAccess.DataPlane;

/// <summary>How many DHCPINFORMs of one session are answered in a second. Not thread-safe.</summary>
internal struct InformLimit
{
    private const int PerSecond = 4;

    private long window;
    private int taken;

    public bool TryTake(long second)
    {
        if (second != window) (window, taken) = (second, 0);
        return taken++ < PerSecond;
    }
}
