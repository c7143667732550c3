namespace Headend.Ikev2;

/// <summary>
/// Seal a ticket for the session (RFC 5723 4.2): <paramref name="State"/> under a key of the outside's, with an id and an expiry. Answered from memory.
/// </summary>
/// <param name="Id">Of the operation.</param>
/// <param name="Established">True when the session is up.</param>
/// <param name="Login">Whose.</param>
/// <param name="State">At most 512 octets, which hold a secret; the receiver zeroes them.</param>
/// <param name="Lifetime">Of the ticket.</param>
public sealed record IssueTicketEffect(OperationId Id, bool Established, LoginRecord Login, byte[] State, TimeSpan Lifetime) : IkeOperation(Id, Established)
{
    public override string ToString() => $"(ticket for {Login.Session})";
}

/// <summary>Somebody presents a ticket; nothing is proven. Answered from memory, at the cost of one AEAD.</summary>
/// <param name="Id">Of the operation.</param>
/// <param name="Ticket">As it came.</param>
/// <param name="Path">Who asks.</param>
public sealed record OpenTicketEffect(OperationId Id, ReadOnlyMemory<byte> Ticket, IkePath Path) : IkeOperation(Id, false);

/// <param name="Id">Of the effect.</param>
/// <param name="Ticket">Null = none is given.</param>
public sealed record IssueTicketCompletion(OperationId Id, byte[]? Ticket) : IkeCompletion(Id);

/// <param name="Id">Of the effect.</param>
/// <param name="State">As it was sealed; the core zeroes it. Null = the ticket is not to be honoured.</param>
/// <param name="TicketId">By which the outside knows the ticket.</param>
/// <param name="Refusal">Why not, for the log.</param>
public sealed record OpenTicketCompletion(OperationId Id, byte[]? State, ReadOnlyMemory<byte> TicketId, string? Refusal) : IkeCompletion(Id)
{
    public override string ToString() => State is null ? $"(no ticket: {Refusal})" : "(opened ticket)";
}
