using System.Buffers.Binary;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Support;

/// <summary>Runs classic BPF as the kernel does: a load beyond the packet ends the program with 0. Loads count from the network header (SKF_NET_OFF), others are refused.</summary>
internal static class BpfProgram
{
    private const uint NetworkHeader = 0xfff00000;

    public static uint Run(IReadOnlyList<BpfInstruction> program, byte[] packet)
    {
        uint a = 0, x = 0;
        var cells = new uint[16];
        for (var pc = 0; pc < program.Count; pc++)
        {
            var one = program[pc];
            switch (one.Code)
            {
                case 0x00: a = one.K; break;
                case 0x30 or 0x28 or 0x20 or 0x50 or 0x48:
                    Assert.True(one.K >= NetworkHeader);
                    var at = one.K - NetworkHeader + ((one.Code & 0x40) != 0 ? x : 0);
                    var size = (one.Code & 0x18) switch { 0x10 => 1, 0x08 => 2, _ => 4 };
                    if (at + size > packet.Length) return 0;
                    var octets = packet.AsSpan((int)at);
                    a = size switch { 1 => octets[0], 2 => BinaryPrimitives.ReadUInt16BigEndian(octets), _ => BinaryPrimitives.ReadUInt32BigEndian(octets) };
                    break;
                case 0x60: a = cells[one.K]; break;
                case 0x61: x = cells[one.K]; break;
                case 0xb1:
                    Assert.True(one.K >= NetworkHeader);
                    if (one.K - NetworkHeader >= packet.Length) return 0;
                    x = 4u * (packet[one.K - NetworkHeader] & 0xfu);
                    break;
                case 0x02: cells[one.K] = a; break;
                case 0x03: cells[one.K] = x; break;
                case 0x07: x = a; break;
                case 0x04: a += one.K; break;
                case 0x0c: a += x; break;
                case 0x54: a &= one.K; break;
                case 0x64: a <<= (int)one.K; break;
                case 0x74: a >>= (int)one.K; break;
                case 0x05: pc += (int)one.K; break;
                case 0x15: pc += a == one.K ? one.JumpTrue : one.JumpFalse; break;
                case 0x25: pc += a > one.K ? one.JumpTrue : one.JumpFalse; break;
                case 0x35: pc += a >= one.K ? one.JumpTrue : one.JumpFalse; break;
                case 0x45: pc += (a & one.K) != 0 ? one.JumpTrue : one.JumpFalse; break;
                case 0x06: return one.K;
                default: throw new InvalidOperationException($"code {one.Code:x}");
            }
        }

        throw new InvalidOperationException("the program has no end");
    }
}
