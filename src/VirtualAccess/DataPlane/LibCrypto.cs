using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The EVP cipher and MAC functions of OpenSSL 3 (EVP_EncryptInit(3), EVP_MAC(3)). The BCL makes a context per operation for CBC; an SA keeps one.</summary>
internal static unsafe partial class LibCrypto
{
    public const int AeadSetIvLength = 0x9;
    public const int AeadGetTag = 0x10;
    public const int AeadSetTag = 0x11;
    private const string Library = "libcrypto.so.3";

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_fetch", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FetchCipher(nint context, string name, nint properties);

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_free")]
    public static partial void FreeCipher(nint cipher);

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_new")]
    public static partial nint NewContext();

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_free")]
    public static partial void FreeContext(nint context);

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_set_padding")]
    public static partial int SetPadding(nint context, int pad);

    /// <summary>As all that go without a GC transition: some dozen nanoseconds per packet, never waits.</summary>
    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_ctrl")]
    [SuppressGCTransition]
    public static partial int Control(nint context, int type, int argument, void* pointer);

    [LibraryImport(Library, EntryPoint = "EVP_CipherInit_ex2")]
    public static partial int Initialize(nint context, nint cipher, byte* key, byte* iv, int encrypt, nint parameters);

    /// <summary>Begins a message with the key that the context has.</summary>
    [LibraryImport(Library, EntryPoint = "EVP_CipherInit_ex2")]
    [SuppressGCTransition]
    public static partial int Restart(nint context, nint noCipher, byte* noKey, byte* iv, int encrypt, nint parameters);

    /// <summary><see cref="Update"/> for a header's octets.</summary>
    [LibraryImport(Library, EntryPoint = "EVP_CipherUpdate")]
    [SuppressGCTransition]
    public static partial int UpdateShort(nint context, byte* output, int* outputLength, byte* input, int inputLength);

    [LibraryImport(Library, EntryPoint = "EVP_CipherUpdate")]
    public static partial int Update(nint context, byte* output, int* outputLength, byte* input, int inputLength);

    [LibraryImport(Library, EntryPoint = "EVP_CipherFinal_ex")]
    [SuppressGCTransition]
    public static partial int Final(nint context, byte* output, int* outputLength);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_fetch", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FetchMac(nint context, string name, nint properties);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_free")]
    public static partial void FreeMac(nint mac);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_CTX_new")]
    public static partial nint NewMacContext(nint mac);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_CTX_free")]
    public static partial void FreeMacContext(nint context);

    /// <summary>A null key keeps the key and begins a new message.</summary>
    [LibraryImport(Library, EntryPoint = "EVP_MAC_init")]
    public static partial int InitializeMac(nint context, byte* key, nuint length, MacParameter* parameters);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_update")]
    public static partial int UpdateMac(nint context, byte* data, nuint length);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_final")]
    public static partial int FinalMac(nint context, byte* output, nuint* written, nuint size);
}
