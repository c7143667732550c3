using System.Buffers.Binary;
using System.Text;
using Headend.Aaa.Accounting;

namespace Headend.Tests.Runtime;

/// <summary>RADIUS attributes by hand: those of requests, and those of records that were left to send.</summary>
internal static class RadiusWire
{
    public const byte AcctSessionId = 44;
    public const byte AcctSessionTime = 46;
    public const byte TerminateCause = 49;
    public const byte Class = 25;
    public const byte SessionTimeout = 27;
    public const byte UserName = 1;

    public static byte[] Text(byte type, string value) => [type, (byte)(2 + value.Length), .. Encoding.ASCII.GetBytes(value)];

    public static byte[] Number(byte type, uint value)
    {
        byte[] attribute = [type, 6, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(attribute.AsSpan(2), value);
        return attribute;
    }

    /// <summary>Cisco's.</summary>
    public static byte[] Pair(string pair) => [26, (byte)(8 + pair.Length), 0, 0, 0, 9, 1, (byte)(2 + pair.Length), .. Encoding.ASCII.GetBytes(pair)];

    public static string TextOf(SpooledRecord record, byte type) => Encoding.UTF8.GetString(Value(record, type));

    public static uint NumberOf(SpooledRecord record, byte type) => BinaryPrimitives.ReadUInt32BigEndian(Value(record, type));

    private static ReadOnlySpan<byte> Value(SpooledRecord record, byte type)
    {
        for (var rest = record.Attributes.Span; rest.Length > 2; rest = rest[rest[1]..])
        {
            if (rest[0] == type)
                return rest[2..rest[1]];
        }

        throw new InvalidOperationException($"the record has no attribute {type}");
    }
}
