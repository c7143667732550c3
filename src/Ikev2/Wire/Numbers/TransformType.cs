namespace Headend.Ikev2.Wire;

/// <summary>Transform type: RFC 7296 3.3.2, RFC 9370. Unknown values survive.</summary>
public readonly record struct TransformType(byte Value)
{
    public static TransformType Encryption => new(1);
    public static TransformType Prf => new(2);
    public static TransformType Integrity => new(3);
    public static TransformType KeyExchange => new(4);
    public static TransformType Esn => new(5);
    public static TransformType AdditionalKeyExchange1 => new(6);
    public static TransformType AdditionalKeyExchange2 => new(7);
    public static TransformType AdditionalKeyExchange3 => new(8);
    public static TransformType AdditionalKeyExchange4 => new(9);
    public static TransformType AdditionalKeyExchange5 => new(10);
    public static TransformType AdditionalKeyExchange6 => new(11);
    public static TransformType AdditionalKeyExchange7 => new(12);

    public override string ToString() => Value switch
    {
        1 => "ENCR (1)",
        2 => "PRF (2)",
        3 => "INTEG (3)",
        4 => "KE (4)",
        5 => "ESN (5)",
        6 => "ADDKE1 (6)",
        7 => "ADDKE2 (7)",
        8 => "ADDKE3 (8)",
        9 => "ADDKE4 (9)",
        10 => "ADDKE5 (10)",
        11 => "ADDKE6 (11)",
        12 => "ADDKE7 (12)",
        _ => $"transform type {Value}",
    };
}
