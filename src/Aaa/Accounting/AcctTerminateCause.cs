using Headend.Aaa.Radius;

namespace Headend.Aaa.Accounting;

/// <summary>Acct-Terminate-Cause (RFC 2866 5.10). Open.</summary>
public readonly record struct AcctTerminateCause(uint Value)
{
    public static readonly AcctTerminateCause UserRequest = new(1);
    public static readonly AcctTerminateCause LostCarrier = new(2);
    public static readonly AcctTerminateCause LostService = new(3);
    public static readonly AcctTerminateCause IdleTimeout = new(4);
    public static readonly AcctTerminateCause SessionTimeout = new(5);
    public static readonly AcctTerminateCause AdminReset = new(6);
    public static readonly AcctTerminateCause AdminReboot = new(7);
    public static readonly AcctTerminateCause PortError = new(8);
    public static readonly AcctTerminateCause NasError = new(9);
    public static readonly AcctTerminateCause NasRequest = new(10);
    public static readonly AcctTerminateCause NasReboot = new(11);
    public static readonly AcctTerminateCause PortPreempted = new(13);
    public static readonly AcctTerminateCause ServiceUnavailable = new(15);
    public static readonly AcctTerminateCause UserError = new(17);

    public override string ToString() => RadiusDictionary.Core.NameOfValue(RadiusAttributeType.AcctTerminateCause, Value);

    /// <summary>Cisco's disc-cause-ext text for the same cause.</summary>
    internal string DisconnectCause => Value switch
    {
        1 => "TS User Exit",
        2 => "Lost Carrier",
        4 => "Idle Timeout",
        5 => "Session Timeout",
        6 or 7 => "Local Admin Disc",
        _ => "Unknown",
    };
}

/// <summary>Acct-Status-Type (RFC 2866 5.1). Open.</summary>
public readonly record struct AcctStatusType(uint Value)
{
    public static readonly AcctStatusType Start = new(1);
    public static readonly AcctStatusType Stop = new(2);
    public static readonly AcctStatusType InterimUpdate = new(3);
    public static readonly AcctStatusType AccountingOn = new(7);
    public static readonly AcctStatusType AccountingOff = new(8);

    public override string ToString() => RadiusDictionary.Core.NameOfValue(RadiusAttributeType.AcctStatusType, Value);
}

/// <summary>Acct-Authentic (RFC 2866 5.6): who authenticated the user. Open.</summary>
public readonly record struct AcctAuthentic(uint Value)
{
    public static readonly AcctAuthentic Radius = new(1);
    public static readonly AcctAuthentic Local = new(2);
    public static readonly AcctAuthentic Remote = new(3);

    public override string ToString() => RadiusDictionary.Core.NameOfValue(RadiusAttributeType.AcctAuthentic, Value);
}
