namespace Headend.Eap.Methods;

/// <summary>Server side of one EAP method in one login. <see cref="EapServer"/> owns framing, identifiers and retransmission.</summary>
public interface IEapMethod : IDisposable
{
    EapType Type { get; }

    /// <summary>True where <see cref="Handle"/> may burn milliseconds of a processor (signatures, stretched passwords): not for a thread that others wait for.</summary>
    bool IsExpensive { get; }

    /// <summary>Type-Data of the first Request, to be sent under this identifier.</summary>
    byte[] Start(byte identifier);

    /// <summary>Takes the Type-Data of a Response of this type; a Request it asks for goes out under <paramref name="nextIdentifier"/>.</summary>
    EapMethodStep Handle(ReadOnlySpan<byte> typeData, byte nextIdentifier);
}
