using Headend.Configuration;
using Headend.Ikev2.Crypto;
using Headend.VirtualAccess.Configuration;

namespace Headend.Composition;

/// <summary>The leaves' own parsers as checks of the configuration, so that <c>check-config</c> and <c>run</c> refuse the same texts.</summary>
internal static class LeafRules
{
    public static ConfigurationRules Rules { get; } = new()
    {
        InterfaceCommand = text => InterfaceCommandParser.TryParse(text, out _, out var failure) ? null : failure.ToString(),
        IkeTransforms = text => ProposalParser.TryParseIke(text, out _, out var error) ? null : error,
        EspTransforms = text => ProposalParser.TryParseEsp(text, out _, out var error) ? null : error,
    };
}
