using Headend.Configuration;
using Headend.Eap.AnyConnect;

namespace Headend.Sessions;

/// <summary>How a profile leads AnyConnect clients, resolved.</summary>
/// <param name="Login">Forms and documents.</param>
/// <param name="Protocol">Towards RADIUS.</param>
/// <param name="Authentication">Who decides, in order.</param>
/// <param name="AuthenticationList">Name of that list.</param>
internal sealed record AnyConnectBinding(AnyConnectOptions Login, PasswordProtocol Protocol, IReadOnlyList<AaaMethod> Authentication, string AuthenticationList);
