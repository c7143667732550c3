namespace Headend.VirtualAccess.Configuration;

/// <summary>What a parsed command does to the configuration; pure.</summary>
public delegate InterfaceConfig InterfaceConfigChange(InterfaceConfig config, ConfigOrigin origin);

/// <summary>Why a command was refused.</summary>
/// <param name="Command">The command as given.</param>
/// <param name="Token">The token at fault; empty when something is missing at the end.</param>
/// <param name="Reason">One line for an operator.</param>
public sealed record InterfaceCommandFailure(string Command, string Token, string Reason)
{
    public override string ToString() =>
        Token.Length == 0 ? $"\"{Command}\": {Reason}" : $"\"{Command}\": \"{Token}\": {Reason}";
}

/// <summary>One row of the command table.</summary>
/// <param name="Keywords">The literal tokens that select the row.</param>
/// <param name="Argument">The argument as shown in help, for example <c>&lt;68-9216&gt;</c>.</param>
/// <param name="Help">One line.</param>
/// <param name="TakesRest">The argument is the rest of the line, spaces included.</param>
/// <param name="Parse">Turns the argument into a change, or a reason for refusal.</param>
/// <param name="Remove">The change of the <c>no</c> form.</param>
internal sealed record InterfaceCommand(
    string[] Keywords,
    string Argument,
    string Help,
    bool TakesRest,
    Func<string, string, (InterfaceConfigChange? Change, string? Reason)> Parse,
    InterfaceConfigChange Remove)
{
    public string Grammar => $"{string.Join(' ', Keywords)} {Argument}";
}
