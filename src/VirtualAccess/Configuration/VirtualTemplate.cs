using System.Collections.Immutable;

namespace Headend.VirtualAccess.Configuration;

/// <summary>A numbered list of interface commands from which virtual-access interfaces are cloned.</summary>
/// <param name="Number">1 and up, as in <c>virtual-template 1</c>.</param>
/// <param name="Commands">In order; a later command overrides an earlier one.</param>
public sealed record VirtualTemplate(int Number, ImmutableArray<string> Commands);

/// <summary>Interface commands that authorization returned for a session (<c>interface-config</c>).</summary>
/// <param name="Origin">The group or user.</param>
/// <param name="Commands">In order.</param>
public sealed record AuthorizedCommands(ConfigOrigin Origin, ImmutableArray<string> Commands);
