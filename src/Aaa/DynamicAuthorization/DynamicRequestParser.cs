using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Headend.Aaa.Authorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>
/// Reads what a verified Disconnect- or CoA-Request says. Everything in it must be understood: a request is performed as a whole or not at all (RFC 5176 2.2).
/// Used once.
/// </summary>
public sealed class DynamicRequestParser : IProfileObserver
{
    private const uint AuthorizeOnlyService = 17;

    private readonly bool disconnect;
    private readonly List<byte> changes = [];
    private readonly Dictionary<SessionChangeKinds, string> names = [];
    private DynamicRequestContent content = new();
    private SessionChangeKinds kinds;
    private bool serviceSeen;
    private bool commandSeen;
    private DynamicRequestFailure? failure;

    private DynamicRequestParser(bool disconnect) => this.disconnect = disconnect;

    /// <summary>False with a failure that says what to answer.</summary>
    public static bool TryParse(
        RadiusPacket packet, out DynamicRequestContent content, [NotNullWhen(false)] out DynamicRequestFailure? failure)
    {
        var parser = new DynamicRequestParser(packet.Code == RadiusCode.DisconnectRequest);
        foreach (var attribute in packet.Attributes)
        {
            parser.Take(attribute);
            if (parser.failure is not null) break;
        }
        if (parser.failure is null) parser.Finish();
        content = parser.content;
        failure = parser.failure;
        return failure is null;
    }

    /// <summary>The change attributes of an Access-Accept that answers an Authorize Only request; what it says beside them was settled at the login.</summary>
    public static bool TryParseAccept(RadiusPacket accept, out SessionChange change, [NotNullWhen(false)] out DynamicRequestFailure? failure)
    {
        var parser = new DynamicRequestParser(disconnect: false);
        foreach (var attribute in accept.Attributes) parser.TakeChange(attribute);
        parser.ReadChanges();
        change = parser.content.Change;
        failure = parser.failure;
        return failure is null;
    }

    // A login goes on without an attribute that cannot be read; a request that asks for it by name is not performed.
    void IProfileObserver.UnknownPair(string name) => Fail(ErrorCause.UnsupportedAttribute, name);

    void IProfileObserver.IgnoredValue(string name, string value) => Fail(ErrorCause.InvalidAttributeValue, $"{name} has a bad value '{value}'");

    void IProfileObserver.UnknownAttribute(RadiusVendor vendor, byte type) => Fail(ErrorCause.UnsupportedAttribute, RadiusDictionary.Core.NameOf(vendor, type));

    private void Take(RadiusAttribute attribute)
    {
        if (content.Keys.TryTake(attribute, out var keys, out var error))
        {
            content = content with { Keys = keys };
            if (error is { } cause) Fail(cause, $"{attribute.Type} {(cause == ErrorCause.InvalidRequest ? "stands twice" : "has a bad value")}");
            return;
        }
        switch (attribute.Type.Value)
        {
            // Proxy-State, Event-Timestamp, Message-Authenticator: of the transport. Reply-Message: for a display that an IKEv2 client has not.
            case 33 or 55 or 80 or 18:
            // RFC 5176 3.6: a Disconnect-Request may say the cause; the Stop says Admin-Reset either way.
            case 49 when disconnect:
                break;
            case 24:
                content = content with { State = attribute.Value };
                break;
            case 6 when !disconnect:
                TakeService(attribute);
                break;
            case 26:
                TakeVendor(attribute);
                break;
            default:
                if (disconnect || !TryAddChange(ChangeAttributeTable.Of(attribute.Type), attribute.Type.ToString(), attribute.Type, attribute.Value.Span))
                    Fail(ErrorCause.UnsupportedAttribute, attribute.Type.ToString());
                break;
        }
    }

