using Headend.Configuration;
using Headend.Eap.AnyConnect;
using Headend.Pki.Verification;

namespace Headend.Sessions;

/// <summary>How a profile leads AnyConnect clients, resolved.</summary>
/// <param name="Login">Forms and documents.</param>
/// <param name="Protocol">Towards RADIUS.</param>
/// <param name="Authentication">Who decides, in order.</param>
/// <param name="AuthenticationList">Name of that list.</param>
internal sealed record AnyConnectBinding(AnyConnectOptions Login, PasswordProtocol Protocol, IReadOnlyList<AaaMethod> Authentication, string AuthenticationList)
{
    /// <summary>The client's profile that the `complete` document offers, as it was at the start; null for none.</summary>
    public ReadOnlyMemory<byte>? ClientProfile { get; init; }

    /// <summary>The certificate that clients must show first; null asks for none.</summary>
    public AnyConnectCertificateBinding? Certificate { get; init; }
}

/// <param name="Policy">What is trusted.</param>
/// <param name="UserName">What the certificate's name is to the user's.</param>
/// <param name="RadiusPair">Name of the Cisco pair that tells RADIUS the certificate's name; null tells nothing.</param>
internal sealed record AnyConnectCertificateBinding(ClientCertificateBinding Policy, CertificateUserName UserName, string? RadiusPair);
