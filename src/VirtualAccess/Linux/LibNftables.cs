using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Linux;

/// <summary>A context of libnftables.so.1 (Debian package libnftables1): commands as text, errors and answers into buffers. Thread-safe, one command at a time.</summary>
internal sealed unsafe partial class LibNftables : IDisposable
{
    private const string Library = "libnftables.so.1";
    private const uint NFT_CTX_OUTPUT_JSON = 1 << 4;
    private const int FD_SETSIZE = 1024;

    private readonly Lock gate = new();
    private nint context;

    private LibNftables(nint context) => this.context = context;

    /// <summary>False with what is missing.</summary>
    public static bool TryOpen([NotNullWhen(true)] out LibNftables? library, [NotNullWhen(false)] out string? missing)
    {
        library = null;
        missing = null;
        // Kept loaded: the imports below find it under the same name.
        if (!NativeLibrary.TryLoad(Library, out _))
        {
            missing = $"{Library} is not installed (Debian package libnftables1)";
            return false;
        }

        if (!NextDescriptorIsLow())
        {
            missing = $"{Library} needs a descriptor below {FD_SETSIZE}, and so many are open already";
            return false;
        }

        var context = NewContext(0);
        if (context == 0 || BufferOutput(context) != 0 || BufferErrors(context) != 0)
        {
            missing = $"{Library} cannot open a netlink socket";
            if (context != 0) FreeContext(context);
            return false;
        }

        SetOutputFlags(context, NFT_CTX_OUTPUT_JSON);
        library = new LibNftables(context);
        return true;
    }

    /// <summary>Runs commands as one transaction.</summary>
    /// <returns>Null, or the first line of the library's error.</returns>
    public string? Run(string commands) => Run(commands, out _);

    /// <summary>Runs commands and gives what they print, as JSON.</summary>
    public string? Run(string commands, out string output)
    {
        output = "";
        lock (gate)
        {
            if (context == 0) return "closed";
            var failed = RunCommands(context, commands) != 0;
            var errors = Marshal.PtrToStringUTF8(GetErrors(context)) ?? "";
            output = Marshal.PtrToStringUTF8(GetOutput(context)) ?? "";
            if (!failed) return null;
            var end = errors.IndexOf('\n', StringComparison.Ordinal);
            return errors.Length == 0 ? "libnftables failed without a reason" : end < 0 ? errors : errors[..end];
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (context != 0) FreeContext(context);
            context = 0;
        }
    }

    // The library waits for its socket, which it opens once, by select(): a higher number would end the process. The kernel gives the lowest that is free; a few may go
    // to other threads meanwhile.
    private static bool NextDescriptorIsLow()
    {
        var probe = NativeMethods.EventDescriptor(0, NativeMethods.EFD_CLOEXEC);
        if (probe < 0) return false;
        _ = NativeMethods.Close(probe);
        return probe < FD_SETSIZE - 64;
    }

    [LibraryImport(Library, EntryPoint = "nft_ctx_new")]
    private static partial nint NewContext(uint flags);

    [LibraryImport(Library, EntryPoint = "nft_ctx_free")]
    private static partial void FreeContext(nint context);

    [LibraryImport(Library, EntryPoint = "nft_ctx_buffer_output")]
    private static partial int BufferOutput(nint context);

    [LibraryImport(Library, EntryPoint = "nft_ctx_buffer_error")]
    private static partial int BufferErrors(nint context);

    [LibraryImport(Library, EntryPoint = "nft_ctx_output_set_flags")]
    private static partial void SetOutputFlags(nint context, uint flags);

    [LibraryImport(Library, EntryPoint = "nft_ctx_get_output_buffer")]
    private static partial nint GetOutput(nint context);

    [LibraryImport(Library, EntryPoint = "nft_ctx_get_error_buffer")]
    private static partial nint GetErrors(nint context);

    [LibraryImport(Library, EntryPoint = "nft_run_cmd_from_buffer", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RunCommands(nint context, string commands);
}
