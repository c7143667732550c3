using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;

namespace Headend.TestKit.Initiator;

/// <summary>What a <see cref="TestInitiator"/> is and wants. Immutable: one instance may serve thousands of initiators.</summary>
public sealed record TestInitiatorOptions
{
    /// <summary>IDi.</summary>
    public required IkeIdentity Identity { get; init; }

    /// <summary>IDr to ask for; null = none is sent.</summary>
    public IkeIdentity? ServerIdentity { get; init; }

    /// <summary>User of EAP-MSCHAPv2, and the EAP identity.</summary>
    public required string User { get; init; }

    public required string Password { get; init; }

    /// <summary>Makes the client side of EAP; null = EAP-MSCHAPv2 with <see cref="User"/> and <see cref="Password"/>.</summary>
    public Func<EapPeerChannel, IEapPeer>? EapPeer { get; init; }

    /// <summary>Sent in IKE_SA_INIT.</summary>
    public IReadOnlyList<byte[]> VendorIds { get; init; } = [];

    /// <summary>Body of a CP payload in the clear, in IKE_SA_INIT, as Cisco clients send one; null = none.</summary>
    public byte[]? ClearConfiguration { get; init; }

    /// <summary>Configuration attributes that are asked for beside addresses and DNS.</summary>
    public IReadOnlyList<ushort> FurtherAttributes { get; init; } = [];

    /// <summary>Cisco's fragment payload 132 for messages over <see cref="FragmentOctets"/>, where RFC 7383 is not agreed; needs its vendor id.</summary>
    public bool CiscoFragmentation { get; init; }

    /// <summary>Proves us by AUTH in the first IKE_AUTH request (RFC 7296 2.15); null = EAP.</summary>
    public byte[]? PreSharedKey { get; init; }

    /// <summary>Proves us by certificate in the first IKE_AUTH request (RFC 7296 2.15); null = by <see cref="PreSharedKey"/>, or EAP.</summary>
    public InitiatorCertificate? Certificate { get; init; }

    /// <summary>EAP follows the certificate (RFC 4739), with this IDi.</summary>
    public IkeIdentity? SecondIdentity { get; init; }

    /// <summary>ANOTHER_AUTH_FOLLOWS also stands where nothing follows: in the last AUTH.</summary>
    public bool AnnouncesTooMuch { get; init; }

    /// <summary>The responder must prove itself by it; null = by certificate.</summary>
    public byte[]? ServerPreSharedKey { get; init; }

    public IReadOnlyList<IkeProposal> IkeProposals { get; init; } = [ProposalParser.ParseIke("aes128gcm16-prfsha256-x25519")];

    public IReadOnlyList<EspProposal> EspProposals { get; init; } = [ProposalParser.ParseEsp("aes128gcm16")];

    /// <summary>Group of the first KE payload; null = the first of the first proposal. Another one than the responder wants leads to INVALID_KE_PAYLOAD.</summary>
    public KeyExchangeMethod? FirstGroup { get; init; }

    /// <summary>Group of the KE payload in our CHILD_SA rekeys; null = without PFS.</summary>
    public KeyExchangeMethod? PfsGroup { get; init; }

    /// <summary>Session-id and token are asked for by these configuration attributes; null asks for none.</summary>
    public (ConfigurationAttributeType SessionId, ConfigurationAttributeType Token)? ReconnectAttributes { get; init; }

    /// <summary>Stands in the request for both; empty, as nobody has to repeat what he has.</summary>
    public byte[] ReconnectValue { get; init; } = [];

    /// <summary>Further attributes to ask for.</summary>
    public IReadOnlyList<ConfigurationAttributeType> MoreAttributes { get; init; } = [];

    /// <summary>APPLICATION_VERSION (7) with this value; null sends none.</summary>
    public byte[]? ApplicationVersion { get; init; }

    /// <summary>Asks for a ticket in the first IKE_AUTH request (RFC 5723 4.1).</summary>
    public bool RequestTicket { get; init; }

