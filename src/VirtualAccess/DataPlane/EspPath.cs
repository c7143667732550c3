namespace Headend.VirtualAccess.DataPlane;

/// <summary>How ESP packets travel.</summary>
public enum EspEncapsulation
{
    /// <summary>IP protocol 50.</summary>
    Plain,

    /// <summary>In UDP datagrams (RFC 3948).</summary>
    Udp,
}

/// <summary>The outer addresses of a session.</summary>
/// <param name="Local">Our address; with UDP its port is that of the socket that sends (usually 4500).</param>
/// <param name="Remote">The client's address and, with UDP, port.</param>
/// <param name="Encapsulation">Plain ESP or UDP.</param>
/// <param name="OuterMtu">Octets that an outer IP packet may have, 0 = not known. Inner packets that may not be fragmented are
/// answered with "too big" when they do not fit; others go out with a clear DF bit and are fragmented outside (RFC 4301 8.1).</param>
public readonly record struct EspPath(TransportAddress Local, TransportAddress Remote, EspEncapsulation Encapsulation, int OuterMtu = 0);
