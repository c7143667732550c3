using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Headend.Aaa.Radius;
using Headend.Eap;

namespace Headend.Tests.Peers;

/// <summary>
/// A RADIUS front for the local EAP server, on loopback: programs that test EAP over RADIUS (wpa_supplicant's eapol_test) meet our methods through it. State
/// names the login; the MSK goes out as MS-MPPE keys (RFC 2548 2.4).
/// </summary>
internal sealed class EapServerBridge : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Dictionary<string, EapServer> logins = new(StringComparer.Ordinal);
    private readonly Func<EapServer> make;

    public EapServerBridge(Func<EapServer> make)
    {
        this.make = make;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _ = Task.Run(ServeAsync);
    }

    public static RadiusSecret Secret { get; } = RadiusSecret.FromText("testing123");

    public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>The last step of the login that ended last.</summary>
    public EapStep? Outcome { get; private set; }

    public void Dispose() => socket.Dispose();

    private async Task ServeAsync()
    {
        var buffer = new byte[4096];
        var from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, from);
                if (RadiusPacket.TryParse(buffer.AsSpan(0, received.ReceivedBytes), out var request, out _)
                    && RadiusAuthenticatorCodec.VerifyRequest(request, Secret, requireMessageAuthenticator: true) == RadiusError.None)
                {
                    await socket.SendToAsync(Answer(request), received.RemoteEndPoint);
                }
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or SocketException)
        {
            // The end of the test.
        }
    }

    private byte[] Answer(RadiusPacket request)
    {
        var eap = request.GetEapMessage()!;
        EapServer server;
        string name;
        EapStep step;
        if (request.TryGet(RadiusAttributeType.State, out var state))
        {
            name = Convert.ToHexString(state.Value.Span);
            server = logins[name];
            step = server.Handle(eap);
        }
        else
        {
            // eapol_test has answered an Identity request of its own; ours is under the same identifier then.
            server = make();
            name = RandomNumberGenerator.GetHexString(16);
            logins[name] = server;
            var asked = ((EapStep.Request)server.Start()).Packet;
            eap[1] = asked[1];
            step = server.Handle(eap);
        }

        return step switch
        {
            EapStep.Request question => Reply(request, RadiusCode.AccessChallenge, question.Packet, Convert.FromHexString(name), null),
            EapStep.Discarded { Outstanding: { } again } => Reply(request, RadiusCode.AccessChallenge, again, Convert.FromHexString(name), null),
            EapStep.Success success => End(success, Reply(request, RadiusCode.AccessAccept, success.Packet, null, success.Msk)),
            EapStep.Failure failure => End(failure, Reply(request, RadiusCode.AccessReject, failure.Packet!, null, null)),
            _ => throw new InvalidOperationException(step.ToString()),
        };
    }

    private byte[] End(EapStep step, byte[] reply)
    {
        Outcome = step;
        return reply;
    }

    private static byte[] Reply(RadiusPacket request, RadiusCode code, byte[] eap, byte[]? state, byte[]? msk)
    {
        var packet = new List<byte>();
        packet.AddRange(new byte[20]);
        packet[0] = code.Value;
        packet[1] = request.Identifier;
        Append(packet, 80, new byte[16]);
        foreach (var part in eap.Chunk(253))
            Append(packet, 79, part);
        if (state is not null)
            Append(packet, 24, state);
        if (msk is not null)
        {
            AppendKey(packet, 17, msk.AsSpan(0, 32), request, 1);
            AppendKey(packet, 16, msk.AsSpan(32, 32), request, 2);
        }

        byte[] octets = [.. packet];
        RadiusAuthenticatorCodec.Seal(octets, 22, request.Authenticator, Secret);
        return octets;
    }

    private static void AppendKey(List<byte> packet, byte type, ReadOnlySpan<byte> key, RadiusPacket request, ushort salt)
    {
        var hidden = RadiusHiding.HideSalted(key, salt, request.Authenticator, Secret);
        Append(packet, 26, [0, 0, 1, 55, type, (byte)(hidden.Length + 2), .. hidden]);
    }

    private static void Append(List<byte> packet, byte type, ReadOnlySpan<byte> value)
    {
        packet.Add(type);
        packet.Add((byte)(value.Length + 2));
        packet.AddRange(value);
    }
}

/// <summary>alice, with a password in clear text.</summary>
internal sealed class OneUser : ILocalCredentials
{
    public bool TryFind(string userName, [NotNullWhen(true)] out LocalCredential? credential, out string refusal)
    {
        refusal = $"no local user {userName}";
        credential = userName == "alice" ? LocalCredential.FromPassword("pass-word") : null;
        return credential is not null;
    }

    public void Judged(string userName, bool proven)
    {
    }
}
