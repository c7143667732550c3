using System.Security.Cryptography;

namespace Headend.Eap.AnyConnect;

/// <summary>How a profile leads AnyConnect clients through their login.</summary>
public sealed record AnyConnectOptions
{
    /// <summary>Name of the tunnel group that the client is told where <see cref="Groups"/> is empty.</summary>
    public required string ProfileName { get; init; }

    /// <summary>Groups that the user may choose among; the first is selected. Empty: no such field, and what the client says of groups is passed over.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Ask for the client's certificate before the credentials.</summary>
    public bool CertificateRequest { get; init; }

    public string Title { get; init; } = "Login";

    public string Message { get; init; } = "Please enter your username and password.";

    public string UserNameLabel { get; init; } = "Username:";

    public string PasswordLabel { get; init; } = "Password:";

    public string GroupLabel { get; init; } = "GROUP:";

    /// <summary>Shown when the login is through; "" for none.</summary>
    public string Banner { get; init; } = "";

    /// <summary>What the client is told about updates, profile and attributes.</summary>
    public AnyConnectCompleteOptions Complete { get; init; } = new();

    /// <summary>Wrong passwords and unknown groups after which the login is over; 1 to 10.</summary>
    public int MaxAttempts { get; init; } = 3;

    public EapRandom Random { get; init; } = RandomNumberGenerator.Fill;
}

/// <summary>The optional parts of the `complete` document; what is null or empty is left out.</summary>
public sealed record AnyConnectCompleteOptions
{
    /// <summary>TCP port of the headend's HTTPS service.</summary>
    public int? CsPort { get; init; }

    /// <summary>Path of the client's packages on that service.</summary>
    public string? BasePackageUri { get; init; }

    /// <summary>SHA-1 of the headend's certificate in upper-case hexadecimal.</summary>
    public string? ServerCertificateHash { get; init; }

    /// <summary>Path of the client's profile on that service.</summary>
    public string? ProfileUri { get; init; }

    /// <summary>SHA-1 of that profile in upper-case hexadecimal.</summary>
    public string? ProfileHash { get; init; }

    /// <summary>Elements of `custom-attr`, such as dynamic-split-exclude-domains.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> CustomAttributes { get; init; } = [];
}
