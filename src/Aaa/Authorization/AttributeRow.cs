using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>What a value does that cannot be read.</summary>
public enum BadValueRule
{
    /// <summary>The login is refused, and the reason names the attribute: half an authorization is none.</summary>
    Refuse,

    /// <summary>The attribute is ignored and logged: it is a convenience, and nobody gets more without it.</summary>
    Ignore,
}

/// <summary>One attribute of authorization.</summary>
/// <param name="Name">The dictionary's name, or protocol and attribute of a Cisco pair.</param>
/// <param name="Vendor">0 is the IETF space.</param>
/// <param name="Type">Number in the vendor's space; 1 for Cisco pairs, which their name tells apart.</param>
/// <param name="Form">How the value is written, for docs/attributes.md.</param>
/// <param name="Effect">Where it ends.</param>
public sealed record AttributeRow(string Name, RadiusVendor Vendor, byte Type, string Form, string Effect)
{
    /// <summary>The first version that has it.</summary>
    public string Since { get; init; } = "0.1";

    public BadValueRule BadValue { get; init; } = BadValueRule.Refuse;

    public bool IsCiscoPair => Vendor == RadiusVendor.Cisco && Type == CiscoAttribute.AvPair;

    /// <summary>Null where the authentication reads it (keys and passwords, which no profile holds).</summary>
    internal Func<ProfileDraft, AttributeValue, bool>? Read { get; init; }

    /// <summary>The values in a profile, for `show`; null where another row shows the same thing.</summary>
    internal Func<SessionProfile, IEnumerable<string>>? Show { get; init; }
}

/// <summary>One attribute and value of a profile, under the first of its names.</summary>
public readonly record struct ShownAttribute(string Name, string Value);