    /// <summary>Resumes by it (RFC 5723 4.3) instead of logging in; null = a login.</summary>
    public InitiatorTicket? Ticket { get; init; }

    /// <summary>Sends INITIAL_CONTACT.</summary>
    public bool InitialContact { get; init; }

    public bool WantIPv4 { get; init; } = true;

    public bool WantIPv6 { get; init; }

    /// <summary>False sends no CP payload at all.</summary>
    public bool RequestConfiguration { get; init; } = true;

    /// <summary>Octets, 16 to 256.</summary>
    public int NonceOctets { get; init; } = 32;

    /// <summary>RFC 7383 is offered.</summary>
    public bool Fragmentation { get; init; } = true;

    /// <summary>Most octets of an IKE message of ours before it is fragmented.</summary>
    public int FragmentOctets { get; init; } = 1200;

    /// <summary>Sends a wrong NAT_DETECTION_SOURCE_IP, so that the responder takes us for a host behind a NAT.</summary>
    public bool PretendNat { get; init; }

    /// <summary>Sends a wrong NAT_DETECTION_DESTINATION_IP, so that the responder takes itself for a host behind a NAT.</summary>
    public bool PretendServerNat { get; init; }

    /// <summary>Stand last in IKE_SA_INIT.</summary>
    public IReadOnlyList<IkePayload> FurtherInitial { get; init; } = [];

    /// <summary>Stand last in the first IKE_AUTH request.</summary>
    public IReadOnlyList<IkePayload> FurtherFirst { get; init; } = [];

    /// <summary>Asks for transport mode (RFC 7296 1.3.1), and again with each rekey of a CHILD_SA that has it.</summary>
    public bool TransportMode { get; init; }

    /// <summary>CERTREQ's list of SHA-1 key hashes; null = no CERTREQ.</summary>
    public ReadOnlyMemory<byte>? CertificateAuthorities { get; init; } = ReadOnlyMemory<byte>.Empty;

    /// <summary>Sends SIGNATURE_HASH_ALGORITHMS (RFC 7427).</summary>
    public bool SignatureHashes { get; init; } = true;

    /// <summary>Who signs for the responder; <see cref="ServerTrust.Any"/> takes any certificate, but the signature is always verified.</summary>
    public ServerTrust Trust { get; init; } = ServerTrust.Any;

    /// <summary>First retransmission; each further one waits 1.7 times as long.</summary>
    public TimeSpan RetransmitInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Retransmissions of one request before we give up.</summary>
    public int RetransmitTries { get; init; } = 8;

    /// <summary>From Start to Established.</summary>
    public TimeSpan LoginTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public ICryptoProvider Crypto { get; init; } = SystemCryptoProvider.Instance;

    /// <summary>Upper 32 bits of our SPIs, for callers that find the initiator by them; null = random.</summary>
    public uint? SpiPrefix { get; init; }

    public IReadOnlyList<TrafficSelector> LocalTraffic { get; init; } = Everything(true, true);

    public IReadOnlyList<TrafficSelector> RemoteTraffic { get; init; } = Everything(true, true);

    /// <summary>GRE between two addresses in transport mode.</summary>
    public TestInitiatorOptions ForGre(System.Net.IPAddress local, System.Net.IPAddress remote) => this with
    {
        TransportMode = true,
        LocalTraffic = [new TrafficSelector(47, 0, ushort.MaxValue, local, local)],
        RemoteTraffic = [new TrafficSelector(47, 0, ushort.MaxValue, remote, remote)],
    };

    /// <summary>0.0.0.0/0 and ::/0.</summary>
    public static IReadOnlyList<TrafficSelector> Everything(bool ipv4, bool ipv6)
    {
        var selectors = new List<TrafficSelector>();
        if (ipv4)
            selectors.Add(TrafficSelector.FromNetwork(new System.Net.IPNetwork(System.Net.IPAddress.Any, 0)));
        if (ipv6)
            selectors.Add(TrafficSelector.FromNetwork(new System.Net.IPNetwork(System.Net.IPAddress.IPv6Any, 0)));
        return selectors;
    }
}
