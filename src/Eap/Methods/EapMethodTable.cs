namespace Headend.Eap.Methods;

/// <summary>The methods that the local EAP server speaks: one line each.</summary>
public static class EapMethodTable
{
    private static readonly Dictionary<EapType, Func<EapServerOptions, IEapMethod>> Methods = new()
    {
        [EapType.MsChapV2] = static options => new MsChapV2Server(options),
    };

    public static IReadOnlyCollection<EapType> Supported => Methods.Keys;

    internal static IEapMethod Create(EapType type, EapServerOptions options) => Methods[type](options);
}
