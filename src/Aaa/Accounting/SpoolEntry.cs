namespace Headend.Aaa.Accounting;

/// <summary>A record on its way through the process. Guarded by its owner's lock.</summary>
internal sealed class SpoolEntry(SpooledRecord record)
{
    public SpooledRecord Record { get; } = record;

    /// <summary>It is in the spool.</summary>
    public bool Saved { get; set; }

    /// <summary>A commit that holds it is under way.</summary>
    public bool Committing { get; set; }

    /// <summary>Delivered, dropped or impossible to send: it has to leave the spool.</summary>
    public bool Done { get; set; }

    /// <summary>It may be sent, because it was saved or because the spool refused it.</summary>
    public bool Released { get; set; }

    /// <summary>Its place among the Interim-Updates that may be dropped; null while it is sent, and for all others.</summary>
    public LinkedListNode<SpoolEntry>? Droppable { get; set; }

    /// <summary>Completes when the first commit that holds it has ended, well or badly; its result is null.</summary>
    public TaskCompletionSource<string?>? FirstCommit { get; init; }

    /// <summary>Octets that it is counted with: its attributes and what surrounds them in memory and in the file.</summary>
    public int Size => Record.Attributes.Length + 128;

    public bool IsNas => Record.Status == AcctStatusType.AccountingOn || Record.Status == AcctStatusType.AccountingOff;
}
