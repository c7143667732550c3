using System.Globalization;
using System.Text;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// The nftables text that gives packets the DSCP of their class: one chain per policy-map that sets one, and per policy-map and direction a set of interfaces. Pure: the
/// caller runs it. Nothing that anybody sent is copied into it.
/// </summary>
/// <remarks>
/// <code>
/// table inet headend-STATE-dscp
///   entering (hook prerouting)    iifname @inN jump pN, for each policy-map N
///   leaving (hook postrouting)    oifname @outN jump pN
///   pN                            a goto for each class, in order
///   pNcM                          what class M does: the DSCP, or the classes within it
///   pNaM                          an access list as a condition: what it permits goes to the class
/// </code>
/// A packet's way grows with the policy-maps that set a DSCP, not with sessions.
/// </remarks>
internal sealed class MarkingTable(string stateId, IReadOnlyList<PolicyMap> policies)
{
    private readonly PolicyMap[] marking = [.. policies.Where(Marks)];

    public string Name { get; } = $"headend-{stateId}-dscp";

    /// <summary>No policy-map sets a DSCP.</summary>
    public bool IsEmpty => marking.Length == 0;

    /// <summary>Takes away what an earlier run left.</summary>
    public string Teardown() => $"add table inet {Name}\ndelete table inet {Name}\n";

    /// <summary>Makes the table anew.</summary>
    public string Setup()
    {
        var chains = new StringBuilder();
        var rules = new StringBuilder();
        for (var i = 0; i < marking.Length; i++)
        {
            chains.Append(CultureInfo.InvariantCulture, $"add set inet {Name} in{i} {{ type ifname; }}\nadd set inet {Name} out{i} {{ type ifname; }}\n");
            rules.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} entering iifname @in{i} jump p{i}\nadd rule inet {Name} leaving oifname @out{i} jump p{i}\n");
            new Draft(Name, $"p{i}", chains, rules).Add(marking[i]);
        }

