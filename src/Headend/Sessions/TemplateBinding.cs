using Headend.VirtualAccess.Configuration;

namespace Headend.Sessions;

/// <summary>
/// A virtual-template with its changes. Interfaces that are cloned from it keep what they were cloned from: a change waits for new sessions. Any thread.
/// </summary>
internal sealed class TemplateBinding(VirtualTemplate first)
{
    private volatile VirtualTemplate current = first;

    /// <summary>What new sessions are cloned from.</summary>
    public VirtualTemplate Current => current;

    public int Number => current.Number;

    /// <summary>Gives new sessions another template of the same number.</summary>
    /// <returns>False when it is the same.</returns>
    public bool Replace(VirtualTemplate changed)
    {
        if (changed.Equals(current))
            return false;
        current = changed;
        return true;
    }
}
