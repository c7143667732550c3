using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Headend.Configuration;
using Headend.Ikev2.Crypto;
using Headend.Runtime;
using Headend.Sessions;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>An open data plane and those of its stages that tell what they met; the plane disposes them.</summary>
/// <param name="Plane">The data plane.</param>
/// <param name="Filters">Packet filters; null where no packets pass.</param>
/// <param name="Qos">Traffic policies; null where no packets pass.</param>
/// <param name="Nat">Address translation; null where no packets pass.</param>
internal sealed record OpenedDataPlane(IDataPlane Plane, FilterStage? Filters, QosStage? Qos, NatStage? Nat);

/// <summary>Opens the data plane that the configuration asks for, or with <c>auto</c> the one that this machine and the configuration allow.</summary>
internal static partial class DataPlaneComposition
{
    /// <summary>Below this many descriptors a headend of ordinary size runs out of them.</summary>
    private const ulong FewDescriptors = 65536;

    /// <exception cref="HeadendStartException">This machine cannot be what is asked for; says which part is missing.</exception>
    public static OpenedDataPlane Open(
        HeadendConfiguration configuration, IReadOnlyDictionary<string, AccessList> accessLists, IReadOnlyList<PolicyMap> policies, UdpListener listener, SessionTable table, TimeProvider time, ILogger logger)
    {
        if (configuration.DataPlane == DataPlaneKind.None)
            return new OpenedDataPlane(new NullDataPlane(), null, null, null);
        // The state directory tells our interfaces from those of another headend on this machine.
        var options = new InterfaceOptions
        {
            StateId = StateIdOf(configuration.StateDirectory),
            Vrfs = [.. configuration.Vrfs.Select(v => new VrfDefinition(v.Name, (uint)v.Table))],
        };
        FilterStage? filters = null;
        QosStage? qos = null;
        NatStage? nat = null;
        SourceCheckStage? checks = null;
        try
        {
            filters = OpenFilters(options.StateId, accessLists, time, logger);
            qos = new QosStage(options.StateId, policies, time, failure => LogMarksRestored(logger, failure is null ? LogLevel.Warning : LogLevel.Error, failure));
            nat = new NatStage(options.StateId, options.RouteProtocol, time, failure => LogTranslationRestored(logger, failure is null ? LogLevel.Warning : LogLevel.Error, failure));
            checks = new SourceCheckStage(options.StateId, time, failure => LogCheckRestored(logger, failure is null ? LogLevel.Warning : LogLevel.Error, failure));
            options = options with { Stages = [filters, checks, qos, nat] };
            IDataPlane plane = UseKernel(configuration, logger) ? OpenKernel(options, listener, table, time, logger) : OpenUserSpace(options, listener, table, time, logger);
            return new OpenedDataPlane(plane, filters, qos, nat);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            checks?.Dispose();
            nat?.Dispose();
            qos?.Dispose();
            filters?.Dispose();
            listener.Dispose();
            throw Explain(error);
        }
    }

    private static FilterStage OpenFilters(string stateId, IReadOnlyDictionary<string, AccessList> accessLists, TimeProvider time, ILogger logger)
    {
        var filters = new FilterStage(stateId, [.. accessLists.Values], time, failure => LogRestored(logger, failure is null ? LogLevel.Warning : LogLevel.Error, failure));
        if (filters.Missing is { } missing)
            LogNoFilter(logger, missing);
        return filters;
    }

    private static bool UseKernel(HeadendConfiguration configuration, ILogger logger)
    {
        if (configuration.DataPlane == DataPlaneKind.UserSpace)
            return false;
        var isAsked = configuration.DataPlane == DataPlaneKind.Xfrm;
        // What a configuration for `xfrm` may not hold was an error where it stands.
        if (!isAsked && configuration.KernelPlaneGap is { } gap)
        {
            LogUserSpace(logger, gap);
            return false;
        }

        if (XfrmProbe.FindObstacle(AlgorithmsOf(configuration)) is not { } obstacle)
            return true;
        if (isAsked)
            throw new IOException($"this kernel cannot be the data plane: {obstacle}");
        LogUserSpace(logger, obstacle);
        return false;
    }

    /// <summary>What the profiles may negotiate.</summary>
    private static HashSet<EspAlgorithm> AlgorithmsOf(HeadendConfiguration configuration)
    {
        var algorithms = new HashSet<EspAlgorithm>();
        foreach (var text in configuration.Ikev2.Profiles.SelectMany(profile => profile.Ipsec.Transforms))
        {
            var proposal = ProposalParser.ParseEsp(text);
            foreach (var encryption in proposal.Encryption)
            {
                foreach (var integrity in proposal.Integrity.Select(integrity => integrity.Id).DefaultIfEmpty((ushort)0))
                {
                    if (EspAlgorithmTable.TryFind(encryption.Id, encryption.KeyBits, integrity, out var algorithm))
                        algorithms.Add(algorithm);
                }
            }
        }

        return algorithms;
    }

