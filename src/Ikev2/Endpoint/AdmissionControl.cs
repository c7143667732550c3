using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Endpoint;

/// <summary>
/// What may come in before anybody is authenticated: half-open limits in total and per source, cookies with hysteresis (RFC 7296 2.6), a budget for stateless
/// replies. All bounded by the limits, nothing by the sender.
/// </summary>
internal sealed class AdmissionControl
{
    private const int CookieOctets = 1 + SHA256.HashSizeInBytes;
    private const int StatelessRepliesPerSecond = 5_000;

    /// <summary>Cookies stay demanded at least this long: flapping would break logins, since the cookie is part of what AUTH covers.</summary>
    private static readonly TimeSpan CalmDown = TimeSpan.FromSeconds(10);

    /// <summary>Secrets change this often; the one before stays good (RFC 7296 2.6).</summary>
    private static readonly TimeSpan SecretLife = TimeSpan.FromMinutes(2);

    private readonly IkeEndpointOptions _options;
    private readonly ICryptoProvider _crypto;
    private readonly Dictionary<IPAddress, int> _sources = [];
    private readonly byte[] _secret = new byte[32];
    private readonly byte[] _previousSecret = new byte[32];
    private byte _version;
    private MonotonicTime _secretUntil;
    private MonotonicTime _demandUntil;
    private MonotonicTime _replyWindow;
    private int _replies;

    public AdmissionControl(IkeEndpointOptions options, ICryptoProvider crypto)
    {
        _options = options;
        _crypto = crypto;
        crypto.Fill(_secret);
        crypto.Fill(_previousSecret);
    }

    public int HalfOpen { get; private set; }

    /// <summary>Every IKE_SA_INIT must bring a cookie.</summary>
    public bool CookieDemanded { get; private set; }

    /// <summary>Null = come in.</summary>
    public DiscardReason? Judge(IPAddress source)
    {
        if (HalfOpen >= _options.HalfOpenLimit)
            return DiscardReason.HalfOpenLimit;
        return _sources.GetValueOrDefault(Site(source)) >= _options.HalfOpenPerSourceLimit ? DiscardReason.SourceLimit : null;
    }

    public void Opened(IPAddress source, MonotonicTime now)
    {
        HalfOpen++;
        var site = Site(source);
        _sources[site] = _sources.GetValueOrDefault(site) + 1;
        if (HalfOpen < _options.CookieThreshold)
            return;
        CookieDemanded = true;
        _demandUntil = now + CalmDown;
    }

    public void Closed(IPAddress source, MonotonicTime now)
    {
        HalfOpen--;
        var site = Site(source);
        var left = _sources.GetValueOrDefault(site) - 1;
        if (left > 0)
            _sources[site] = left;
        else
            _sources.Remove(site);
        if (CookieDemanded && HalfOpen < _options.CookieThreshold / 2 && now >= _demandUntil)
            CookieDemanded = false;
    }

    /// <summary>RFC 7296 2.6: version of the secret, then Hash(Ni | IPi | SPIi | secret).</summary>
    public byte[] MakeCookie(ReadOnlySpan<byte> nonce, IPEndPoint remote, IkeSpi initiator, MonotonicTime now)
    {
        Rotate(now);
        var cookie = new byte[CookieOctets];
        cookie[0] = _version;
        Hash(_secret, nonce, remote, initiator, cookie.AsSpan(1));
        return cookie;
    }

    public bool IsGoodCookie(ReadOnlySpan<byte> cookie, ReadOnlySpan<byte> nonce, IPEndPoint remote, IkeSpi initiator, MonotonicTime now)
    {
        Rotate(now);
        if (cookie.Length != CookieOctets || (cookie[0] != _version && cookie[0] != (byte)(_version - 1)))
            return false;
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(cookie[0] == _version ? _secret : _previousSecret, nonce, remote, initiator, expected);
        return CryptographicOperations.FixedTimeEquals(expected, cookie[1..]);
    }

    /// <summary>False when the second's budget of stateless replies is spent.</summary>
    public bool TryTakeStatelessReply(MonotonicTime now)
    {
        if (now - _replyWindow >= TimeSpan.FromSeconds(1))
        {
            _replyWindow = now;
            _replies = 0;
        }

        return ++_replies <= StatelessRepliesPerSecond;
    }

    /// <summary>
    /// What one subscriber can send from: an IPv4 address, also where a socket of both families tells it as ::ffff:a.b.c.d, or an IPv6 /64, in which every host picks
    /// addresses at will.
    /// </summary>
    public static IPAddress Site(IPAddress source)
    {
        if (source.IsIPv4MappedToIPv6)
            return source.MapToIPv4();
        if (source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
            return source;
        Span<byte> octets = stackalloc byte[16];
        source.TryWriteBytes(octets, out _);
        octets[8..].Clear();
        return new IPAddress(octets);
    }

    private void Rotate(MonotonicTime now)
    {
        if (now < _secretUntil)
            return;
        _secret.CopyTo(_previousSecret, 0);
        _crypto.Fill(_secret);
        _version++;
        _secretUntil = now + SecretLife;
    }

    private static void Hash(byte[] secret, ReadOnlySpan<byte> nonce, IPEndPoint remote, IkeSpi initiator, Span<byte> destination)
    {
        Span<byte> input = stackalloc byte[NoncePayload.MaxSize + 16 + sizeof(ulong) + 32];
        var length = 0;
        nonce.CopyTo(input);
        length += nonce.Length;
        remote.Address.TryWriteBytes(input[length..], out var written);
        length += written;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(input[length..], initiator.Value);
        length += sizeof(ulong);
        secret.CopyTo(input[length..]);
        length += secret.Length;
        SHA256.HashData(input[..length], destination);
    }
}
