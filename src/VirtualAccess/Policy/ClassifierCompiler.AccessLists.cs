using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Operation = Headend.VirtualAccess.Policy.ClassifierDraft.Operation;
using Test = Headend.VirtualAccess.Policy.ClassifierDraft.Test;

namespace Headend.VirtualAccess.Policy;

internal static partial class ClassifierCompiler
{
    private const uint Ipv4Source = 12, Ipv4Destination = 16, Ipv6Source = 8, Ipv6Destination = 24;
    private const uint SourcePort = 0, DestinationPort = 2, TcpFlags = 13, IcmpType = 0, IcmpCode = 1;

    private static void AccessGroups(ClassifierDraft draft, IReadOnlyList<AccessList> lists, int yes, int no)
    {
        foreach (var list in lists)
        {
            var next = draft.NewLabel();
            AccessGroup(draft, list, yes, next);
            draft.Mark(next);
        }

        draft.Jump(no);
    }

    /// <summary>A list takes a packet that it permits. What it logs is logged where it filters.</summary>
    private static void AccessGroup(ClassifierDraft draft, AccessList list, int yes, int no)
    {
        foreach (var entry in list.Entries)
        {
            var next = draft.NewLabel();
            Entry(draft, entry, entry.IsPermit ? yes : no, next);
            draft.Mark(next);
        }

        draft.Jump(list.PermitsRest ? yes : no);
    }

    private static void Entry(ClassifierDraft draft, AccessListEntry entry, int fits, int fails)
    {
        if (entry.Family is { } family)
        {
            draft.LoadCell(Version);
            draft.JumpUnless(Test.Equal, family == AddressFamily.InterNetwork ? Ipv4 : Ipv6, fails);
        }

        var v6 = entry.Family == AddressFamily.InterNetworkV6;
        if (entry.Source is { } source) Address(draft, source, v6 ? Ipv6Source : Ipv4Source, fails);
        if (entry.Destination is { } destination) Address(draft, destination, v6 ? Ipv6Destination : Ipv4Destination, fails);
        if (entry.Dscp is { } dscp) MustBe(draft, Dscp, dscp, fails);
        if (entry.Protocol is { } protocol) MustBe(draft, Protocol, protocol, fails);
        if (entry.Fragments) MustBe(draft, HasTransport, 0, fails);
        if (entry.NeedsTransportHeader)
        {
            draft.LoadCell(HasTransport);
            draft.JumpIf(Test.Equal, 0, entry.PermitsLaterFragments ? fits : fails);
            TransportHeader(draft, entry, fails);
        }

        draft.Jump(fits);
    }

    private static void TransportHeader(ClassifierDraft draft, AccessListEntry entry, int fails)
    {
        draft.LoadCellToIndex(Transport);
        if (entry.SourcePorts is { } from) Ports(draft, from, SourcePort, fails);
        if (entry.DestinationPorts is { } to) Ports(draft, to, DestinationPort, fails);
        if (entry.TcpFlags is { } flags)
        {
            draft.LoadOctetBehindIndex(TcpFlags);
            if (flags.IsAny)
            {
                draft.JumpUnless(Test.AnyBit, flags.Mask, fails);
            }
            else
            {
                draft.Compute(Operation.And, flags.Mask);
                draft.JumpUnless(Test.Equal, flags.Set, fails);
            }
        }

        if (entry.IcmpTypes is not { } types) return;
        draft.LoadOctetBehindIndex(IcmpType);
        var typeFits = draft.NewLabel();
        InRanges(draft, types, typeFits, fails);
        draft.Mark(typeFits);
        if (entry.IcmpCode is not { } code) return;
        draft.LoadOctetBehindIndex(IcmpCode);
        draft.JumpUnless(Test.Equal, code, fails);
    }

    private static void Ports(ClassifierDraft draft, PortMatch ports, uint offset, int fails)
    {
        var fits = draft.NewLabel();
        draft.LoadTwoOctetsBehindIndex(offset);
        InRanges(draft, ports.Ranges, ports.IsExcluded ? fails : fits, ports.IsExcluded ? fits : fails);
        draft.Mark(fits);
    }

    /// <summary>Whether A is in one of the ranges.</summary>
    private static void InRanges(ClassifierDraft draft, IReadOnlyList<PortRange> ranges, int yes, int no)
    {
        foreach (var range in ranges)
        {
            var next = draft.NewLabel();
            draft.JumpUnless(Test.GreaterOrEqual, range.First, next);
            draft.JumpUnless(Test.Greater, range.Last, yes);
            draft.Mark(next);
        }

        draft.Jump(no);
    }

    private static void MustBe(ClassifierDraft draft, uint cell, uint value, int fails)
    {
        draft.LoadCell(cell);
        draft.JumpUnless(Test.Equal, value, fails);
    }

    private static void Address(ClassifierDraft draft, AddressMatch match, uint offset, int fails)
    {
        var fits = draft.NewLabel();
        var (yes, no) = match.IsExcluded ? (fails, fits) : (fits, fails);
        if (match.Last is { } last)
        {
            var above = draft.NewLabel();
            Compare(draft, match.First, offset, isAtLeast: true, above, no);
            draft.Mark(above);
            Compare(draft, last, offset, isAtLeast: false, yes, no);
        }
        else
        {
            var masks = match.Network is { } network ? Words(network) : Words(match.Mask!);
            var words = Words(match.First);
            for (var i = 0; i < words.Length; i++)
            {
                if (masks[i] == 0) continue;
                draft.LoadFourOctets(offset + 4u * (uint)i);
                if (masks[i] != uint.MaxValue) draft.Compute(Operation.And, masks[i]);
                draft.JumpUnless(Test.Equal, words[i], no);
            }

            draft.Jump(yes);
        }

        draft.Mark(fits);
    }

    /// <summary>Whether the address at an offset is at least, or at most, another: the first word that differs decides.</summary>
    private static void Compare(ClassifierDraft draft, IPAddress bound, uint offset, bool isAtLeast, int yes, int no)
    {
        var words = Words(bound);
        for (var i = 0; i < words.Length; i++)
        {
            draft.LoadFourOctets(offset + 4u * (uint)i);
            draft.JumpIf(Test.Greater, words[i], isAtLeast ? yes : no);
            draft.JumpUnless(Test.Equal, words[i], isAtLeast ? no : yes);
        }

        draft.Jump(yes);
    }

    private static uint[] Words(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        return [.. Enumerable.Range(0, octets.Length / 4).Select(i => BinaryPrimitives.ReadUInt32BigEndian(octets.AsSpan(4 * i)))];
    }

    private static uint[] Words(IPNetwork network)
    {
        var count = network.BaseAddress.GetAddressBytes().Length / 4;
        return [.. Enumerable.Range(0, count).Select(i => Math.Clamp(network.PrefixLength - 32 * i, 0, 32) is var bits and > 0 ? uint.MaxValue << (32 - bits) : 0)];
    }
}
