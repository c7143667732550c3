using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>
/// Brings a login to its addresses, asynchronously where others have to be asked or waited for. A fixed address that another session holds is refused, unless both are of
/// the same authenticated identity: then the older session ends and the new one takes over.
/// </summary>
internal sealed class SessionAddressing(AddressAssignment assignment, TimeProvider time)
{
    /// <summary>How long a login waits for the older session of its user to let go of their address.</summary>
    private static readonly TimeSpan ReplaceTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Assigns; without addresses there is a refusal that says why.</summary>
    public async ValueTask<(AssignedAddresses? Addresses, string? Refusal)> AssignAsync(ClientSession session, AddressRequest request)
    {
        var outcome = assignment.Assign(session, request);
        if (outcome is AssignmentOutcome.Held held)
        {
            if (await MakeRoomAsync(session, held).ConfigureAwait(false) is { } refusal)
                return (null, refusal);
            outcome = assignment.Assign(session, request);
        }

        switch (outcome)
        {
            case AssignmentOutcome.Assigned assigned:
                session.Addresses = assigned.Addresses;
                return (assigned.Addresses, null);
            case AssignmentOutcome.Held again:
                return (null, $"{again.Network.BaseAddress} went to another session meanwhile");
            default:
                return (null, ((AssignmentOutcome.Refused)outcome).Why);
        }
    }

    /// <summary>Gives back everything that the session holds. Call when its interface is gone.</summary>
    public void Release(ClientSession session) => assignment.Release(session);

    private async ValueTask<string?> MakeRoomAsync(ClientSession session, AssignmentOutcome.Held held)
    {
        var holder = held.Holder;
        var address = held.Network.BaseAddress;
        if (holder.User is null || !string.Equals(holder.User, session.User, StringComparison.Ordinal))
            return $"{address} is assigned to {session.User}, but {holder.User ?? holder.IkeIdentity} holds it ({holder.InterfaceName})";

        // The same user again, from a machine or a network that the old session does not know of: the new login wins.
        holder.Shard.Post(new EndSessionCommand(holder.Id, SessionEndReason.Replaced, $"a newer login of {session.User} took over {address}"));
        try
        {
            await holder.Gone.Task.WaitAsync(ReplaceTimeout, time).ConfigureAwait(false);
            return null;
        }
        catch (TimeoutException)
        {
            return $"the older session of {session.User} did not give {address} back";
        }
    }
}
