namespace Headend.Eap.AnyConnect;

/// <summary>The outside's answer to <see cref="EapStep.CheckCredentials"/> or <see cref="EapStep.CheckCertificate"/>.</summary>
public abstract record AnyConnectVerdict
{
    private AnyConnectVerdict()
    {
    }

    /// <summary>The credentials are right.</summary>
    /// <param name="User">The authenticated identity.</param>
    public sealed record Accepted(string User) : AnyConnectVerdict;

    /// <summary>Wrong; the user may try again while attempts are left. <paramref name="Reason"/> is for the log, <paramref name="Message"/> for the user, null for our own words.</summary>
    public sealed record Rejected(string Reason, string? Message = null) : AnyConnectVerdict;

    /// <summary>One more answer is needed (an OTP, a PIN): Access-Challenge.</summary>
    /// <param name="Message">Reply-Message, shown to the user.</param>
    /// <param name="Echo">The answer may be seen while it is typed.</param>
    public sealed record Challenge(string Message, bool Echo) : AnyConnectVerdict;

    /// <summary>The password has expired: a new one is asked for.</summary>
    public sealed record PasswordExpired(string? Message) : AnyConnectVerdict;

    /// <summary>The client's certificate and signature are good.</summary>
    /// <param name="UserName">Written into the form beforehand; null for none.</param>
    public sealed record CertificateAccepted(string? UserName) : AnyConnectVerdict;

    public sealed record CertificateRefused(string Reason) : AnyConnectVerdict;

    public sealed record Unavailable(string Reason) : AnyConnectVerdict;

    /// <summary>What the client said does not fit into a request to the AAA server: the login is over, and nobody is asked instead.</summary>
    public sealed record Unsendable(string Reason) : AnyConnectVerdict;
}

/// <summary>What an answer of the user is.</summary>
public enum AnyConnectAnswerKind
{
    /// <summary>Name and password.</summary>
    Login,

    /// <summary>The answer to <see cref="AnyConnectVerdict.Challenge"/>.</summary>
    Challenge,

    /// <summary>A new password after <see cref="AnyConnectVerdict.PasswordExpired"/>.</summary>
    NewPassword,
}
