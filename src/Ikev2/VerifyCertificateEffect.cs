using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>
/// Judge the client's certificates and the signature in its AUTH payload: chain, usage, name, revocation. Nothing of it is proven yet. The answer may take as long
/// as a revocation list takes to be fetched.
/// </summary>
/// <param name="Id">Of the operation.</param>
/// <param name="Login">Whose; <see cref="LoginRecord.RemoteIdentity"/> is the name that the certificate must bear.</param>
/// <param name="Chain">DER as received: the client's own certificate, then any others in any order; at least one.</param>
/// <param name="Method">Of the AUTH payload: a signature.</param>
/// <param name="Signature">Its Authentication Data.</param>
/// <param name="Octets">What the signature covers (RFC 7296 2.15).</param>
public sealed record VerifyCertificateEffect(
    OperationId Id, LoginRecord Login, IReadOnlyList<ReadOnlyMemory<byte>> Chain, AuthenticationMethod Method, ReadOnlyMemory<byte> Signature, byte[] Octets)
    : IkeOperation(Id, false);

/// <summary>What the certificates are worth.</summary>
public enum CertificateVerdict
{
    /// <summary>The client is whom it says it is.</summary>
    Accepted,

    /// <summary>No trusted chain, expired, revoked, of another usage, or too weak.</summary>
    Refused,

    /// <summary>The certificate is good, and of somebody else.</summary>
    WrongIdentity,

    /// <summary>The AUTH payload is not by the certificate's key.</summary>
    BadSignature,

    /// <summary>Whether it is revoked cannot be found out, which the profile does not accept.</summary>
    StatusUnknown,
}

/// <param name="Id">Of the effect.</param>
/// <param name="Verdict">The judgement.</param>
/// <param name="User">Who the client is; given exactly when accepted.</param>
/// <param name="Refusal">Why not, for the log; null when accepted.</param>
public sealed record VerifyCertificateCompletion(OperationId Id, CertificateVerdict Verdict, string? User, string? Refusal) : IkeCompletion(Id);
