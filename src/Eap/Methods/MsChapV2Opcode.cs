namespace Headend.Eap.Methods;

/// <summary>OpCode of an EAP-MSCHAPv2 packet (draft-kamath-pppext-eap-mschapv2 2).</summary>
internal readonly record struct MsChapV2Opcode(byte Value)
{
    public static readonly MsChapV2Opcode Challenge = new(1);
    public static readonly MsChapV2Opcode Response = new(2);
    public static readonly MsChapV2Opcode Success = new(3);
    public static readonly MsChapV2Opcode Failure = new(4);
}
