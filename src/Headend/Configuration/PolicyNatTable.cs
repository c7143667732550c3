using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Headend.Configuration;

/// <summary>What <c>nat</c> of an authorization policy says.</summary>
/// <param name="WayOut">For <c>masquerade</c>: the interface by which connections leave; empty for any; null for one-to-one.</param>
/// <param name="Address">For <c>one-to-one</c>: the global address.</param>
/// <param name="Pool">For <c>one-to-one pool</c>.</param>
internal sealed record PolicyNatOptions(string? WayOut, IPAddress? Address, string? Pool)
{
    /// <summary>The same as interface commands.</summary>
    /// <param name="familyOf">Of a pool that exists.</param>
    public ImmutableArray<string> ToCommands(Func<string, AddressFamily> familyOf)
    {
        if (WayOut is not null)
        {
            var by = WayOut.Length == 0 ? "" : $"interface {WayOut} ";
            return [$"ip nat inside source {by}overload", $"ipv6 nat inside source {by}overload"];
        }

        var family = Address?.AddressFamily ?? familyOf(Pool!);
        return [$"{(family == AddressFamily.InterNetworkV6 ? "ipv6" : "ip")} nat inside source {(Address is null ? $"pool {Pool}" : $"static self {Address}")}"];
    }
}

/// <summary>The key <c>nat</c> of authorization policies.</summary>
internal static class PolicyNatTable
{
    private const string Expected = "'masquerade', 'masquerade IFNAME', 'one-to-one ADDRESS' or 'one-to-one pool NAME'";

    private static readonly ScalarSyntax Syntax = new("translation", Read) { Pattern = "^(masquerade( +[^ /:]{1,15})?|one-to-one +(pool +[A-Za-z0-9][A-Za-z0-9._-]{0,63}|[0-9a-fA-F.:]+))$" };

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("nat", Syntax,
        "How others see the client ([translation](nat.md)): `masquerade`: under this machine's address, so that they need no route back; `masquerade IFNAME`: where it leaves by that interface; `one-to-one ADDRESS` or `one-to-one pool NAME`: under an address of its own, by which they reach it as well.");

    /// <summary>A pool must exist and give addresses that no client gets.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        var policies = root.GetOptional<SectionValue>("ikev2")?.Sections("authorization-policies") ?? [];
        var clients = policies.SelectMany(p => new[] { p.GetOptional<string>("pool"), p.GetOptional<string>("ipv6-pool") }).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var policy in policies)
        {
            if (policy.GetOptional<PolicyNatOptions>("nat")?.Pool is not { } name)
                continue;
            var pools = root.Sections("pools").Where(p => p.GetOptional<string>("name") == name).ToList();
            if (pools.Count == 0)
                diagnostics.Error(policy.PlaceOf("nat"), $"no '{name}' in pools");
            else if (pools.Exists(p => p.Has("prefix-length")))
                diagnostics.Error(policy.PlaceOf("nat"), $"the pool '{name}' gives prefixes, and 'nat' needs addresses");
            else if (clients.Contains(name))
                diagnostics.Error(policy.PlaceOf("nat"), $"the pool '{name}' is of clients' own addresses; 'nat' needs another");
        }
    }

    private static ScalarOutcome Read(string text)
    {
        switch (text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            case ["masquerade"]:
                return ScalarOutcome.Good(new PolicyNatOptions("", null, null));
            case ["masquerade", var name]:
                return Checked(new PolicyNatOptions(name, null, null));
            case ["one-to-one", "pool", var pool] when ScalarTable.Name.Read(pool).Value is not null:
                return ScalarOutcome.Good(new PolicyNatOptions(null, null, pool));
            case ["one-to-one", var address] when ScalarTable.Address.Read(address).Value is IPAddress global:
                return Checked(new PolicyNatOptions(null, global, null));
            default:
                return ScalarTable.Bad(text, Expected);
        }
    }

    private static ScalarOutcome Checked(PolicyNatOptions options)
    {
        // What the commands say to it is what the login would say.
        var problem = options.ToCommands(_ => default).Select(ConfigurationRules.OfLeaves.InterfaceCommand).FirstOrDefault(p => p is not null);
        return problem is null ? ScalarOutcome.Good(options) : ScalarOutcome.Bad(problem);
    }
}
