using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography;
using Headend.Aaa.Accounting;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Runtime;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>
/// Translates between IKE's effects and the data plane. Interfaces are made and removed by the kernel worker; SAs of an interface that stands are installed and
/// removed on the shard's thread, which blocks nothing and keeps their order.
/// </summary>
internal sealed partial class SessionInterfaces(
    IDataPlane dataPlane, KernelWorker kernel, MonotonicClock clock, InterfaceNames names, SessionFilterCompiler filters, SessionPolicyTable policies,
    AddressAssignment addresses, ILogger logger)
{
    private const string OtherMode = "the session's interface was made for the other mode of ESP";

    /// <summary>Installs a pair; the session's first one brings its interface up. <paramref name="done"/> gets the fault or null, on either thread.</summary>
    public void Install(ClientSession session, ChildSaParameters child, uint replaces, Action<string?> done)
    {
        if (!TryTranslate(session, child, replaces, out var parameters, out var fault))
        {
            done(fault);
            return;
        }

        if (session.InterfaceRequested)
        {
            if (session.IsRestored && session.Handle.IsNone)
            {
                session.IsInstalling = true;
                kernel.Post(() =>
                {
                    var refused = RestoreAndInstall(session, parameters!, child);
                    session.IsInstalling = false;
                    done(refused);
                });
                return;
            }

            if (session.Returning is not null)
            {
                if (child.IsTransportMode != (session.Encapsulation == TunnelEncapsulation.Gre))
                {
                    Forget(parameters!);
                    done(OtherMode);
                    return;
                }

                UpdatePath(session, child.Path, child.UdpEncapsulation);
            }

            var installed = InstallSa(session, parameters!);
            // Routes are the kernel's, which a shard does not wait for; the SA stands without them.
            if (installed is null && replaces == 0 && session.Profile.RouteAcceptance is not null)
                kernel.Post(() => AddAnnounced(session, child));
            done(installed);
            return;
        }

        session.InterfaceRequested = true;
        session.Encapsulation = child.IsTransportMode ? TunnelEncapsulation.Gre : TunnelEncapsulation.Ipsec;
        var request = Derive(session, ToEspPath(child.Path, child.UdpEncapsulation), [], out fault);
        if (request is null)
        {
            Forget(parameters!);
            done(fault);
            return;
        }

        kernel.Post(() => done(BringUp(session, request, parameters!, child)), request.Filter);
    }

    /// <summary>All pairs of a session without an IKE SA: what came of a login that broke off, or of an exchange that its end overtook.</summary>
    public void RemoveSas(ClientSession session)
    {
        foreach (var sa in SasOf(session))
            dataPlane.RemoveSa(sa.InboundSpi);
    }

    /// <summary>Runs something behind what the kernel's thread has to do already.</summary>
    public void Behind(Action action) => kernel.Post(action);

    /// <summary>Completes, on another thread, when the kernel's thread has done what it has to do already.</summary>
    public Task BehindAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        kernel.Post(done.SetResult);
        return done.Task;
    }

    public void RemoveSa(uint inboundSpi) => dataPlane.RemoveSa(inboundSpi);

    public void UpdatePath(ClientSession session, in IkePath path, bool udpEncapsulation)
    {
        if (session.Handle.IsNone)
            return;
        var wanted = ToEspPath(path, udpEncapsulation);
        if (!dataPlane.UpdatePath(session.Handle, wanted) && !session.IsClosed)
            LogNotMoved(logger, session.Names.AuditSessionId, session.User, wanted.Remote.ToIPEndPoint());
    }

    /// <summary>When inner packets last passed, for dead peer detection and idle timeout.</summary>
    public (MonotonicTime? Inbound, MonotonicTime? Outbound) LastTraffic(ClientSession session)
    {
        if (session.Handle.IsNone || !dataPlane.TryGetCounters(session.Handle, out var counters))
            return (null, null);
        return (ToTime(counters.LastInbound), ToTime(counters.LastOutbound));
    }

    public ImmutableArray<SaCounters> SasOf(ClientSession session) => session.Handle.IsNone ? [] : dataPlane.GetSaCounters(session.Handle);

    /// <summary>Inner traffic of the session, over restarts.</summary>
    public TrafficCounters CountersOf(ClientSession session) => LiveCountersOf(session) + session.Carried;

    /// <summary>Inner traffic of the session in this process.</summary>
    public TrafficCounters LiveCountersOf(ClientSession session) =>
        !session.Handle.IsNone && dataPlane.TryGetCounters(session.Handle, out var counters) ? ToTraffic(counters) : default;

    /// <summary>Removes what stands for the session, then calls <paramref name="done"/> with its final counters; behind a creation that is still under way.</summary>
    public void TearDown(ClientSession session, Action<TrafficCounters> done)
    {
        if (!session.InterfaceRequested)
        {
            done(default);
            return;
        }

        kernel.Post(() => done(!session.Handle.IsNone && dataPlane.RemoveInterface(session.Handle, out var final) ? ToTraffic(final) : default));
    }

    private static TrafficCounters ToTraffic(in SessionCounters counters) =>
        new((ulong)counters.InOctets, (ulong)counters.OutOctets, (ulong)counters.InPackets, (ulong)counters.OutPackets);

    private static EspPath ToEspPath(in IkePath path, bool udpEncapsulation)
    {
        var local = TransportAddress.From(path.Local);
        var remote = TransportAddress.From(path.Remote);
        return udpEncapsulation
            ? new EspPath(local, remote, EspEncapsulation.Udp)
            : new EspPath(local with { Port = 0 }, remote with { Port = 0 }, EspEncapsulation.Plain);
    }

    private InterfaceRequest? Derive(ClientSession session, EspPath path, ImmutableHashSet<string> leftOut, out string? fault)
    {
        var rules = new DerivationRules(names, session.Tunnel, session.Binding.IgnoresInterfaceErrors) { LeftOut = leftOut };
        var derived = VirtualAccessDerivation.Derive(session.Template, session.AuthorizedCommands(), rules);
        Note(session, derived);
        var qos = SessionQos.None;
        fault = derived.Failures.IsEmpty ? null : derived.Explain();
        var filter = InterfaceFilter.None;
        if (fault is null && !filters.TryCompile(session, session.FilterProfile ?? session.Profile, derived.Config, out filter, out var unresolved))
            fault = unresolved;
        if (fault is null)
            policies.TryResolve(derived.Config, session.Profile.RateUp, session.Profile.RateDown, out qos, out fault);
        ImmutableArray<IPAddress> globals = [];
        if (fault is null)
            TryTakeGlobals(session, derived.Config, out globals, out fault);
        return fault is not null
            ? null
            : new InterfaceRequest
            {
                Number = session.Names.Number,
                Config = derived.Config,
                ClientAddresses = [.. session.ClientAddresses()],
                Routes = PeerRouting.Assigned(session.Profile, session.Addresses),
                Filter = filter,
                Path = path,
                Encapsulation = session.Encapsulation,
                LocalNetworks = session.LocalNetworks,
                Qos = qos,
                NatPoolAddresses = globals,
                Inform = session.DhcpInformation(),
                Label = session.User ?? session.IkeIdentity,
            };
    }

    private bool TryTakeGlobals(ClientSession session, InterfaceConfig config, out ImmutableArray<IPAddress> globals, [NotNullWhen(false)] out string? fault)
    {
        globals = [];
        fault = null;
        foreach (var (pool, isIPv6) in new[] { (config.NatPool, false), (config.Ipv6NatPool, true) })
        {
            if (pool is null)
                continue;
            if (!addresses.TryTakeGlobal(session, pool.Value, isIPv6, out var address, out var why))
            {
                fault = $"{pool.Origin}: \"{pool.Command}\": {why}";
                return false;
            }

            globals = globals.Add(address);
        }

        return true;
    }

    private void Note(ClientSession session, DerivedInterface derived)
    {
        foreach (var note in derived.Notes)
            LogNote(logger, session.Names.AuditSessionId, session.User, note);
    }

    private static bool TryTranslate(ClientSession session, ChildSaParameters child, uint replaces, out EspSaParameters? parameters, out string? fault)
    {
        parameters = null;
        fault = null;
        var suite = child.Suite;
        if (!EspAlgorithmTable.TryFind(suite.Encryption.Id, suite.Encryption.KeyBits, suite.Integrity?.Id ?? 0, out var algorithm))
        {
            fault = $"the data plane does not compute {suite}";
            return false;
        }

        parameters = new EspSaParameters
        {
            InboundSpi = child.InboundSpi,
            OutboundSpi = child.OutboundSpi,
            Algorithm = algorithm,
            // Copies: the core zeroes its keys when the login ends, which may be before the kernel worker comes to this.
            InboundKeys = new EspKeys(child.InboundEncryptionKey.ToArray(), child.InboundIntegrityKey.ToArray()),
            OutboundKeys = new EspKeys(child.OutboundEncryptionKey.ToArray(), child.OutboundIntegrityKey.ToArray()),
            IsTransportMode = child.IsTransportMode,
            LocalSelectors = Translate(child.LocalSelectors),
            RemoteSelectors = Translate(child.RemoteSelectors),
            ExtendedSequenceNumbers = suite.Esn,
            ReplayWindow = child.ReplayWindow,
            Outbound = child.OutboundAtOnce ? OutboundMode.Now : OutboundMode.AfterFirstInbound,
            Replaces = replaces,
            SoftLimits = new EspSoftLimits(child.SoftLifetimeOctets, 0),
            DfBit = session.Binding.DfBit,
        };
        return true;
    }

    private static ImmutableArray<EspSelector> Translate(IReadOnlyList<TrafficSelector> selectors) =>
        [.. selectors.Select(s => new EspSelector(s.StartAddress, s.EndAddress, s.Protocol, s.StartPort, s.EndPort))];

    private static void Forget(EspSaParameters parameters)
    {
        foreach (var key in new[] { parameters.InboundKeys.Encryption, parameters.InboundKeys.Integrity, parameters.OutboundKeys.Encryption, parameters.OutboundKeys.Integrity })
        {
            if (System.Runtime.InteropServices.MemoryMarshal.TryGetArray(key, out var octets))
                CryptographicOperations.ZeroMemory(octets);
        }
    }

    private string? BringUp(ClientSession session, InterfaceRequest request, EspSaParameters parameters, ChildSaParameters child)
    {
        if (session.IsClosed)
        {
            Forget(parameters);
            return "the login is over";
        }

        using (session.Trace.Step(Telemetry.LoginStep.CreateInterface))
        {
            if (!TryCreate(session, request.Path, request, out var handle, out var failure))
            {
                Forget(parameters);
                return failure;
            }

            session.Handle = handle;
            AddAnnounced(session, child);
        }

        if (InstallSa(session, parameters) is not { } fault)
            return null;
        dataPlane.RemoveInterface(session.Handle, out _);
        session.Handle = default;
        return fault;
    }

    /// <summary>Where the profile ignores errors, commands that this machine cannot follow are left out, one after the other.</summary>
    private bool TryCreate(ClientSession session, EspPath path, InterfaceRequest request, out SessionHandle handle, out string? fault)
    {
        ImmutableHashSet<string> leftOut = [];
        InterfaceFailure? failure;
        while (!dataPlane.TryCreateInterface(request, out handle, out failure))
        {
            fault = failure.ToString();
            if (!session.Binding.IgnoresInterfaceErrors || !failure.IsCommand || leftOut.Contains(failure.Step))
                return false;
            LogNote(logger, session.Names.AuditSessionId, session.User, $"{fault}: left out");
            leftOut = leftOut.Add(failure.Step);
            if (Derive(session, path, leftOut, out fault) is not { } without)
                return false;
            request = without;
        }

        session.InterfaceConfig = request.Config;
        session.Filter = request.Filter;
        session.FilterProfile = session.Profile;
        fault = null;
        return true;
    }

    private void AddAnnounced(ClientSession session, ChildSaParameters child)
    {
        // The selectors of transport mode are the outer addresses.
        if (child.IsTransportMode)
            return;
        foreach (var route in PeerRouting.Announced(session.Profile, session.Addresses, child.RemoteSelectors))
        {
            if (session.AnnouncedRoutes.Contains(route))
                continue;
            if (dataPlane.TryAddRoutes(session.Handle, [route], out var failure))
                session.AnnouncedRoutes = session.AnnouncedRoutes.Add(route);
            else
                LogRouteRefused(logger, session.Names.AuditSessionId, route, failure.Reason);
        }
    }

    private string? InstallSa(ClientSession session, EspSaParameters parameters)
    {
        var installed = dataPlane.TryInstallSa(session.Handle, parameters, out var failure);
        Forget(parameters);
        return installed ? null : failure!.ToString();
    }

    private MonotonicTime? ToTime(long timestamp) => timestamp == 0 ? null : clock.FromTimestamp(timestamp);

    [LoggerMessage(EventId = 1234, EventName = "interface-command", Level = LogLevel.Warning, Message = "session={Session} user={User} {Note}")]
    private static partial void LogNote(ILogger logger, string session, string? user, string note);

    [LoggerMessage(
        EventId = 1235, EventName = "path-refused", Level = LogLevel.Warning, Message = "session={Session} user={User} the kernel did not take the client's new address {Remote}; ESP goes on to the old one")]
    private static partial void LogNotMoved(ILogger logger, string session, string? user, System.Net.IPEndPoint remote);

    [LoggerMessage(EventId = 1233, EventName = "route-not-accepted", Level = LogLevel.Warning, Message = "session={Session} route={Route} reason={Reason}: the client announced it")]
    private static partial void LogRouteRefused(ILogger logger, string session, InterfaceRoute route, string reason);
}
