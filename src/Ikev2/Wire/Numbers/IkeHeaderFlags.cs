namespace Headend.Ikev2.Wire;

/// <summary>Flags octet of the IKE header; the other bits are sent as zero and ignored on receipt: RFC 7296 3.1.</summary>
[Flags]
public enum IkeHeaderFlags : byte
{
    None = 0,

    /// <summary>Sent by the original initiator of the IKE SA.</summary>
    Initiator = 0x08,

    /// <summary>The sender speaks a higher major version than the header says.</summary>
    Version = 0x10,

    /// <summary>This message answers the request of the same message ID.</summary>
    Response = 0x20,
}
