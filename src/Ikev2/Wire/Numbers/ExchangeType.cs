namespace Headend.Ikev2.Wire;

/// <summary>IKEv2 exchange type: RFC 7296 3.1, RFC 5723, RFC 9242. Unknown values survive.</summary>
public readonly record struct ExchangeType(byte Value)
{
    public static ExchangeType IkeSaInit => new(34);
    public static ExchangeType IkeAuth => new(35);
    public static ExchangeType CreateChildSa => new(36);
    public static ExchangeType Informational => new(37);
    public static ExchangeType IkeSessionResume => new(38);
    public static ExchangeType IkeIntermediate => new(43);
    public static ExchangeType IkeFollowupKe => new(44);

    public override string ToString() => Value switch
    {
        34 => "IKE_SA_INIT (34)",
        35 => "IKE_AUTH (35)",
        36 => "CREATE_CHILD_SA (36)",
        37 => "INFORMATIONAL (37)",
        38 => "IKE_SESSION_RESUME (38)",
        43 => "IKE_INTERMEDIATE (43)",
        44 => "IKE_FOLLOWUP_KE (44)",
        _ => $"exchange {Value}",
    };
}
