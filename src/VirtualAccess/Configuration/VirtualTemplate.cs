using System.Collections.Immutable;

namespace Headend.VirtualAccess.Configuration;

/// <summary>A numbered list of interface commands from which virtual-access interfaces are cloned.</summary>
/// <param name="Number">1 and up, as in <c>virtual-template 1</c>.</param>
/// <param name="Commands">In order; a later command overrides an earlier one.</param>
/// <param name="IsAutoMode">The session decides about <c>tunnel mode</c>, whatever commands say.</param>
public sealed record VirtualTemplate(int Number, ImmutableArray<string> Commands, bool IsAutoMode = false)
{
    public bool Equals(VirtualTemplate? other) =>
        other is not null && Number == other.Number && IsAutoMode == other.IsAutoMode && Commands.SequenceEqual(other.Commands, StringComparer.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Number, Commands.Length, IsAutoMode);
}

/// <summary>Interface commands that authorization returned for a session (<c>interface-config</c>).</summary>
/// <param name="Origin">The group or user.</param>
/// <param name="Commands">In order.</param>
public sealed record AuthorizedCommands(ConfigOrigin Origin, ImmutableArray<string> Commands);
