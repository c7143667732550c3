using System.Security.Cryptography;
using System.Text;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authentication;

/// <summary>
/// The pre-shared keys that AAA holds of a peer: Tunnel-Password (RFC 2868 3.5) and ipsec:tunnel-password are the key of both directions, ipsec:ikev2-password-local and
/// -remote that of one, which goes before. Dispose of it.
/// </summary>
public sealed class PreSharedKeyAttributes : IDisposable
{
    private const string Both = "tunnel-password";
    private const string Ours = "ikev2-password-local";
    private const string Theirs = "ikev2-password-remote";

    private byte[]? both;
    private byte[]? ours;
    private byte[]? theirs;

    private PreSharedKeyAttributes()
    {
    }

    /// <summary>What the headend proves itself with; empty where AAA has no such key.</summary>
    public ReadOnlySpan<byte> Local => ours ?? both;

    /// <summary>What the peer proves itself with; at least one octet.</summary>
    public ReadOnlySpan<byte> Remote => theirs ?? both;

    /// <summary>
    /// Reads the keys of an Access-Accept whose authenticators have been verified. False, with <paramref name="error"/> naming the attribute, where one cannot be used;
    /// true and null where there are none.
    /// </summary>
    public static bool TryRead(RadiusOutcome.Accept accept, out PreSharedKeyAttributes? keys, out string error)
    {
        var found = new PreSharedKeyAttributes();
        error = "";
        foreach (var attribute in accept.Packet.Attributes)
        {
            if (attribute.Type != RadiusAttributeType.TunnelPassword || error.Length > 0)
                continue;
            if (!RadiusHiding.TryRevealTunnelPassword(attribute.Value.Span, accept.RequestAuthenticator.Span, accept.Server.Secret, out _, out var password))
                error = "Tunnel-Password is malformed";
            else
                Take(ref found.both, password, "Tunnel-Password", ref error);
        }

        foreach (var attribute in accept.Packet.VendorAttributes(RadiusVendor.Cisco))
        {
            if (attribute.Type == CiscoAttribute.AvPair && attribute.TryGetText(out var text) && CiscoPairParser.TryParse(text, out var pair))
                found.Take(pair, ref error);
        }

        return found.TryFinish(out keys, ref error);
    }

    /// <summary>Reads the keys of an attribute list of the configuration: NAME=VALUE, with or without protocol.</summary>
    public static bool TryRead(IEnumerable<string> pairs, out PreSharedKeyAttributes? keys, out string error)
    {
        var found = new PreSharedKeyAttributes();
        error = "";
        foreach (var text in pairs)
        {
            // The dictionary's name of the attribute is the pair's, but for its capitals.
            if (CiscoPairParser.TryParse(text, out var pair))
                found.Take(pair, ref error);
        }

        return found.TryFinish(out keys, ref error);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(both);
        CryptographicOperations.ZeroMemory(ours);
        CryptographicOperations.ZeroMemory(theirs);
    }

    private void Take(CiscoPair pair, ref string error)
    {
        if (pair.Protocol is not ("ipsec" or "ip" or "") || error.Length > 0)
            return;
        switch (pair.Attribute)
        {
            case Both:
                Take(ref both, Encoding.UTF8.GetBytes(pair.Value), pair.Name, ref error);
                break;
            case Ours:
                Take(ref ours, Encoding.UTF8.GetBytes(pair.Value), pair.Name, ref error);
                break;
            case Theirs:
                Take(ref theirs, Encoding.UTF8.GetBytes(pair.Value), pair.Name, ref error);
                break;
        }
    }

    private static void Take(ref byte[]? place, byte[] key, string name, ref string error)
    {
        if (key.Length == 0)
            error = $"{name} is empty";
        else if (place is not null && !CryptographicOperations.FixedTimeEquals(place, key))
            error = $"there are two different keys, the second in {name}";
        if (place is null && key.Length > 0)
            place = key;
        else
            CryptographicOperations.ZeroMemory(key);
    }

    private bool TryFinish(out PreSharedKeyAttributes? keys, ref string error)
    {
        keys = null;
        if (error.Length == 0 && ours is not null && Remote.IsEmpty)
            error = $"{Ours} without a {Theirs}, by which the peer proves itself";
        if (error.Length > 0 || Remote.IsEmpty)
        {
            Dispose();
            return error.Length == 0;
        }

        keys = this;
        return true;
    }
}
