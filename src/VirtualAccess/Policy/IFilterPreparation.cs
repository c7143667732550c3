namespace Headend.VirtualAccess.Policy;

/// <summary>Packet filters of changes that follow each other, made and unmade together. Thread-safe.</summary>
public interface IFilterPreparation
{
    /// <summary>Makes what the next changes need in one transaction. A change whose lists are not here makes them by itself; so does every one when the kernel refuses a list of these.</summary>
    /// <param name="coming">Filters of the changes that follow; those of an earlier call have come.</param>
    void Prepare(IEnumerable<InterfaceFilter> coming);

    /// <summary>No change follows for now: what is no longer used goes.</summary>
    void Settle();
}
