using System.Diagnostics;
using System.Net;

namespace Headend.Telemetry;

/// <summary>
/// The span tree of one login: the root <c>ikev2.login</c> and a child for each step. A shard serves many logins on one thread and a login
/// crosses threads, so parents are passed and <see cref="Activity.Current"/> is left as it was. When nobody listens every call is a no-op.
/// One login is traced by one caller at a time.
/// </summary>
internal sealed class LoginTrace : IDisposable
{
    public const string SourceName = "headend";

    private static readonly ActivitySource Source = new(SourceName);
    private readonly Activity? root;

    private LoginTrace(Activity? root) => this.root = root;

    /// <summary>Of what is no login.</summary>
    public static LoginTrace None { get; } = new(null);

    /// <summary>Begins at the first IKE_SA_INIT that is not answered with a cookie.</summary>
    public static LoginTrace Begin(IPEndPoint remote, string localSpi)
    {
        var root = Start("ikev2.login", ActivityKind.Server, default);
        root?.SetTag("network.peer.address", remote.Address.ToString());
        root?.SetTag("network.peer.port", remote.Port);
        root?.SetTag("headend.ike.spi", localSpi);
        return new LoginTrace(root);
    }

    /// <summary>Trace id in hexadecimal for the log line of the login; null when the login is not recorded.</summary>
    public string? TraceId => root?.TraceId.ToHexString();

    /// <summary>Starts the span of one step; its disposal ends it. Steps may nest by time and overlap.</summary>
    public LoginSpan Step(LoginStep step) => new(root is null ? null : Start(step.Name, step.Kind, root.Context));

    /// <summary>Ends the root span. <paramref name="reason"/> is the name of an end reason.</summary>
    public void Complete(string outcome, string reason, string? user, string? method)
    {
        if (root is null)
            return;
        root.SetTag("headend.login.outcome", outcome);
        root.SetTag("headend.login.reason", reason);
        root.SetTag("enduser.id", user);
        root.SetTag("headend.eap.method", method);
        root.SetStatus(outcome == LoginOutcome.Success ? ActivityStatusCode.Ok : ActivityStatusCode.Error, reason);
        Dispose();
    }

    public void Dispose() => Stop(root);

    internal static void Stop(Activity? activity)
    {
        if (activity is null || activity.IsStopped)
            return;
        var current = Activity.Current;
        activity.Stop();
        Activity.Current = current;
    }

    private static Activity? Start(string name, ActivityKind kind, ActivityContext parent)
    {
        if (!Source.HasListeners())
            return null;
        var current = Activity.Current;
        // A root must not become the child of whatever the thread did last.
        Activity.Current = null;
        var activity = Source.StartActivity(name, kind, parent);
        Activity.Current = current;
        return activity;
    }
}

/// <summary>The steps that a login may have.</summary>
internal readonly record struct LoginStep(string Name, ActivityKind Kind)
{
    public static LoginStep IkeSaInit { get; } = new("ikev2.ike_sa_init", ActivityKind.Server);

    /// <summary>One IKE_AUTH request to its response.</summary>
    public static LoginStep IkeAuth { get; } = new("ikev2.ike_auth", ActivityKind.Server);

    /// <summary>One EAP request to the client and its answer.</summary>
    public static LoginStep EapRoundTrip { get; } = new("eap.round_trip", ActivityKind.Internal);

    public static LoginStep RadiusRequest { get; } = new("radius.request", ActivityKind.Client);

    public static LoginStep VerifyCertificate { get; } = new("login.certificate", ActivityKind.Internal);

    public static LoginStep LookUpKey { get; } = new("login.key", ActivityKind.Internal);

    public static LoginStep Sign { get; } = new("ikev2.sign", ActivityKind.Internal);

    public static LoginStep Authorize { get; } = new("login.authorize", ActivityKind.Internal);

    public static LoginStep AllocateAddress { get; } = new("login.address", ActivityKind.Internal);

    public static LoginStep CreateInterface { get; } = new("login.interface", ActivityKind.Internal);

    public static LoginStep InstallChildSa { get; } = new("ikev2.child_sa", ActivityKind.Internal);
}

/// <summary>One running step of a <see cref="LoginTrace"/>.</summary>
internal readonly struct LoginSpan(Activity? activity) : IDisposable
{
    /// <summary>Adds one fact, such as <c>radius.server</c>.</summary>
    public void Tag(string name, object? value) => activity?.SetTag(name, value);

    public void Fail(string reason) => activity?.SetStatus(ActivityStatusCode.Error, reason);

    public void Dispose() => LoginTrace.Stop(activity);
}
