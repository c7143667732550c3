using System.Diagnostics;
using System.Net;
using Headend.Telemetry;

namespace Headend.Tests.Telemetry;

public sealed class LoginTraceTests
{
    [Fact]
    public void Steps_are_children_of_their_login_whatever_the_thread_did_before()
    {
        List<Activity> ended = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == LoginTrace.SourceName,
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
        using var outer = new Activity("outer").Start();

        using var first = LoginTrace.Begin(IPEndPoint.Parse("192.0.2.9:500"), "01");
        using var second = LoginTrace.Begin(IPEndPoint.Parse("192.0.2.8:500"), "02");
        var eap = first.Step(LoginStep.EapRoundTrip);
        using (var radius = second.Step(LoginStep.RadiusRequest))
            radius.Tag("radius.server", "radius1");
        Assert.Same(outer, Activity.Current);
        eap.Dispose();
        first.Complete(LoginOutcome.Success, "", "alice", "EAP-MSCHAPv2");
        second.Complete(LoginOutcome.Failed, "timeout", null, null);
        first.Dispose();
        Assert.Same(outer, Activity.Current);

        Assert.Equal(["radius.request", "eap.round_trip", "ikev2.login", "ikev2.login"], ended.Select(a => a.OperationName));
        Assert.Equal(ended[2].SpanId, ended[1].ParentSpanId);
        Assert.Equal(ended[3].SpanId, ended[0].ParentSpanId);
        Assert.NotEqual(ended[2].TraceId, ended[3].TraceId);
        Assert.Equal(default, ended[2].ParentSpanId);
        Assert.Equal(ActivityStatusCode.Error, ended[3].Status);
        Assert.Equal(first.TraceId, ended[2].TraceId.ToHexString());
    }

    [Fact]
    public void Without_a_listener_nothing_is_made()
    {
        using var trace = LoginTrace.Begin(IPEndPoint.Parse("192.0.2.9:500"), "01");
        using var step = trace.Step(LoginStep.IkeAuth);
        trace.Complete(LoginOutcome.Success, "", "alice", null);
        Assert.Null(trace.TraceId);
    }
}
