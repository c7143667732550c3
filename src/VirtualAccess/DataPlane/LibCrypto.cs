using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The EVP cipher functions of OpenSSL 3 (EVP_EncryptInit(3)). The BCL makes a context per operation for CBC; an SA keeps one.</summary>
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

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_CTX_ctrl")]
    public static partial int Control(nint context, int type, int argument, void* pointer);

    [LibraryImport(Library, EntryPoint = "EVP_CipherInit_ex2")]
    public static partial int Initialize(nint context, nint cipher, byte* key, byte* iv, int encrypt, nint parameters);

    [LibraryImport(Library, EntryPoint = "EVP_CipherUpdate")]
    public static partial int Update(nint context, byte* output, int* outputLength, byte* input, int inputLength);

    [LibraryImport(Library, EntryPoint = "EVP_CipherFinal_ex")]
    public static partial int Final(nint context, byte* output, int* outputLength);
}
