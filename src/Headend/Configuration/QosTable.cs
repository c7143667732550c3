using System.Globalization;
using Headend.VirtualAccess.Policy;

namespace Headend.Configuration;

/// <summary>The keys of <c>qos</c>, and what holds between them.</summary>
internal static class QosTable
{
    private const string ClassMaps = "qos.class-maps";
    private const string PolicyMaps = "qos.policy-maps";

    /// <summary>Gives a byte.</summary>
    private static readonly ScalarSyntax Dscp = new("DSCP", text =>
        DscpTable.TryParse(text, out var value) ? ScalarOutcome.Good(value) : ScalarTable.Bad(text, "a DSCP: 0 to 63, default, cs1 to cs7, af11 to af43, voice-admit or ef"))
    { Pattern = "^([0-9]{1,2}|default|cs[1-7]|af[1-4][1-3]|voice-admit|ef)$" };

    private static readonly ScalarSyntax Protocol = ScalarTable.Word(
        ("ip", QosProtocol.Ip), ("ipv6", QosProtocol.Ipv6), ("tcp", QosProtocol.Tcp), ("udp", QosProtocol.Udp), ("icmp", QosProtocol.Icmp));

    /// <summary>Gives a <see cref="PoliceRate"/>.</summary>
    private static readonly ScalarSyntax Police = new("rate, burst", ReadPolice) { Pattern = $"^{ScalarTable.RatePattern}( +burst +[0-9]+(B|kB|MB|GB))?$" };

    /// <summary>Gives a <see cref="BandwidthOptions"/>.</summary>
    private static readonly ScalarSyntax Bandwidth = new("rate or percentage", text =>
        text.EndsWith('%') && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent is >= 1 and <= 100
            ? ScalarOutcome.Good(new BandwidthOptions(null, percent))
            : ScalarTable.ReadRate(text) is { } rate
                ? ScalarOutcome.Good(new BandwidthOptions(rate, null))
                : ScalarTable.Bad(text, $"{ScalarTable.RateText}, or a percentage from 1% to 100%"))
    { Pattern = $"^({ScalarTable.RatePattern}|[0-9]{{1,3}}%)$" };

    /// <summary>Gives a <see cref="PriorityOptions"/>.</summary>
    private static readonly ScalarSyntax Priority = new("rate or true", text =>
        text == "true" ? ScalarOutcome.Good(new PriorityOptions(null))
        : ScalarTable.ReadRate(text) is { } rate ? ScalarOutcome.Good(new PriorityOptions(rate))
        : ScalarTable.Bad(text, $"{ScalarTable.RateText}, or true"))
    { Pattern = $"^({ScalarTable.RatePattern}|true)$" };

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("qos", new SectionSyntax(
        ConfigurationTable.Key("class-maps", new ListSyntax(new SectionSyntax(
            ConfigurationTable.NewName(ClassMaps, "class"),
            ConfigurationTable.Key("match", ScalarTable.Word(("all", MatchMode.All), ("any", MatchMode.Any)), "`all`: each of the conditions below that are given must hold; `any`: one of them. A condition holds if one of its values fits.", "all"),
            ConfigurationTable.Key("access-group", new ListSyntax(ScalarTable.Name, Minimum: 1, Maximum: 16), "Access lists by name: what one of them permits fits. Fragments behind the first carry no ports.") with { RefersTo = "access-lists" },
            ConfigurationTable.Key("dscp", new ListSyntax(Dscp, Minimum: 1, Maximum: 64), "DSCP of the packet by name or number."),
            ConfigurationTable.Key("protocol", new ListSyntax(Protocol, Minimum: 1, Maximum: 5), "`ip` is IPv4; `icmp` is ICMP and ICMPv6."),
            ConfigurationTable.Key("any", ScalarTable.Boolean, "Every packet.", "false"))
        { Check = CheckClass }), "Classes of packets. `default` is the class of what no other class of a policy-map takes."),
        ConfigurationTable.Key("policy-maps", new ListSyntax(new SectionSyntax(
            ConfigurationTable.NewName(PolicyMaps, "policy-map"),
            ConfigurationTable.Required("classes", new ListSyntax(new SectionSyntax(
                ConfigurationTable.Required("class", ScalarTable.Name, "A class-map, or `default`, which comes last.") with { RefersTo = ClassMaps },
                ConfigurationTable.Key("police", Police, "What is above this rate is dropped, such as `10Mbit` or `10Mbit burst 500kB`: after a pause the burst may come at once; without one it is a quarter of a second of the rate, 1500 octets at least."),
                ConfigurationTable.Key("shape", ScalarTable.Rate, "What is above this rate waits, a tenth of a second at most."),
                ConfigurationTable.Key("bandwidth", Bandwidth, "What the class is guaranteed, such as `2Mbit` or `20%`, of a class with `shape` or `police` around the policy-map. What the classes leave is shared."),
                ConfigurationTable.Key("priority", Priority, "The class goes before the others, up to this rate, above which it is dropped, or `true` for all of it. Needs a class around like `bandwidth`."),
                ConfigurationTable.Key("set-dscp", Dscp, "DSCP that packets leave with, by name or number. The innermost class that sets one decides."),
                ConfigurationTable.Key("service-policy", ScalarTable.Name, "A policy-map for the packets of this class, three deep at most.") with { RefersTo = PolicyMaps })
            { Check = CheckActions }, Minimum: 1, Maximum: PolicyMap.MaximumClasses), "Classes in order; the first that fits takes the packet.")),
            Maximum: 1000),
            "What happens to the packets of classes. `ip:sub-qos-policy-in` and `-out` of RADIUS name one for what comes from the client and one for what goes to it.")),
        "Rates and queues of sessions.");

