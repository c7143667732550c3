using System.Buffers.Binary;
using System.Net;
using System.Text;
using Headend.Aaa.Authorization;
using Headend.Configuration;

namespace Headend.Sessions;

/// <summary>Cisco's configuration attributes of one session, out of the profile's table and what was granted.</summary>
internal static class CiscoAttributeCompiler
{
    /// <summary>Octets of one value: a configuration payload is a payload of 64 KB at most.</summary>
    private const int MostOctets = 8192;

    /// <param name="rules">The profile's table.</param>
    /// <param name="profile">What was granted.</param>
    /// <param name="subnets">Its route-set, with names looked up.</param>
    /// <param name="completeDocument">That of AnyConnect-EAP; empty for none.</param>
    /// <returns>Of what the session has, in the table's order.</returns>
    public static IReadOnlyList<KeyValuePair<ushort, ReadOnlyMemory<byte>>> Compile(
        IReadOnlyList<CiscoAttributeOptions> rules, SessionProfile profile, IReadOnlyList<IPNetwork> subnets, ReadOnlyMemory<byte> completeDocument)
    {
        var attributes = new List<KeyValuePair<ushort, ReadOnlyMemory<byte>>>();
        foreach (var rule in rules)
        {
            if (Value(rule, profile, subnets, completeDocument) is { Length: > 0 and <= MostOctets } value)
                attributes.Add(new(rule.Number, value));
        }

        return attributes;
    }

    private static ReadOnlyMemory<byte>? Value(CiscoAttributeOptions rule, SessionProfile profile, IReadOnlyList<IPNetwork> subnets, ReadOnlyMemory<byte> completeDocument) => rule.Source switch
    {
        CiscoAttributeSource.Value => rule.Value,
        CiscoAttributeSource.Banner => Text(profile.Banner),
        CiscoAttributeSource.DefaultDomain => Text(profile.DefaultDomain),
        CiscoAttributeSource.SplitDns => Text(string.Join(',', profile.SplitDns)),
        CiscoAttributeSource.BackupServers => Text(string.Join(',', profile.BackupGateways)),
        CiscoAttributeSource.SplitInclude => Networks(subnets),
        CiscoAttributeSource.SessionTimeout => Seconds(profile.SessionTimeout),
        CiscoAttributeSource.IdleTimeout => Seconds(profile.IdleTimeout),
        CiscoAttributeSource.Pfs => Flag(profile.Pfs),
        CiscoAttributeSource.SmartcardRemovalDisconnect => Flag(profile.SmartcardRemovalDisconnect),
        CiscoAttributeSource.IncludeLocalLan => Flag(profile.IncludeLocalLan),
        CiscoAttributeSource.ConfigurationUrl => Text(profile.ConfigurationUrl),
        CiscoAttributeSource.ConfigurationVersion => Number(profile.ConfigurationVersion),
        CiscoAttributeSource.CompleteDocument => completeDocument,
        _ => null,
    };

    private static ReadOnlyMemory<byte>? Text(string? text) => string.IsNullOrEmpty(text) ? null : Encoding.UTF8.GetBytes(text);

    private static ReadOnlyMemory<byte>? Flag(bool? flag) => flag is { } set ? new byte[] { (byte)(set ? 1 : 0) } : null;

    private static ReadOnlyMemory<byte>? Seconds(TimeSpan? span) => Number(span is { } time ? (uint)Math.Clamp(time.TotalSeconds, 0, uint.MaxValue) : null);

    private static ReadOnlyMemory<byte>? Number(uint? number)
    {
        if (number is not { } value)
            return null;
        var octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, value);
        return octets;
    }

    // Network, mask, protocol and two ports that mean any.
    private static ReadOnlyMemory<byte>? Networks(IReadOnlyList<IPNetwork> subnets)
    {
        var octets = new List<byte>();
        foreach (var subnet in subnets.Where(s => s.BaseAddress.GetAddressBytes().Length == 4))
        {
            var mask = subnet.PrefixLength == 0 ? 0u : uint.MaxValue << (32 - subnet.PrefixLength);
            octets.AddRange([.. subnet.BaseAddress.GetAddressBytes(), (byte)(mask >> 24), (byte)(mask >> 16), (byte)(mask >> 8), (byte)mask, 0, 0, 0, 0, 0, 0]);
        }

        return octets.ToArray();
    }
}
