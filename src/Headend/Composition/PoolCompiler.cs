using Headend.Aaa.Addresses;
using Headend.Configuration;
using Headend.Runtime;

namespace Headend.Composition;

/// <summary>Makes the pools of the configuration.</summary>
internal static class PoolCompiler
{
    /// <exception cref="HeadendStartException">Names every pool that cannot be.</exception>
    public static IReadOnlyList<AddressPool> Compile(IReadOnlyList<PoolOptions> options, TimeProvider time)
    {
        var pools = new List<AddressPool>();
        var errors = new List<string>();
        foreach (var pool in options)
        {
            var translated = new AddressPoolOptions(pool.Name, [.. pool.Ranges.Select(r => r.ToString())])
            {
                Exclusions = [.. pool.Exclusions.Select(e => e.ToString())],
                HoldDown = pool.HoldDown,
                PrefixLength = pool.PrefixLength,
            };
            if (AddressPool.TryCreate(translated, time, out var made, out var error))
                pools.Add(made);
            else
                errors.Add(error);
        }

        return errors.Count == 0 ? pools : throw new HeadendStartException(string.Join('\n', errors));
    }
}