    internal enum MatchMode
    {
        All,
        Any,
    }

    /// <summary>Name of the class that needs no class-map.</summary>
    public static (string Kind, string Name) BuiltIn => (ClassMaps, PolicyMap.DefaultClass);

    public static QosOptions Compile(SectionValue root)
    {
        var section = root.Section("qos");
        return new QosOptions(
            [.. section.Sections("class-maps").Select(c => new ClassMapOptions(
                c.Get<string>("name"), c.Get<MatchMode>("match") == MatchMode.All, c.Get<bool>("any"), c.List<string>("access-group"), c.List<byte>("dscp"), c.List<QosProtocol>("protocol")))],
            [.. section.Sections("policy-maps").Select(p => new PolicyMapOptions(p.Get<string>("name"), [.. p.Sections("classes").Select(CompileClass)]))]);
    }

    private static PolicyClassOptions CompileClass(SectionValue one) => new()
    {
        Class = one.Get<string>("class"),
        Police = one.GetOptional<PoliceRate>("police"),
        Shape = one.GetOptionalValue<long>("shape"),
        Bandwidth = one.GetOptional<BandwidthOptions>("bandwidth"),
        Priority = one.GetOptional<PriorityOptions>("priority"),
        SetDscp = one.GetOptionalValue<byte>("set-dscp"),
        ServicePolicy = one.GetOptional<string>("service-policy"),
    };

