using Headend.Ikev2.Crypto;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Configuration;

internal enum DiagnosticSeverity
{
    Warning,
    Error,
}

/// <summary>One finding of the configuration, printed as <c>FILE:LINE:COL: message</c>. Line and column count from 1.</summary>
internal sealed record ConfigurationDiagnostic(DiagnosticSeverity Severity, string File, int Line, int Column, string Message)
{
    public override string ToString() =>
        Severity == DiagnosticSeverity.Warning ? $"{File}:{Line}:{Column}: warning: {Message}" : $"{File}:{Line}:{Column}: {Message}";
}

/// <summary>What reading a configuration gave. <see cref="Configuration"/> is null exactly when a diagnostic is an error.</summary>
internal sealed record ConfigurationOutcome(HeadendConfiguration? Configuration, IReadOnlyList<ConfigurationDiagnostic> Diagnostics)
{
    public IEnumerable<ConfigurationDiagnostic> Errors => Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error);
}

/// <summary>
/// Checks of texts whose grammar belongs to a leaf; composition passes the leaf's own parser. Each returns null for a good text, or what is
/// wrong with it in one sentence.
/// </summary>
internal sealed record ConfigurationRules
{
    /// <summary>The leaves' own parsers.</summary>
    public static ConfigurationRules OfLeaves { get; } = new()
    {
        InterfaceCommand = text => InterfaceCommandParser.TryParse(text, out _, out var failure) ? null : failure.ToString(),
        IkeTransforms = text => ProposalParser.TryParseIke(text, out _, out var error) ? null : error,
        RouteSet = text => AttributeRule.Explain([$"route-set={text}"]),
        AccessListEntry = text => AccessListParser.TryParse(text, out _, out var error) ? null : error,
        EspTransforms = text => ProposalParser.TryParseEsp(text, out _, out var error) ? null : error,
    };

    /// <summary>One line of a virtual-template, such as <c>ip mtu 1400</c>.</summary>
    public required Func<string, string?> InterfaceCommand { get; init; }

    /// <summary>One value of route-set, such as <c>prefix 10.10.0.0/24</c>.</summary>
    public required Func<string, string?> RouteSet { get; init; }

    /// <summary>One line of an access list, such as <c>permit ip any 10.10.0.0/24</c>.</summary>
    public required Func<string, string?> AccessListEntry { get; init; }

    /// <summary>One IKE suite, such as <c>aes256gcm16-prfsha384-ecp384</c>.</summary>
    public required Func<string, string?> IkeTransforms { get; init; }

    /// <summary>One ESP suite, such as <c>aes256-sha256</c>.</summary>
    public required Func<string, string?> EspTransforms { get; init; }
}
