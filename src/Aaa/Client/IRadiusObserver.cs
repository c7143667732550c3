using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>What a client tells its host, for logs and metrics. Called on socket threads: must not block or throw.</summary>
public interface IRadiusObserver
{
    /// <summary>A reply failed its checks and was ignored; waiting goes on.</summary>
    void ReplyIgnored(string server, RadiusError reason)
    {
    }

    /// <summary>An answer is missing and nothing else was answered since: the server is asked by Status-Server and others are preferred meanwhile.</summary>
    void ServerSilent(string server, RadiusService service)
    {
    }

    /// <summary>A server is passed over: until then, or (null) until it answers Status-Server again.</summary>
    void ServerDead(string server, RadiusService service, DateTimeOffset? until)
    {
    }

    /// <summary>A server that was silent or dead has answered.</summary>
    void ServerAlive(string server, RadiusService service)
    {
    }

    /// <summary>A TLS connection stands.</summary>
    /// <param name="server">Its name.</param>
    /// <param name="protocol">Version and cipher suite.</param>
    void ConnectionUp(string server, string protocol)
    {
    }

    /// <summary>A TLS connection failed or ended; another is tried after the pause.</summary>
    void ConnectionDown(string server, string reason, TimeSpan retryIn)
    {
    }

    /// <summary>A request ended.</summary>
    void RequestCompleted(string group, RadiusCode code, RadiusOutcome outcome, TimeSpan duration)
    {
    }
}