    private static UserSpaceDataPlane OpenUserSpace(InterfaceOptions options, UdpListener listener, SessionTable table, TimeProvider time, ILogger logger)
    {
        // A run before this one may have had the kernel's.
        XfrmMark.RemoveLeftovers(options.StateId);
        MssClampStage.RemoveLeftovers(options.StateId);
        var opened = new UserSpaceDataPlane(options, new UserSpaceDataPlaneOptions(), [.. listener.NatTraversalSockets], new DataPlaneHints(table), time);
        NoteLeftovers(opened.RemovedLeftovers, logger);
        if (opened.DescriptorLimit is > 0 and < FewDescriptors)
            LogDescriptors(logger, opened.DescriptorLimit);
        return opened;
    }

    private static XfrmDataPlane OpenKernel(InterfaceOptions options, UdpListener listener, SessionTable table, TimeProvider time, ILogger logger)
    {
        // In this process the packet path clamps by itself.
        var clamp = new MssClampStage(options.StateId, time, failure => LogClampRestored(logger, failure is null ? LogLevel.Warning : LogLevel.Error, failure));
        options = options with { Stages = [.. options.Stages, clamp] };
        try
        {
            var opened = new XfrmDataPlane(options, [.. listener.NatTraversalSockets], new DataPlaneHints(table), time);
            NoteLeftovers(opened.RemovedLeftovers, logger);
            return opened;
        }
        catch (IOException)
        {
            clamp.Dispose();
            throw;
        }
    }

    private static void NoteLeftovers(IReadOnlyCollection<string> removed, ILogger logger)
    {
        if (removed.Count == 0)
            return;
        var interfaces = string.Join(' ', removed);
        LogLeftovers(logger, interfaces);
    }

    private static HeadendStartException Explain(Exception error) => new(
        $"data-plane: {error.Message} (interfaces need root or CAP_NET_ADMIN and CAP_NET_RAW; `data-plane: {{ kind: none }}` needs neither)", error);

    private static string StateIdOf(string stateDirectory) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stateDirectory)).AsSpan(0, 8));

    [LoggerMessage(EventId = 1304, EventName = "leftovers-removed", Level = LogLevel.Warning, Message = "interfaces={Interfaces}: an earlier run ended without removing them")]
    private static partial void LogLeftovers(ILogger logger, string interfaces);

    [LoggerMessage(EventId = 1306, EventName = "few-descriptors", Level = LogLevel.Warning, Message = "RLIMIT_NOFILE is {Limit} and each session takes one: raise it (LimitNOFILE=1048576 in a systemd unit)")]
    private static partial void LogDescriptors(ILogger logger, ulong limit);

    [LoggerMessage(EventId = 1308, EventName = "packet-filter-restored", Message = "somebody deleted our nftables table; all lists were made again failure={Failure}")]
    private static partial void LogRestored(ILogger logger, LogLevel level, string? failure);

    [LoggerMessage(EventId = 1309, EventName = "translation-restored", Message = "somebody deleted our nftables table; all translations were made again failure={Failure}")]
    private static partial void LogTranslationRestored(ILogger logger, LogLevel level, string? failure);

    [LoggerMessage(EventId = 1310, EventName = "source-check-restored", Message = "somebody deleted our nftables table; all checks of IPv6 sources were made again failure={Failure}")]
    private static partial void LogCheckRestored(ILogger logger, LogLevel level, string? failure);

    [LoggerMessage(EventId = 1311, EventName = "mss-clamp-restored", Message = "somebody deleted our nftables table; all clamps of the MSS were made again failure={Failure}")]
    private static partial void LogClampRestored(ILogger logger, LogLevel level, string? failure);

    [LoggerMessage(EventId = 1312, EventName = "dscp-marks-restored", Message = "somebody deleted our nftables table; all DSCP marks were made again failure={Failure}")]
    private static partial void LogMarksRestored(ILogger logger, LogLevel level, string? failure);

    [LoggerMessage(EventId = 1313, EventName = "user-space-chosen", Level = LogLevel.Information, Message = "data-plane: auto is user-space: {Reason}")]
    private static partial void LogUserSpace(ILogger logger, string reason);

    [LoggerMessage(
        EventId = 1307, EventName = "no-packet-filter", Level = LogLevel.Warning, Message = "{Missing}: no packets can be filtered; logins that need an access list are refused")]
    private static partial void LogNoFilter(ILogger logger, string missing);
}
