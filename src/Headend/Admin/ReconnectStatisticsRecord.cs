namespace Headend.Admin;

/// <summary>What <c>show crypto ikev2 stats reconnect</c> prints.</summary>
/// <param name="Incoming">Requests of clients that presented a session-id.</param>
/// <param name="Succeeded">Of these: sessions that went on.</param>
/// <param name="Failed">Of these: refused, or broken off.</param>
/// <param name="CapableActive">Sessions whose client has a session-id and is there.</param>
/// <param name="CapableInactive">Sessions whose client has a session-id and is silent.</param>
internal sealed record ReconnectStatisticsRecord(long Incoming, long Succeeded, long Failed, int CapableActive, int CapableInactive);
