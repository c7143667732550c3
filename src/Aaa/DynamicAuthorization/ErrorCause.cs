using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>Error-Cause (RFC 5176 3.5). Open.</summary>
public readonly record struct ErrorCause(uint Value)
{
    /// <summary>An attribute that the request may not carry, or that nothing here acts on.</summary>
    public static readonly ErrorCause UnsupportedAttribute = new(401);

    /// <summary>No session key, or Authorize Only without State.</summary>
    public static readonly ErrorCause MissingAttribute = new(402);

    public static readonly ErrorCause NasIdentificationMismatch = new(403);

    /// <summary>A key that stands twice, a malformed Vendor-Specific attribute.</summary>
    public static readonly ErrorCause InvalidRequest = new(404);

    /// <summary>A Service-Type other than Authorize Only.</summary>
    public static readonly ErrorCause UnsupportedService = new(405);

    public static readonly ErrorCause UnsupportedExtension = new(406);

    public static readonly ErrorCause InvalidAttributeValue = new(407);

    public static readonly ErrorCause AdministrativelyProhibited = new(501);

    public static readonly ErrorCause SessionContextNotFound = new(503);

    public static readonly ErrorCause SessionContextNotRemovable = new(504);

    public static readonly ErrorCause ResourcesUnavailable = new(506);

    /// <summary>Authorize Only: an Access-Request is on its way.</summary>
    public static readonly ErrorCause RequestInitiated = new(507);

    public static readonly ErrorCause MultipleSessionSelectionUnsupported = new(508);

    public override string ToString() => RadiusDictionary.Core.NameOfValue(RadiusAttributeType.ErrorCause, Value);
}
