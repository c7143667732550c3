using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Tests.Peers;

/// <summary>A RADIUS server on loopback that answers each User-Name with the attributes written for it, and others with Access-Reject.</summary>
internal sealed class PolicyServer : IDisposable
{
    private const byte Outbound = 5;

    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public PolicyServer()
    {
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _ = Task.Run(Serve);
    }

    public static RadiusSecret Secret { get; } = RadiusSecret.FromText("a-shared-secret-of-26-chars");

    public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>Attributes of Access-Accepts by User-Name: Cisco pairs, and "User-Name=X", "Class=X", "Tunnel-Password=X", "Session-Timeout=N", "Idle-Timeout=N", "Port-Limit=N".</summary>
    public Dictionary<string, string[]> Policies { get; } = new(StringComparer.Ordinal);

    /// <summary>Each request as "USER PASSWORD", with a star where it was no Outbound request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Acct-Session-Id, audit-session-id and NAS-Port of each request.</summary>
    public ConcurrentQueue<(string Acct, string Audit, uint Port)> Sessions { get; } = new();

    /// <summary>Answers nothing.</summary>
    public bool Silent { get; set; }

    public RadiusServerOptions Options(string name) =>
        new(name, IPAddress.Loopback, Secret) { AuthPort = Port, Timeout = TimeSpan.FromMilliseconds(Silent ? 100 : 5000), Retransmit = Silent ? 0 : 5 };

    public void Dispose() => socket.Dispose();

    private static byte[] Attribute(string text, ReadOnlySpan<byte> requestAuthenticator)
    {
        var (name, value) = (text[..text.IndexOf('=', StringComparison.Ordinal)], Encoding.UTF8.GetBytes(text[(text.IndexOf('=', StringComparison.Ordinal) + 1)..]));
        return name switch
        {
            "User-Name" => [1, (byte)(2 + value.Length), .. value],
            "Class" => [25, (byte)(2 + value.Length), .. value],
            "Session-Timeout" => Number(27, value),
            "Idle-Timeout" => Number(28, value),
            "Port-Limit" => Number(62, value),
            "Tunnel-Password" when RadiusHiding.HideSalted(value, 9, requestAuthenticator, Secret) is var hidden => [69, (byte)(3 + hidden.Length), 0, .. hidden],
            _ when Encoding.UTF8.GetBytes(text) is var pair => [26, (byte)(8 + pair.Length), 0, 0, 0, 9, 1, (byte)(2 + pair.Length), .. pair],
            _ => [],
        };
    }

    private static byte[] Number(byte type, ReadOnlySpan<byte> digits)
    {
        byte[] attribute = [type, 6, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(attribute.AsSpan(2), uint.Parse(digits, CultureInfo.InvariantCulture));
        return attribute;
    }

    private void Serve()
    {
        var buffer = new byte[4096];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var length = socket.ReceiveFrom(buffer, ref from);
                if (Silent || !RadiusPacket.TryParse(buffer.AsSpan(0, length), out var request, out _))
                    continue;
                socket.SendTo(Answer(request, buffer.AsSpan(4, 16).ToArray()), from);
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or SocketException)
        {
            // The end of the test.
        }
    }

    private static (string Acct, string Audit, uint Port) NamesIn(RadiusPacket request)
    {
        const string Audit = "audit-session-id=";
        var text = Encoding.ASCII.GetString(request.Octets.Span);
        var at = text.IndexOf(Audit, StringComparison.Ordinal);
        return (
            request.TryGet(RadiusAttributeType.AcctSessionId, out var acct) && acct.TryGetText(out var id) ? id : "",
            at < 0 ? "" : text.Substring(at + Audit.Length, 24),
            request.TryGet(RadiusAttributeType.NasPort, out var port) && port.TryGetUInt32(out var number) ? number : 0);
    }

    private byte[] Answer(RadiusPacket request, byte[] authenticator)
    {
        var user = request.TryGet(RadiusAttributeType.UserName, out var name) && name.TryGetText(out var text) ? text : "";
        var password = request.TryGet(RadiusAttributeType.UserPassword, out var hidden) && RadiusHiding.TryRevealUserPassword(hidden.Value.Span, authenticator, Secret, out var plain)
            ? Encoding.UTF8.GetString(plain) : "";
        var outbound = request.TryGet(RadiusAttributeType.ServiceType, out var service) && service.Value.Span[^1] == Outbound;
        Requests.Enqueue($"{user} {password}{(outbound ? "" : "*")}");
        Sessions.Enqueue(NamesIn(request));
        var known = Policies.TryGetValue(user, out var attributes);
        byte[] list = [80, 18, .. new byte[16], .. (attributes ?? []).SelectMany(a => Attribute(a, authenticator))];
        byte[] reply = [(known ? RadiusCode.AccessAccept : RadiusCode.AccessReject).Value, request.Identifier, (byte)((20 + list.Length) >> 8), (byte)(20 + list.Length), .. new byte[16], .. list];
        RadiusAuthenticatorCodec.Seal(reply, 22, authenticator, Secret);
        return reply;
    }
}
