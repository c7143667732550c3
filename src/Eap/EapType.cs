namespace Headend.Eap;

/// <summary>Type field of an EAP Request or Response (IANA "Method Types"). Unknown values survive.</summary>
public readonly record struct EapType(byte Value)
{
    public static readonly EapType Identity = new(1);
    public static readonly EapType Notification = new(2);
    public static readonly EapType Nak = new(3);
    public static readonly EapType Md5 = new(4);
    public static readonly EapType Otp = new(5);
    public static readonly EapType Gtc = new(6);
    public static readonly EapType Tls = new(13);
    public static readonly EapType Sim = new(18);
    public static readonly EapType Ttls = new(21);
    public static readonly EapType Aka = new(23);
    public static readonly EapType Peap = new(25);
    public static readonly EapType MsChapV2 = new(26);
    public static readonly EapType Fast = new(43);
    public static readonly EapType AkaPrime = new(50);
    public static readonly EapType Pwd = new(52);
    public static readonly EapType Expanded = new(254);

    /// <summary>Types 1 to 3 carry the conversation about methods; everything from 4 on is a method (RFC 3748 5).</summary>
    public bool IsMethod => Value >= 4;

    /// <summary>
    /// True when the method is known to make an MSK. False for those known to make none and for unknown types; what counts in
    /// the end is whether an MSK arrived (RFC 7296 2.16).
    /// </summary>
    public bool DerivesKey => Value is 13 or 18 or 21 or 23 or 25 or 26 or 43 or 50 or 52;

    /// <summary>The name that logs print, for example <c>EAP-MSCHAPv2</c>.</summary>
    public string Name => Value switch
    {
        1 => "Identity",
        2 => "Notification",
        3 => "Nak",
        4 => "EAP-MD5",
        5 => "EAP-OTP",
        6 => "EAP-GTC",
        13 => "EAP-TLS",
        18 => "EAP-SIM",
        21 => "EAP-TTLS",
        23 => "EAP-AKA",
        25 => "PEAP",
        26 => "EAP-MSCHAPv2",
        43 => "EAP-FAST",
        50 => "EAP-AKA'",
        52 => "EAP-PWD",
        254 => "Expanded",
        _ => $"EAP type {Value}",
    };

    public override string ToString() => Name;
}
