using System.Diagnostics.CodeAnalysis;
using Headend.Aaa.Authorization;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

/// <summary>Finds the traffic policies of a session: the policy-maps that its interface names, within the rates that AAA gave.</summary>
internal sealed class SessionPolicyTable(IReadOnlyDictionary<string, PolicyMap> policies)
{
    /// <summary>Bits per second: what a policy-map of the configuration may have, too.</summary>
    private const long LeastRate = 8_000, MostRate = 100_000_000_000;

    private const double MostBurst = 4e9;

    public static SessionPolicyTable Empty { get; } = new(new Dictionary<string, PolicyMap>());

    /// <summary>False with what stands in the way.</summary>
    /// <param name="config">Of the interface.</param>
    /// <param name="up">From the client; null for no limit.</param>
    /// <param name="down">To the client.</param>
    /// <param name="qos">The policies.</param>
    /// <param name="refusal">For the log.</param>
    public bool TryResolve(InterfaceConfig config, RateLimit? up, RateLimit? down, out SessionQos qos, [NotNullWhen(false)] out string? refusal)
    {
        qos = SessionQos.None;
        if (!TryResolve(config.ServicePolicyInput, up, QosCompiler.Check, out var input, out refusal) || !TryResolve(config.ServicePolicyOutput, down, QosCompiler.CheckOutput, out var output, out refusal))
            return false;
        qos = new SessionQos(input, output);
        return true;
    }

    /// <summary>The policing of a rate. A burst lasts while the average of the time that AAA named stays below its threshold, which is what a bucket of this size gives.</summary>
    internal static PoliceRate ToPolice(RateLimit rate)
    {
        var sustained = Math.Clamp(rate.BitsPerSecond, LeastRate, MostRate);
        var plain = PoliceRate.Of(sustained);
        if (rate.BurstBitsPerSecond is not { } burst || burst <= sustained)
            return plain;
        var peak = Math.Min(burst, MostRate);
        var seconds = (double)(rate.BurstSeconds ?? 1) * (rate.ThresholdBitsPerSecond ?? sustained) / peak;
        var octets = (long)Math.Min((peak - sustained) * seconds / 8, MostBurst);
        return new PoliceRate(sustained, Math.Max(plain.BurstOctets, octets), peak);
    }

    private bool TryResolve(Setting<string>? named, RateLimit? rate, Func<PolicyMap, QosFailure?> check, out PolicyMap? policy, [NotNullWhen(false)] out string? refusal)
    {
        policy = null;
        refusal = null;
        if (named is not null && !policies.TryGetValue(named.Value, out policy))
        {
            refusal = $"{named.Origin}: \"{named.Command}\": no policy map {named.Value}";
            return false;
        }

        if (rate is not null)
        {
            // Around a policy the rate shapes, so that the policy decides what has to wait; alone it drops.
            var limit = policy is null
                ? new PolicyClass { Police = ToPolice(rate) }
                : new PolicyClass { Shape = Math.Clamp(rate.BitsPerSecond, LeastRate, MostRate), Nested = policy };
            policy = new PolicyMap(RateName, [limit]);
        }

        if (policy is null || check(policy) is not { } failure)
            return true;
        refusal = named is null ? failure.ToString() : $"{named.Origin}: \"{named.Command}\": {failure}";
        return false;
    }

    private const string RateName = "rate-limit";
}
