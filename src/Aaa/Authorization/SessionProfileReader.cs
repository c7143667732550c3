using System.Buffers.Binary;
using System.Net;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>Told which attributes of a profile nobody acts on.</summary>
public interface IProfileObserver
{
    /// <summary>A mandatory Cisco AV pair whose attribute is unknown; to be logged by name and counted.</summary>
    void UnknownPair(string name);

    /// <summary>A known attribute whose value cannot be read and whose row says that it is ignored then.</summary>
    void IgnoredValue(string name, string value)
    {
    }

    /// <summary>An attribute of another vendor, or of ours, that no row reads.</summary>
    void UnknownAttribute(RadiusVendor vendor, byte type)
    {
    }
}

/// <summary>
/// Reads a <see cref="SessionProfile"/> by the <see cref="AttributeTable"/>, from an Access-Accept or from the attribute lists of the configuration. A bad
/// value is an error that names its attribute (half an authorization is none) unless the row says that it is ignored. Never an exception.
/// </summary>
public sealed class SessionProfileReader
{
    private static readonly RadiusVendor[] Vendors = [.. AttributeTable.Rows.Select(static r => r.Vendor).Where(static v => v.Value != 0).Distinct()];

    private readonly IProfileObserver observer;
    private readonly ProfileDraft draft = new();

    private SessionProfileReader(IProfileObserver observer) => this.observer = observer;

    /// <summary>Reads the authorization of an Access-Accept whose authenticators have been verified.</summary>
    public static bool TryRead(RadiusPacket accept, IProfileObserver observer, out SessionProfile profile, out string error)
    {
        var reader = new SessionProfileReader(observer);
        profile = SessionProfile.Empty;
        foreach (var attribute in accept.Attributes)
        {
            if (attribute.Type == RadiusAttributeType.VendorSpecific) reader.NoteVendor(attribute.Value.Span);
            else if (!reader.TryApply(default, attribute.Type.Value, attribute.Value, out error)) return false;
        }
        foreach (var vendor in Vendors)
        {
            foreach (var attribute in accept.VendorAttributes(vendor))
            {
                var isPair = vendor == RadiusVendor.Cisco && attribute.Type == CiscoAttribute.AvPair;
                if (isPair ? !reader.TryApplyPair(attribute, out error) : !reader.TryApply(vendor, attribute.Type, attribute.Value, out error)) return false;
            }
        }
        return reader.draft.TryFinish(out profile, out error);
    }

    /// <summary>
    /// Reads an attribute list of the configuration: Cisco pairs, with or without protocol, and attributes of RADIUS by their dictionary name, as NAME=VALUE.
    /// </summary>
    /// <param name="pairs">In order.</param>
    /// <param name="observer">Told what is unknown.</param>
    /// <param name="profile">What the list says.</param>
    /// <param name="error">Names the entry.</param>
    /// <param name="dictionary">Further names of attributes and values; null for the built-in ones.</param>
    public static bool TryRead(
        IEnumerable<string> pairs, IProfileObserver observer, out SessionProfile profile, out string error, RadiusDictionary? dictionary = null)
    {
        var reader = new SessionProfileReader(observer);
        var names = dictionary ?? RadiusDictionary.Core;
        profile = SessionProfile.Empty;
        foreach (var text in pairs)
        {
            if (!CiscoPairParser.TryParse(text, out var pair))
            {
                error = $"'{text}' is not attribute=value";
                return false;
            }
            if (!reader.TryApply(pair, names, out error)) return false;
        }
        return reader.draft.TryFinish(out profile, out error);
    }

    /// <summary>"prefix P/L", "remote ipv4 ADDR MASK", "remote ipv6 P/L": the values of route-set that are subnets.</summary>
    public static bool TryParseRouteSet(string value, out IPNetwork network)
    {
        network = default;
        var draft = new ProfileDraft();
        if (!draft.AddRouteSet(value) || !draft.TryFinish(out var profile, out _) || profile.Routes.Length != 1) return false;
        network = profile.Routes[0];
        return true;
    }

    private bool TryApply(RadiusVendor vendor, byte type, ReadOnlyMemory<byte> octets, out string error)
    {
        error = "";
        if (AttributeTable.TryFind(vendor, type, out var row)) return TryApply(row, row.Name, AttributeValue.Of(row.Name, octets), $"0x{Convert.ToHexStringLower(octets.Span)}", out error);
        if (vendor.Value != 0) observer.UnknownAttribute(vendor, type);
        return true;
    }

    private bool TryApplyPair(VendorAttribute attribute, out string error)
    {
        error = "a Cisco-AVPair is not attribute=value";
        return attribute.TryGetText(out var text) && CiscoPairParser.TryParse(text, out var pair) && TryApply(pair, null, out error);
    }

    /// <param name="pair">Taken apart.</param>
    /// <param name="names">Where names that are no Cisco pair's may be attributes of RADIUS: local lists; else null.</param>
    /// <param name="error">Names the attribute.</param>
    private bool TryApply(CiscoPair pair, RadiusDictionary? names, out string error)
    {
        error = "";
        var value = AttributeValue.Of(pair.Attribute, pair.Value, pair.Line, names ?? RadiusDictionary.Core);
        if (AttributeTable.TryFind(pair, out var row) || (names is not null && TryFindByName(pair, names, out row)))
            return TryApply(row!, pair.Name, value, pair.Value, out error);
        if (pair.IsMandatory) observer.UnknownPair(pair.Name);
        return true;
    }

    private static bool TryFindByName(CiscoPair pair, RadiusDictionary names, out AttributeRow? row)
    {
        row = null;
        if (pair.Protocol.Length > 0) return false;
        return AttributeTable.TryFind(pair.Attribute, out row) || (names.TryFind(pair.Attribute, out var entry) && AttributeTable.TryFind(entry!.Vendor, entry.Type, out row));
    }

    private bool TryApply(AttributeRow row, string name, AttributeValue value, string shown, out string error)
    {
        error = "";
        if (row.Read is null || row.Read(draft, value)) return true;
        if (row.BadValue == BadValueRule.Ignore)
        {
            observer.IgnoredValue(name, shown);
            return true;
        }
        error = $"{name} has a bad value '{shown}'";
        return false;
    }

    // Vendors that have a row are walked later, sub-attribute by sub-attribute.
    private void NoteVendor(ReadOnlySpan<byte> octets)
    {
        var vendor = new RadiusVendor(BinaryPrimitives.ReadUInt32BigEndian(octets));
        if (!Vendors.Contains(vendor)) observer.UnknownAttribute(vendor, octets.Length > 4 ? octets[4] : (byte)0);
    }
}
