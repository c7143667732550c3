namespace Headend.VirtualAccess.Configuration;

/// <summary>What a parsed command does to the configuration; pure, but for the notes that it leaves for an operator.</summary>
/// <param name="config">What the commands before it made.</param>
/// <param name="origin">Who gave the command.</param>
/// <param name="notes">Takes what the command took away, or why it changed nothing.</param>
public delegate InterfaceConfig InterfaceConfigChange(InterfaceConfig config, ConfigOrigin origin, ICollection<string> notes);

/// <summary>Why a command was refused.</summary>
/// <param name="Command">The command as given.</param>
/// <param name="Token">The token at fault; empty when something is missing at the end.</param>
/// <param name="Reason">One line for an operator.</param>
public sealed record InterfaceCommandFailure(string Command, string Token, string Reason)
{
    public override string ToString() =>
        Token.Length == 0 ? $"\"{Command}\": {Reason}" : $"\"{Command}\": \"{Token}\": {Reason}";
}

/// <summary>A command with its arguments and who gave it, for the action of its row.</summary>
/// <param name="Arguments">One for each parameter of the grammar; null where it was left out.</param>
/// <param name="Command">As it is shown: keywords in lower case, single spaces.</param>
/// <param name="Origin">Who gave it.</param>
/// <param name="Notes">For an operator.</param>
internal sealed record InterfaceCommandCall(IReadOnlyList<object?> Arguments, string Command, ConfigOrigin Origin, ICollection<string> Notes)
{
    /// <summary>The argument, which the grammar guarantees to be there.</summary>
    public T Get<T>(int index)
        where T : notnull => (T)Arguments[index]!;

    public bool Has(int index) => Arguments[index] is not null;

    public Setting<T> Setting<T>(T value) => new(value, Origin, Command);

    public Setting<T> Setting<T>(int index)
        where T : notnull => new(Get<T>(index), Origin, Command);
}

/// <summary>What a row does; pure but for notes.</summary>
internal delegate InterfaceConfig InterfaceCommandAction(InterfaceConfig config, InterfaceCommandCall call);

/// <summary>One row of the command table.</summary>
/// <param name="Grammar">Keywords in lower case, parameters as <see cref="InterfaceParameterTable"/> names them, optional parts in brackets.</param>
/// <param name="Help">What it says, in one line.</param>
/// <param name="Effect">What it does on Linux, in one line.</param>
/// <param name="Set">The change it makes.</param>
/// <param name="Remove">The change of the <c>no</c> form, whose parameters may be left out.</param>
internal sealed record InterfaceCommand(string Grammar, string Help, string Effect, InterfaceCommandAction Set, InterfaceCommandAction Remove)
{
    /// <summary>Why arguments that are good by themselves do not fit together; null when they do.</summary>
    public Func<IReadOnlyList<object?>, string?>? Check { get; init; }

    /// <summary>Why the command is refused, whatever its arguments; its <c>no</c> form says what is so anyway. Null where it is taken.</summary>
    public string? Refusal { get; init; }

    public InterfaceCommandGrammar Syntax { get; } = new(Grammar);
}
