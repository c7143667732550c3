using Headend.Aaa.Accounting;
using Headend.Ikev2;
using Headend.Telemetry;

namespace Headend.Sessions;

/// <param name="Word">As logs and metrics print it.</param>
/// <param name="LoginOutcome">A word of <see cref="Telemetry.LoginOutcome"/>, for a login that ended before the session stood.</param>
/// <param name="TerminateCause">Acct-Terminate-Cause (RFC 2866 5.10), for a session that stood.</param>
internal readonly record struct EndReasonRow(string Word, string LoginOutcome, AcctTerminateCause TerminateCause);

/// <summary>What each end of a session means outside of IKE.</summary>
internal static class EndReasonTable
{
    public static EndReasonRow Of(SessionEndReason reason) => reason switch
    {
        SessionEndReason.PeerDeleted => new("peer-deleted", LoginOutcome.Failed, AcctTerminateCause.UserRequest),
        SessionEndReason.AdminCleared => new("admin-cleared", LoginOutcome.Failed, AcctTerminateCause.AdminReset),
        SessionEndReason.Shutdown => new("shutdown", LoginOutcome.Failed, AcctTerminateCause.NasReboot),
        SessionEndReason.SessionTimeout => new("session-timeout", LoginOutcome.Failed, AcctTerminateCause.SessionTimeout),
        SessionEndReason.IdleTimeout => new("idle-timeout", LoginOutcome.Failed, AcctTerminateCause.IdleTimeout),
        SessionEndReason.PeerUnreachable => new("peer-unreachable", LoginOutcome.Failed, AcctTerminateCause.LostCarrier),
        SessionEndReason.Replaced => new("replaced", LoginOutcome.Failed, AcctTerminateCause.PortPreempted),
        SessionEndReason.LifetimeExpired => new("lifetime-expired", LoginOutcome.Failed, AcctTerminateCause.NasRequest),
        SessionEndReason.PeerReportedError => new("peer-reported-error", LoginOutcome.Failed, AcctTerminateCause.UserError),
        SessionEndReason.AuthenticationFailed => new("authentication-failed", LoginOutcome.Rejected, AcctTerminateCause.UserError),
        SessionEndReason.AaaUnavailable => new("aaa-unavailable", LoginOutcome.Failed, AcctTerminateCause.ServiceUnavailable),
        SessionEndReason.AaaUnsendable => new("aaa-unsendable", LoginOutcome.Rejected, AcctTerminateCause.UserError),
        SessionEndReason.AuthorizationDenied => new("authorization-denied", LoginOutcome.Rejected, AcctTerminateCause.UserError),
        SessionEndReason.EapTimeout => new("eap-timeout", LoginOutcome.Failed, AcctTerminateCause.LostCarrier),
        SessionEndReason.HandshakeTimeout => new("handshake-timeout", LoginOutcome.Failed, AcctTerminateCause.LostCarrier),
        SessionEndReason.NoProposal => new("no-proposal", LoginOutcome.Failed, AcctTerminateCause.UserError),
        SessionEndReason.NoAddress => new("no-address", LoginOutcome.Failed, AcctTerminateCause.ServiceUnavailable),
        SessionEndReason.LeaseLost => new("lease-lost", LoginOutcome.Failed, AcctTerminateCause.LostService),
        SessionEndReason.SelectorsUnacceptable => new("selectors-unacceptable", LoginOutcome.Failed, AcctTerminateCause.UserError),
        SessionEndReason.DataPlaneFailed => new("data-plane-failed", LoginOutcome.Failed, AcctTerminateCause.NasError),
        SessionEndReason.ProtocolError => new("protocol-error", LoginOutcome.Failed, AcctTerminateCause.UserError),
        _ => new("internal-error", LoginOutcome.Failed, AcctTerminateCause.NasError),
    };
}
