using System.Buffers;
using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Headend.Sessions;

/// <summary>
/// Kept sessions as JSON, with the version in front. What a version adds must be optional: an older record then reads as one that does not say it. A record of a newer version, or of none, is
/// not read.
/// </summary>
internal static class KeptSessionCodec
{
    private const byte Version = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new TextConverter<IPAddress>(IPAddress.Parse), new TextConverter<IPEndPoint>(IPEndPoint.Parse), new TextConverter<IPNetwork>(IPNetwork.Parse) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutWhatSaysNothing } },
    };

    /// <summary>The receiver zeroes it.</summary>
    public static void Encode(KeptSession session, IBufferWriter<byte> output)
    {
        output.Write([Version]);
        using var writer = new Utf8JsonWriter(output);
        JsonSerializer.Serialize(writer, session, Options);
    }

    /// <summary>False for what is no kept session of a version that is known.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> octets, [NotNullWhen(true)] out KeptSession? session)
    {
        session = null;
        if (octets.Length < 2 || octets[0] != Version)
            return false;
        try
        {
            session = JsonSerializer.Deserialize<KeptSession>(octets[1..], Options);
        }
        catch (Exception error) when (error is JsonException or FormatException or ArgumentException)
        {
            return false;
        }

        return session is not null;
    }

    // Half of a record would be empty lists, which a new object has too; not so what its constructor takes. What is computed of the rest is not read back either.
    private static void LeaveOutWhatSaysNothing(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (type.Kind == JsonTypeInfoKind.Object && property.Set is null && property.AssociatedParameter is null)
                property.ShouldSerialize = static (_, _) => false;
            else if (property.PropertyType.IsValueType && property.PropertyType.IsAssignableTo(typeof(ICollection)) && !property.IsRequired && property.AssociatedParameter is null)
                property.ShouldSerialize = static (_, value) => value is ICollection { Count: > 0 };
        }
    }

    private sealed class TextConverter<T>(Func<string, T> parse) : JsonConverter<T>
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            parse(reader.GetString() ?? throw new JsonException());

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value!.ToString());
    }
}
