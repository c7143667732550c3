using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Policy;

/// <summary>Resolves the translation commands of an interface: whose address <c>self</c> is, what the pools gave. Pure.</summary>
internal static class NatCompiler
{
    /// <summary>The rules, one-to-one before masquerades; none for an interface that is shut down. False with the command at fault.</summary>
    public static bool TryCompile(InterfaceRequest request, out ImmutableArray<NatRule> rules, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        rules = [];
        failure = null;
        var config = request.Config;
        if (config.Shutdown is not null) return true;
        var compiled = ImmutableArray.CreateBuilder<NatRule>();
        foreach (var setting in config.NatStatics)
        {
            failure = AddStatic(compiled, request, setting.Command, setting.Value.Local, setting.Value.Global);
            if (failure is not null) return false;
        }

        foreach (var (pool, family) in new[] { (config.NatPool, AddressFamily.InterNetwork), (config.Ipv6NatPool, AddressFamily.InterNetworkV6) })
        {
            if (pool is null) continue;
            failure = request.NatPoolAddresses.FirstOrDefault(a => a.AddressFamily == family) is { } global
                ? AddStatic(compiled, request, pool.Command, default, global)
                : Bad(pool.Command, $"the pool {pool.Value} gave no address");
            if (failure is not null) return false;
        }

        AddOverload(compiled, config.NatOverload, AddressFamily.InterNetwork);
        AddOverload(compiled, config.Ipv6NatOverload, AddressFamily.InterNetworkV6);
        rules = compiled.DrainToImmutable();
        return true;
    }

    private static void AddOverload(ImmutableArray<NatRule>.Builder rules, Setting<string>? setting, AddressFamily family)
    {
        if (setting is not null) rules.Add(new NatRule(family, setting.Command) { WayOut = setting.Value.Length == 0 ? null : setting.Value });
    }

    private static InterfaceFailure? AddStatic(ImmutableArray<NatRule>.Builder rules, InterfaceRequest request, string command, NatLocal asked, IPAddress global)
    {
        var isIpv6 = global.AddressFamily == AddressFamily.InterNetworkV6;
        if ((asked.Address ?? request.ClientAddresses.FirstOrDefault(a => a.AddressFamily == global.AddressFamily)) is not { } local)
            return Bad(command, $"the client has no {(isIpv6 ? "IPv6" : "IPv4")} address");
        if (!request.AllRoutes().Any(route => route.Network.Contains(local))) return Bad(command, $"{local} is neither the client's nor of a network behind it");
        // Networks behind the client do not count here: it may announce them, and must not make later changes fail.
        if (request.ClientAddresses.Contains(global)) return Bad(command, $"{global} is the client's own");
        if (IPAddress.IsLoopback(global) || global.IsIPv6Multicast || global.IsIPv6LinkLocal || (!isIpv6 && global.GetAddressBytes()[0] is 0 or >= 224))
            return Bad(command, $"{global} is no address of a host");
        if (rules.Any(r => local.Equals(r.Local) || global.Equals(r.Global))) return Bad(command, $"{(rules.Any(r => local.Equals(r.Local)) ? local : global)} is translated by another command");
        rules.Add(new NatRule(global.AddressFamily, command) { Local = local, Global = global });
        return null;
    }

    private static InterfaceFailure Bad(string command, string reason) => new(command, reason) { BadValue = true, IsCommand = true };
}