    private void TakeService(RadiusAttribute attribute)
    {
        if (serviceSeen) Fail(ErrorCause.InvalidRequest, "Service-Type stands twice");
        else if (!attribute.TryGetUInt32(out var service)) Fail(ErrorCause.InvalidAttributeValue, "Service-Type has a bad value");
        else if (service != AuthorizeOnlyService) Fail(ErrorCause.UnsupportedService, $"Service-Type {RadiusDictionary.Core.NameOfValue(RadiusAttributeType.ServiceType, service)}");
        serviceSeen = true;
        content = content with { AuthorizeOnly = true };
    }

    private void TakeVendor(RadiusAttribute attribute)
    {
        if (!TryWalk(attribute, out var items))
        {
            // RFC 2865 5.26 leaves the inner format to the vendor: of one that we do not know nothing can be malformed.
            var vendor = new RadiusVendor(BinaryPrimitives.ReadUInt32BigEndian(attribute.Value.Span));
            if (vendor == RadiusVendor.Cisco || vendor == RadiusVendor.Wispr || vendor == RadiusVendor.Mikrotik)
                Fail(ErrorCause.InvalidRequest, $"a {vendor} attribute is malformed");
            else
                Fail(ErrorCause.UnsupportedAttribute, vendor.ToString());
            return;
        }
        foreach (var item in items)
        {
            if (item.Vendor == RadiusVendor.Cisco && item.Type == CiscoAttribute.AvPair) TakePair(item);
            else if (disconnect || !TryAddChange(ChangeAttributeTable.Of(item), NameOf(item), item)) Fail(ErrorCause.UnsupportedAttribute, NameOf(item));
            if (failure is not null) return;
        }
    }

    private void TakePair(VendorAttribute attribute)
    {
        if (!attribute.TryGetText(out var text) || !CiscoPairParser.TryParse(text, out var pair))
        {
            Fail(ErrorCause.InvalidAttributeValue, "a Cisco-AVPair is not attribute=value");
            return;
        }
        if (content.Keys.TryTake(pair, out var keys, out var error))
        {
            content = content with { Keys = keys };
            if (error is { } cause) Fail(cause, $"{pair.Name} {(cause == ErrorCause.InvalidRequest ? "stands twice" : "has a bad value")}");
            return;
        }
        if (!disconnect && pair.Protocol == "subscriber" && TryTakeCommand(pair)) return;
        if (!disconnect && TryAddChange(ChangeAttributeTable.Of(pair), pair.Name, attribute)) return;
        // "*" marks what the sender can do without.
        if (pair.IsMandatory) Fail(ErrorCause.UnsupportedAttribute, pair.Name);
    }

    private bool TryTakeCommand(CiscoPair pair)
    {
        if (pair.Attribute == "reauthenticate-type")
        {
            // "last" and "rerun" tell a switch which method to begin with; an IKEv2 client logs in with the one it has.
            if (pair.Value is not ("last" or "rerun")) Fail(ErrorCause.InvalidAttributeValue, $"{pair.Name} has a bad value '{pair.Value}'");
            return true;
        }
        if (pair.Attribute != "command") return false;
        var command = pair.Value switch
        {
            "reauthenticate" => SubscriberCommand.Reauthenticate,
            "disable-host-port" => SubscriberCommand.DisableHostPort,
            "bounce-host-port" => SubscriberCommand.BounceHostPort,
            _ => SubscriberCommand.None,
        };
        if (command == SubscriberCommand.None) Fail(ErrorCause.UnsupportedExtension, $"{pair.Name}={pair.Value}");
        else if (commandSeen) Fail(ErrorCause.InvalidRequest, $"{pair.Name} stands twice");
        commandSeen = true;
        content = content with { Command = command };
        return true;
    }

