namespace Headend.VirtualAccess.Configuration;

/// <summary>Who asked for a value, from weakest to strongest: a later source overrides an earlier one.</summary>
public enum ConfigSource
{
    Default,
    VirtualTemplate,
    AaaGroup,

    /// <summary>What the authentication itself brought.</summary>
    AaaImplicitUser,

    /// <summary>An authorization request of the user's own.</summary>
    AaaUser,

    /// <summary>A CoA-Request, while the session stood.</summary>
    ChangeOfAuthorization,

    /// <summary>The incoming IKE session.</summary>
    Session,
}

/// <summary>Where a value of a derived interface comes from, for <c>show derived-config</c>.</summary>
/// <param name="Source">Kind of source.</param>
/// <param name="Name">Its name: the template's number, the group, the user; empty for defaults.</param>
public readonly record struct ConfigOrigin(ConfigSource Source, string Name)
{
    public static ConfigOrigin Default => new(ConfigSource.Default, "");

    public static ConfigOrigin Session => new(ConfigSource.Session, "");

    public override string ToString() => Source switch
    {
        ConfigSource.Default => "default",
        ConfigSource.VirtualTemplate => $"virtual-template {Name}",
        ConfigSource.AaaGroup => $"aaa group {Name}",
        ConfigSource.AaaImplicitUser => $"aaa implicit user {Name}",
        ConfigSource.Session => "session",
        ConfigSource.ChangeOfAuthorization => $"aaa change of authorization {Name}",
        _ => $"aaa user {Name}",
    };
}

/// <summary>A setting of any type.</summary>
internal interface ISetting
{
    ConfigOrigin Origin { get; }

    /// <summary>The command that set it, as it is shown.</summary>
    string Command { get; }
}

/// <summary>A configured value with the command that set it and the origin of that command.</summary>
public sealed record Setting<T>(T Value, ConfigOrigin Origin, string Command) : ISetting;
