using System.Text.Json.Serialization;

namespace Headend.Admin;

/// <summary>The JSON of the admin API and of every <c>--json</c>: camel case, absent values as null so that each key is always there.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    WriteIndented = false)]
[JsonSerializable(typeof(IReadOnlyList<SessionRecord>))]
[JsonSerializable(typeof(IReadOnlyList<IkeSaDetailRecord>))]
[JsonSerializable(typeof(IReadOnlyList<AaaServerRecord>))]
[JsonSerializable(typeof(IReadOnlyList<AddressPoolRecord>))]
[JsonSerializable(typeof(IReadOnlyList<AccessListRecord>))]
[JsonSerializable(typeof(AccountingSpoolRecord))]
[JsonSerializable(typeof(ClearSessionsRecord))]
[JsonSerializable(typeof(ClearedSessionsRecord))]
[JsonSerializable(typeof(IReadOnlyList<LockoutRecord>))]
[JsonSerializable(typeof(ClearLockoutRecord))]
[JsonSerializable(typeof(ClearedLockoutRecord))]
[JsonSerializable(typeof(IReadOnlyList<AaaUserRecord>))]
[JsonSerializable(typeof(InterfaceRecord))]
[JsonSerializable(typeof(IReadOnlyList<VirtualTemplateRecord>))]
[JsonSerializable(typeof(IReadOnlyList<PolicyMapRecord>))]
[JsonSerializable(typeof(IkeStatisticsRecord))]
[JsonSerializable(typeof(ReconnectStatisticsRecord))]
[JsonSerializable(typeof(IReadOnlyList<CertificateRecord>))]
[JsonSerializable(typeof(HealthRecord))]
[JsonSerializable(typeof(AdminFailure))]
internal sealed partial class AdminJsonContext : JsonSerializerContext;
