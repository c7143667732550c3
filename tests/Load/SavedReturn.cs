using System.Text;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>What a client comes back to its session with (FlexVPN's auto-reconnect), as a line of a file between two runs.</summary>
/// <param name="User">Whose it is.</param>
/// <param name="Id">Session-id, as the gateway wrote it.</param>
/// <param name="Key">Token, likewise.</param>
/// <param name="Address">The session's inner address.</param>
internal sealed record SavedReturn(string User, string Id, string Key, string Address)
{
    public static SavedReturn? Of(string user, TestInitiator client) =>
        client.Outcome is InitiatorOutcome.Established up && client.Given.TryGetValue(LoadReturns.SessionId, out var id) && client.Given.TryGetValue(LoadReturns.Token, out var token)
            ? new SavedReturn(user, Encoding.ASCII.GetString(id), Encoding.ASCII.GetString(token), $"{up.IPv4}")
            : null;

    public static IReadOnlyList<SavedReturn> Read(string file) =>
        [.. File.ReadLines(file).Select(l => l.Split(' ')).Where(p => p.Length == 4).Select(p => new SavedReturn(p[0], p[1], p[2], p[3]))];

    /// <summary>The client's options, out of those of a login.</summary>
    public TestInitiatorOptions Options(TestInitiatorOptions login) =>
        login with { Identity = new IkeIdentity(IdType.KeyId, Encoding.ASCII.GetBytes(Id)), PreSharedKey = Encoding.ASCII.GetBytes(Key) };

    public override string ToString() => $"{User} {Id} {Key} {Address}";
}
