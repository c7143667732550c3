using System.Net;
using System.Net.Sockets;

namespace Headend.Admin;

/// <summary>The Unix socket of the admin API: whether its path is free, and bound so that only the owner may connect.</summary>
internal static class AdminSocket
{
    public const string DefaultPath = "/run/headend/admin.sock";

    // sun_path of unix(7) is 108 octets with its final NUL.
    private const int MaximumPath = 107;

    /// <summary>Makes the directory and removes the socket of a headend that died.</summary>
    /// <exception cref="AdminSocketException">The path is too long, no directory can be made, something else is there, or a headend answers.</exception>
    public static async Task PrepareAsync(string path, CancellationToken cancellation)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(path) > MaximumPath)
            throw new AdminSocketException($"the path of the admin socket is longer than {MaximumPath} octets: {path}");
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } directory && !Directory.Exists(directory))
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (!Path.Exists(path))
                return;
            if (await AnswersAsync(path, cancellation))
                throw new AdminSocketException($"another headend runs: it answers at {path}");
            if (IsOrdinary(path))
                throw new AdminSocketException($"{path} is there and is no socket");
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AdminSocketException($"cannot use {path} as admin socket: {error.Message}", error);
        }
    }

    /// <summary>Binds and restricts before anybody listens: until listen(2) a connection is refused, so no moment is open to others.</summary>
    public static Socket Bind(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            File.SetUnixFileMode(endPoint.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return socket;
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<bool> AnswersAsync(string path, CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
        catch (SocketException error)
        {
            throw new AdminSocketException($"cannot tell whether a headend answers at {path}: {error.Message}", error);
        }
    }

    // open(2) of a socket fails with ENXIO; of anything that holds somebody's bytes it does not.
    private static bool IsOrdinary(string path)
    {
        if (Directory.Exists(path))
            return true;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}

/// <summary>The admin socket cannot be used; the message says why in one line.</summary>
internal sealed class AdminSocketException(string message, Exception? inner = null) : Exception(message, inner);
