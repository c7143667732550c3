namespace Headend.Admin;

/// <summary>One session as <c>show crypto session --json</c> prints it. Octets and packets are those of inner packets; "in" is from the client.</summary>
internal sealed record SessionRecord
{
    public required string Id { get; init; }

    public required string Profile { get; init; }

    /// <summary>Which lines of the profile fit the client, in the words of the configuration.</summary>
    public string? ProfileMatch { get; init; }

    /// <summary>One of <see cref="SessionStatus"/>.</summary>
    public required string Status { get; init; }

    public string? User { get; init; }

    public string? IkeIdentity { get; init; }

    public string? EapIdentity { get; init; }

    public required string RemoteAddress { get; init; }

    public required int RemotePort { get; init; }

    public required string LocalAddress { get; init; }

    public required int LocalPort { get; init; }

    /// <summary>The name an operator of FlexVPN expects, such as <c>Virtual-Access7</c>.</summary>
    public string? Interface { get; init; }

    /// <summary>The kernel's name, such as <c>vi7</c>.</summary>
    public string? Device { get; init; }

    public IReadOnlyList<string> AssignedAddresses { get; init; } = [];

    /// <summary>Null where the IPv4 address is not leased by DHCP.</summary>
    public DhcpLeaseRecord? DhcpLease { get; init; }

    /// <summary>The prefix around the IPv6 address that is the session's alone.</summary>
    public string? FramedPrefix { get; init; }

    /// <summary>The prefix delegated to the client, routed to it.</summary>
    public string? DelegatedPrefix { get; init; }

    public string? AuditSessionId { get; init; }

    public string? AcctSessionId { get; init; }

    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>How the client proved itself, such as <c>EAP-MSCHAPv2</c> or <c>PSK</c>.</summary>
    public string? Authentication { get; init; }

    /// <summary>How the headend did, such as <c>RSA</c> or <c>PSK</c>.</summary>
    public string? LocalAuthentication { get; init; }

    /// <summary>What the headend calls itself to this client.</summary>
    public string? LocalIdentity { get; init; }

    /// <summary>Which entry of which keyring gave the pre-shared key; null without one.</summary>
    public string? KeyringEntry { get; init; }

    /// <summary>The client came back by session-id and token.</summary>
    public bool Reconnected { get; init; }

    public required long UptimeSeconds { get; init; }

    public required ulong InOctets { get; init; }

    public required ulong OutOctets { get; init; }

    public required ulong InPackets { get; init; }

    public required ulong OutPackets { get; init; }

    /// <summary>Null while the session is INACTIVE.</summary>
    public required IkeSaRecord? IkeSa { get; init; }

    public IReadOnlyList<ChildSaRecord> ChildSas { get; init; } = [];
}

/// <summary>A DHCP lease of a session.</summary>
/// <param name="Server">Who leased it.</param>
/// <param name="Relay">giaddr.</param>
/// <param name="ClientIdentifier">Option 61, as servers print it.</param>
/// <param name="State"><c>bound</c>, <c>renewing</c> or <c>rebinding</c>.</param>
/// <param name="ExpiresInSeconds">Null for a lease without end.</param>
internal sealed record DhcpLeaseRecord(string Server, string Relay, string ClientIdentifier, string State, long? ExpiresInSeconds);

/// <summary>The words of <see cref="SessionRecord.Status"/>.</summary>
internal static class SessionStatus
{
    public const string UpActive = "UP-ACTIVE";
    public const string UpIdle = "UP-IDLE";
    public const string DownNegotiating = "DOWN-NEGOTIATING";
    public const string Inactive = "INACTIVE";
}

/// <summary>The IKE SA of a session. SPIs are 16 hexadecimal digits; absent transforms (integrity of an AEAD) are null.</summary>
internal sealed record IkeSaRecord
{
    public required string LocalSpi { get; init; }

    public required string RemoteSpi { get; init; }

    public string? Encryption { get; init; }

    public string? Integrity { get; init; }

    public string? Prf { get; init; }

    public string? DhGroup { get; init; }

    /// <summary>Who is behind a NAT: <c>none</c>, <c>local</c>, <c>remote</c> or <c>both</c>.</summary>
    public required string Nat { get; init; }

    /// <summary>One letter each of FlexVPN's legend (<c>D</c>, <c>N</c>, <c>X</c>, <c>F</c>, <c>R</c>), then words: <c>signature-hash-algorithms</c> (RFC 7427), <c>ticket</c> (came back by one, RFC 5723).</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];
}

/// <summary>One pair of ESP SAs. SPIs are 8 hexadecimal digits; selectors are text such as <c>10.10.0.0/24</c>.</summary>
internal sealed record ChildSaRecord
{
    public required string InSpi { get; init; }

    public required string OutSpi { get; init; }

    public required string Transform { get; init; }

    /// <summary><c>tunnel</c>, or <c>transport</c> where ESP carries GRE.</summary>
    public required string Mode { get; init; }

    public IReadOnlyList<string> LocalSelectors { get; init; } = [];

    public IReadOnlyList<string> RemoteSelectors { get; init; } = [];
}