    private void Finish()
    {
        if (!content.Keys.NameSession)
        {
            Fail(ErrorCause.MissingAttribute, "no session key");
            return;
        }
        // RFC 5176 3.2, 3.3: Authorize Only without State is answered by 402, with other changes beside it by 401.
        if (content.AuthorizeOnly && content.State.IsEmpty) Fail(ErrorCause.MissingAttribute, "Authorize Only without State");
        else if (content.AuthorizeOnly && (kinds != SessionChangeKinds.None || commandSeen)) Fail(ErrorCause.UnsupportedAttribute, "changes beside Authorize Only");
        else if (commandSeen && kinds != SessionChangeKinds.None) Fail(ErrorCause.UnsupportedAttribute, "changes beside subscriber:command");
        else if (!disconnect && !content.AuthorizeOnly && !commandSeen && kinds == SessionChangeKinds.None) Fail(ErrorCause.MissingAttribute, "nothing to change");
        else ReadChanges();
    }

    private void ReadChanges()
    {
        if (kinds == SessionChangeKinds.None) return;
        var octets = new byte[RadiusPacket.HeaderLength + changes.Count];
        octets[0] = RadiusCode.AccessAccept.Value;
        BinaryPrimitives.WriteUInt16BigEndian(octets.AsSpan(2), (ushort)octets.Length);
        changes.CopyTo(octets, RadiusPacket.HeaderLength);
        if (octets.Length > RadiusPacket.MaximumLength || !RadiusPacket.TryParse(octets, out var packet, out _))
            Fail(ErrorCause.InvalidRequest, "the changes are malformed");
        else if (!SessionProfileReader.TryRead(packet, this, out var values, out var error))
            Fail(ErrorCause.InvalidAttributeValue, error);
        else if (failure is null)
            content = content with { Change = new SessionChange(kinds, values, names) };
    }

    private void TakeChange(RadiusAttribute attribute)
    {
        if (attribute.Type != RadiusAttributeType.VendorSpecific)
        {
            TryAddChange(ChangeAttributeTable.Of(attribute.Type), attribute.Type.ToString(), attribute.Type, attribute.Value.Span);
            return;
        }
        if (!TryWalk(attribute, out var items)) return;
        foreach (var item in items)
        {
            if (item.Vendor != RadiusVendor.Cisco || item.Type != CiscoAttribute.AvPair) TryAddChange(ChangeAttributeTable.Of(item), NameOf(item), item);
            else if (item.TryGetText(out var text) && CiscoPairParser.TryParse(text, out var pair)) TryAddChange(ChangeAttributeTable.Of(pair), pair.Name, item);
        }
    }

    private bool TryAddChange(SessionChangeKinds kind, string name, VendorAttribute attribute)
    {
        Span<byte> value = stackalloc byte[6 + attribute.Value.Length];
        BinaryPrimitives.WriteUInt32BigEndian(value, attribute.Vendor.Value);
        value[4] = attribute.Type;
        value[5] = (byte)(2 + attribute.Value.Length);
        attribute.Value.Span.CopyTo(value[6..]);
        return TryAddChange(kind, name, RadiusAttributeType.VendorSpecific, value);
    }

    private bool TryAddChange(SessionChangeKinds kind, string name, RadiusAttributeType type, ReadOnlySpan<byte> value)
    {
        if (kind == SessionChangeKinds.None) return false;
        kinds |= kind;
        names.TryAdd(kind, name);
        changes.Add(type.Value);
        changes.Add((byte)(2 + value.Length));
        changes.AddRange(value);
        return true;
    }

    private static bool TryWalk(RadiusAttribute attribute, out List<VendorAttribute> items)
    {
        items = [];
        var vendor = new RadiusVendor(BinaryPrimitives.ReadUInt32BigEndian(attribute.Value.Span));
        var rest = attribute.Value[4..];
        while (!rest.IsEmpty)
        {
            if (rest.Length < 2 || rest.Span[1] < 2 || rest.Span[1] > rest.Length) return false;
            items.Add(new VendorAttribute(vendor, rest.Span[0], rest[2..rest.Span[1]]));
            rest = rest[rest.Span[1]..];
        }
        return items.Count > 0;
    }

    private static string NameOf(VendorAttribute attribute) => RadiusDictionary.Core.NameOf(attribute.Vendor, attribute.Type);

    private void Fail(ErrorCause cause, string detail) => failure ??= new DynamicRequestFailure(cause, detail);
}
