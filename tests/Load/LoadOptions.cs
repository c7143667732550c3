using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>One run of the load tool, as the command line gave it.</summary>
internal sealed record LoadOptions
{
    /// <summary>With port 500 every login begins there and goes on at port 4500; with any other port all of it goes to that port, behind non-ESP markers.</summary>
    public required IPEndPoint Target { get; init; }

    public required int Count { get; init; }

    /// <summary>Logins begun per second; 0 = as many as the concurrency lets through.</summary>
    public required double Rate { get; init; }

    public required int Concurrency { get; init; }

    /// <summary>May hold %d for the login's number.</summary>
    public required string User { get; init; }

    public required string Password { get; init; }

    public required ServerTrust Trust { get; init; }

    public required ReadOnlyMemory<byte> Authorities { get; init; }

    public required IReadOnlyList<IkeProposal> IkeProposals { get; init; }

    public required IReadOnlyList<EspProposal> EspProposals { get; init; }

    /// <summary>How long the sessions stay after the last login; DPD is answered meanwhile.</summary>
    public required TimeSpan Hold { get; init; }

    public required bool Delete { get; init; }

    /// <summary>Not zero: each session lives for a random time between these and is then deleted; one that the gateway has forgotten is given up.</summary>
    public required (TimeSpan Least, TimeSpan Most) Churn { get; init; }

    /// <summary>The user of each established session is written there at once, a line each.</summary>
    public string? SessionsFile { get; init; }

    /// <summary>What each established session can be come back to with is written there at once, a line each.</summary>
    public string? ReturnsFile { get; init; }

    /// <summary>Not empty: instead of logging in, clients come back with these, one after the other.</summary>
    public IReadOnlyList<SavedReturn> Returns { get; init; } = [];

    public required int SourcePorts { get; init; }

    public required bool Probe { get; init; }

    public required bool IPv6 { get; init; }

    public required TimeSpan LoginTimeout { get; init; }

    public string? JsonFile { get; init; }

    /// <summary>Where numbered packets through the first <see cref="TrafficSessions"/> sessions go to while they are held; null for none.</summary>
    public IPEndPoint? Traffic { get; init; }

    public int TrafficSessions { get; init; }

    /// <summary>Packets per second of all of them together.</summary>
    public double TrafficRate { get; init; }

    /// <summary>How everybody comes back after the logins; null = not.</summary>
    public ReturnWay? Return { get; init; }

    /// <summary>Everybody comes back once more after so long a silence; zero = not.</summary>
    public TimeSpan Sleep { get; init; }

    /// <summary>Options shared by all initiators.</summary>
    public TestInitiatorOptions Initiator() => new()
    {
        Identity = new IkeIdentity(IdType.KeyId, "load"u8),
        User = User,
        Password = Password,
        IkeProposals = IkeProposals,
        EspProposals = EspProposals,
        Trust = Trust,
        CertificateAuthorities = Authorities,
        WantIPv6 = IPv6,
        RetransmitInterval = TimeSpan.FromSeconds(2),
        RetransmitTries = 6,
        LoginTimeout = LoginTimeout,
        RequestTicket = Return == ReturnWay.Ticket,
        ReconnectAttributes = Return == ReturnWay.Reconnect || ReturnsFile is not null || Returns.Count > 0 ? (LoadReturns.SessionId, LoadReturns.Token) : null,
    };

    public string UserOf(int number) => User.Replace("%d", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>Reads --ca: who may sign, and the key hashes that CERTREQ names (RFC 7296 3.7).</summary>
    public static (ServerTrust Trust, byte[] Authorities) ReadAuthorities(string? file)
    {
        if (file is null)
            return (ServerTrust.Any, []);
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(file);
        var hashes = new List<byte>();
        foreach (var root in roots)
            hashes.AddRange(SHA1.HashData(root.PublicKey.ExportSubjectPublicKeyInfo()));
        return (ServerTrust.In(roots), [.. hashes]);
    }
}
