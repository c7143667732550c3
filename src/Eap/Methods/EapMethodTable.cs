namespace Headend.Eap.Methods;

/// <summary>The methods that the local EAP server speaks: one line each. A method is made for an identity as the client claims it.</summary>
public static class EapMethodTable
{
    private static readonly Dictionary<EapType, Func<EapServerOptions, string, IEapMethod>> Methods = new()
    {
        [EapType.MsChapV2] = static (options, _) => new MsChapV2Server(options),
        [EapType.Gtc] = static (options, identity) => new GtcServer(options, identity),
        [EapType.Tls] = static (options, identity) => new EapTlsServer(options, identity),
        [EapType.Md5] = static (options, identity) => new Md5Server(options, identity),
    };

    public static IReadOnlyCollection<EapType> Supported => Methods.Keys;

    internal static IEapMethod Create(EapType type, EapServerOptions options, string identity) => Methods[type](options, identity);
}
