using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>What a client tells its host, for logs and metrics. Called on socket threads: must not block or throw.</summary>
public interface IRadiusObserver
{
    /// <summary>A reply failed its checks and was ignored; waiting goes on.</summary>
    void ReplyIgnored(string server, RadiusError reason)
    {
    }

    /// <summary>A server let a request run out of retransmissions and is passed over until then.</summary>
    void ServerDead(string server, DateTimeOffset until)
    {
    }

    /// <summary>A server that was dead has answered.</summary>
    void ServerAlive(string server)
    {
    }

    /// <summary>A request ended.</summary>
    void RequestCompleted(string group, RadiusCode code, RadiusOutcome outcome, TimeSpan duration)
    {
    }
}
