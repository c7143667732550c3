using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>A request's way through the servers of its group: which come next, and what the earlier ones did.</summary>
internal sealed class RadiusAttempt(RadiusServerGroup group, RadiusRequest request, RadiusServer[] order)
{
    private int next;

    public RadiusServerGroup Group { get; } = group;

    public RadiusRequest Request { get; } = request;

    public List<ServerAttemptRecord> Failed { get; } = [];

    public bool HasMore => next < order.Length;

    public RadiusServer TakeServer() => order[next++];

    /// <summary>Whether a server that is not dead is still to be tried.</summary>
    public bool HasLivingAlternative => next < order.Length && order[next].State != RadiusServerState.Dead;
}