        return $"{Teardown()}add table inet {Name}\n"
            + $"add chain inet {Name} entering {{ type filter hook prerouting priority mangle; policy accept; }}\n"
            + $"add chain inet {Name} leaving {{ type filter hook postrouting priority mangle; policy accept; }}\n{chains}{rules}";
    }

    /// <summary>The set that an interface with this policy belongs into; null for none.</summary>
    public string? SetOf(PolicyMap? policy, bool isInput)
    {
        // A rate around a policy-map leaves its DSCP alone.
        while (policy is not null && Array.IndexOf(marking, policy) < 0) policy = policy.Classes is [{ Class: null, Dscp: null, Nested: { } inner }] ? inner : null;
        return policy is null ? null : string.Create(CultureInfo.InvariantCulture, $"{(isInput ? "in" : "out")}{Array.IndexOf(marking, policy)}");
    }

    /// <summary>A class of the policy-map, or of one nested in it, sets a DSCP.</summary>
    public static bool Marks(PolicyMap policy) => policy.Classes.Any(static c => c.Dscp is not null || (c.Nested is { } nested && Marks(nested)));

    /// <summary>A class-map of the policy-map, or of one nested in it, looks at the DSCP.</summary>
    public static bool LooksAtDscp(PolicyMap policy) => policy.Classes.Any(static c =>
        c.Class is { } map && (!map.Dscp.IsEmpty || map.AccessGroups.Any(static list => list.Entries.Any(static e => e.Dscp is not null))) || (c.Nested is { } nested && LooksAtDscp(nested)));

    /// <summary>The chains of one policy-map.</summary>
    private sealed class Draft(string table, string name, StringBuilder chains, StringBuilder rules)
    {
        private int last;

        public void Add(PolicyMap policy)
        {
            Chain(name);
            Classes(policy, name, dscp: null);
        }

        private void Classes(PolicyMap policy, string chain, byte? dscp)
        {
            foreach (var one in QosCompiler.WithDefault(policy))
            {
                var action = NewChain("c");
                // The innermost class that sets a DSCP decides.
                var value = one.Dscp ?? dscp;
                if (one.Nested is { } nested)
                {
                    Classes(nested, action, value);
                }
                else
                {
                    if (value is { } set)
                    {
                        Rule(action, $"ip dscp set {set}");
                        Rule(action, $"ip6 dscp set {set}");
                    }

                    // Of this table alone: other tables see the packet all the same.
                    Rule(action, "accept");
                }

                if (one.Class is { } map) Matches(map, chain, action);
                else Rule(chain, $"goto {action}");
            }
        }

        private void Matches(ClassMap map, string chain, string action)
        {
            var conditions = new List<(int Family, string Text)[]>();
            if (!map.Dscp.IsEmpty) conditions.Add([(4, $"ip dscp {Set(map.Dscp)} "), (6, $"ip6 dscp {Set(map.Dscp)} ")]);
            if (!map.Protocols.IsEmpty) conditions.Add([.. map.Protocols.Select(Condition)]);
            if (map.Any && (!map.MatchesAll || (conditions.Count == 0 && map.AccessGroups.IsEmpty)))
            {
                Rule(chain, $"goto {action}");
                return;
            }

            if (!map.MatchesAll)
            {
                foreach (var (_, text) in conditions.SelectMany(static c => c)) Rule(chain, $"{text}goto {action}");
                foreach (var list in map.AccessGroups) Rule(chain, $"jump {AccessGroup(list, action)}");
                return;
            }

            string[] ways = map.AccessGroups.IsEmpty ? [$"goto {action}"] : [.. map.AccessGroups.Select(list => $"jump {AccessGroup(list, action)}")];
            foreach (var both in Combine(conditions))
            {
                foreach (var way in ways) Rule(chain, both + way);
            }
        }

        /// <summary>One value of each condition; those of two families exclude each other.</summary>
        private static IEnumerable<string> Combine(List<(int Family, string Text)[]> conditions)
        {
            IEnumerable<(int Family, string Text)> all = [(0, "")];
            foreach (var condition in conditions)
            {
                all = [.. all.SelectMany(_ => condition, static (a, b) => (a, b)).Where(static p => p.a.Family == 0 || p.b.Family == 0 || p.a.Family == p.b.Family)
                    .Select(static p => (Math.Max(p.a.Family, p.b.Family), p.a.Text + p.b.Text))];
            }

            return all.Select(static c => c.Text);
        }

        private string AccessGroup(AccessList list, string action)
        {
            var chain = NewChain("a");
            foreach (var entry in list.Entries)
            {
                foreach (var match in NftablesCompiler.Matches(entry)) Rule(chain, $"{(match.Length == 0 ? "" : match + " ")}{(entry.IsPermit ? $"goto {action}" : "return")}");
            }

            if (list.PermitsRest) Rule(chain, $"goto {action}");
            return chain;
        }

        private static (int Family, string Text) Condition(QosProtocol protocol) => protocol switch
        {
            QosProtocol.Ip => (4, "meta nfproto ipv4 "),
            QosProtocol.Ipv6 => (6, "meta nfproto ipv6 "),
            QosProtocol.Tcp => (0, "meta l4proto 6 "),
            QosProtocol.Udp => (0, "meta l4proto 17 "),
            _ => (0, "meta l4proto { 1, 58 } "),
        };

        private static string Set(IEnumerable<byte> values) => "{ " + string.Join(", ", values.Distinct()) + " }";

        private string NewChain(string kind)
        {
            var chain = string.Create(CultureInfo.InvariantCulture, $"{name}{kind}{last++}");
            Chain(chain);
            return chain;
        }

        private void Chain(string chain) => chains.Append(CultureInfo.InvariantCulture, $"add chain inet {table} {chain}\n");

        private void Rule(string chain, string rule) => rules.Append(CultureInfo.InvariantCulture, $"add rule inet {table} {chain} {rule}\n");
    }
}
