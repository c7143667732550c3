namespace Headend.Eap;

/// <summary>Code field of an EAP packet (RFC 3748 4). Unknown values survive.</summary>
public readonly record struct EapCode(byte Value)
{
    public static readonly EapCode Request = new(1);
    public static readonly EapCode Response = new(2);
    public static readonly EapCode Success = new(3);
    public static readonly EapCode Failure = new(4);

    public override string ToString() => Value switch
    {
        1 => "Request",
        2 => "Response",
        3 => "Success",
        4 => "Failure",
        _ => $"code {Value}",
    };
}