    private static ScalarOutcome ReadPolice(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is 1 or 3 && ScalarTable.ReadRate(words[0]) is { } rate)
        {
            if (words.Length == 1)
                return ScalarOutcome.Good(PoliceRate.Of(rate));
            if (words[1] == "burst" && ScalarTable.ReadSize(words[2]) is >= PoliceRate.MinimumBurst and <= MaximumBurst and { } burst)
                return ScalarOutcome.Good(new PoliceRate(rate, burst));
        }
        return ScalarTable.Bad(text, $"{ScalarTable.RateText}, or with a burst of 1500B to 4GB such as '10Mbit burst 500kB'");
    }

    private const long MaximumBurst = 4_000_000_000;

    private static void CheckClass(SectionValue map, DiagnosticStore diagnostics)
    {
        if (map.GetOptional<string>("name") == PolicyMap.DefaultClass)
            diagnostics.Error(map.PlaceOf("name"), $"'{PolicyMap.DefaultClass}' is the class of what no other class takes, and needs no class-map");
        var conditions = (string[])["access-group", "dscp", "protocol"];
        if (conditions.All(key => map.Items(key).Count == 0 && !map.IsRejected(key)) && map.Find("any")?.Value is false)
            diagnostics.Error(map.At, $"a class-map needs one of {string.Join(", ", conditions)}, any");
    }

    private static void CheckActions(SectionValue one, DiagnosticStore diagnostics)
    {
        foreach (var (first, second) in new[] { ("police", "shape"), ("bandwidth", "priority") })
            if (one.Has(first) && one.Has(second))
                diagnostics.Error(one.PlaceOf(second), $"'{first}' and '{second}' exclude each other");
    }

    /// <summary>The order of classes, the nesting of policy-maps, and whether what they guarantee fits into what is around them.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        if (root.GetOptional<SectionValue>("qos") is not { } qos)
            return;
        var policies = qos.Sections("policy-maps").Where(p => p.Has("name")).DistinctBy(p => p.Get<string>("name")).ToDictionary(p => p.Get<string>("name"), StringComparer.Ordinal);
        var good = true;
        foreach (var policy in policies.Values)
            good &= CheckOrder(policy, diagnostics) & CheckCycle(policy, policies, diagnostics);
        // What is guaranteed can only be added up where everything else is in order; names that lead nowhere are reported behind this.
        if (!good || diagnostics.HasErrors)
            return;
        var options = Compile(root);
        var lists = AccessListTable.Compile(root);
        var listNames = lists.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var classes = options.ClassMaps.Select(c => c.Name).Append(PolicyMap.DefaultClass).ToHashSet(StringComparer.Ordinal);
        if (options.PolicyMaps.SelectMany(p => p.Classes).Any(c => !classes.Contains(c.Class) || (c.ServicePolicy is { } inner && !policies.ContainsKey(inner)))
            || !options.ClassMaps.SelectMany(c => c.AccessGroups).All(listNames.Contains))
            return;
        var compiled = QosPolicyCompiler.Compile(options, AccessListTable.ToLists(lists));
        var nested = options.PolicyMaps.SelectMany(p => p.Classes).Select(c => c.ServicePolicy).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var policy in compiled.Values)
        {
            if (QosCompiler.Check(policy) is not { } failure || (failure.NeedsClassAround && nested.Contains(failure.Policy.Name)))
                continue;
            var place = policies[failure.Policy.Name].Sections("classes").ElementAt(failure.Class).At;
            diagnostics.Error(place, failure.Policy == policy ? failure.Reason : $"{failure.Reason}, within the policy-map '{policy.Name}'");
        }
    }

    private static bool CheckOrder(SectionValue policy, DiagnosticStore diagnostics)
    {
        var classes = policy.Sections("classes").ToList();
        HashSet<string> seen = [];
        var good = true;
        for (var i = 0; i < classes.Count; i++)
        {
            if (classes[i].GetOptional<string>("class") is not { } name)
                continue;
            var problem = !seen.Add(name) ? $"the class '{name}' stands twice in the policy-map"
                : name == PolicyMap.DefaultClass && i + 1 < classes.Count ? $"'{name}' takes what no other class takes, and comes last" : null;
            if (problem is null)
                continue;
            good = false;
            diagnostics.Error(classes[i].PlaceOf("class"), problem);
        }
        return good;
    }

    private static bool CheckCycle(SectionValue policy, Dictionary<string, SectionValue> policies, DiagnosticStore diagnostics)
    {
        var name = policy.Get<string>("name");
        foreach (var one in policy.Sections("classes"))
        {
            if (one.GetOptional<string>("service-policy") is not { } inner || !Reaches(inner, []))
                continue;
            diagnostics.Error(one.PlaceOf("service-policy"), $"the policy-map '{name}' stands within itself");
            return false;
        }
        return true;

        bool Reaches(string from, HashSet<string> seen) => from == name
            || (seen.Add(from) && policies.TryGetValue(from, out var next)
                && next.Sections("classes").Select(c => c.GetOptional<string>("service-policy")).OfType<string>().Any(n => Reaches(n, seen)));
    }
}
