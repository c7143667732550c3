using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Configuration payload: RFC 7296 3.15.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   CFG Type    |                    RESERVED                   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |R|         Attribute Type      |            Length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                             Value                             ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class ConfigurationPayload(ConfigurationType configurationType, IReadOnlyList<ConfigurationAttribute> attributes) : IkePayload
{
    public const int MaxAttributes = 256;

    private const int FixedSize = 4;
    private const ushort TypeMask = 0x7fff;

    public ConfigurationType ConfigurationType { get; } = configurationType;

    public IReadOnlyList<ConfigurationAttribute> Attributes { get; } = attributes;

    public override PayloadType Type => PayloadType.Configuration;

    /// <summary>Whether an attribute of the type is present, with or without a value.</summary>
    public bool Has(ConfigurationAttributeType type)
    {
        for (int i = 0; i < Attributes.Count; i++)
        {
            if (Attributes[i].Type == type) return true;
        }
        return false;
    }

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(ConfigurationType.Value);
        writer.WriteZeros(FixedSize - 1);
        for (int i = 0; i < Attributes.Count; i++)
        {
            writer.WriteUInt16((ushort)(Attributes[i].Type.Value & TypeMask));
            writer.WriteUInt16(checked((ushort)Attributes[i].Value.Length));
            writer.WriteBytes(Attributes[i].Value.Span);
        }
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out ConfigurationPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize)
        {
            error = body.Error(WireErrorCode.Truncated, body.Length);
            return false;
        }
        if (!TryCount(body, out int count, out error)) return false;
        var attributes = new ConfigurationAttribute[count];
        var reader = new WireReader(body.Span);
        reader.TryReadBytes(FixedSize, out _);
        for (int i = 0; i < count; i++)
        {
            reader.TryReadUInt16(out ushort type);
            reader.TryReadUInt16(out ushort length);
            attributes[i] = new ConfigurationAttribute(
                new ConfigurationAttributeType((ushort)(type & TypeMask)), body.Octets.Slice(reader.Position, length));
            reader.TryReadBytes(length, out _);
        }
        payload = new ConfigurationPayload(new ConfigurationType(body.Span[0]), attributes);
        return true;
    }

    private static bool TryCount(in PayloadBody body, out int count, out WireError error)
    {
        count = 0;
        error = default;
        var reader = new WireReader(body.Span);
        reader.TryReadBytes(FixedSize, out _);
        while (!reader.IsEmpty)
        {
            int at = reader.Position;
            if (!reader.TryReadUInt16(out _) || !reader.TryReadUInt16(out ushort length) || !reader.TryReadBytes(length, out _))
            {
                error = body.Error(WireErrorCode.Truncated, at);
                return false;
            }
            if (++count > MaxAttributes)
            {
                error = body.Error(WireErrorCode.TooMany, at);
                return false;
            }
        }
        return true;
    }
}
