namespace Headend.Admin;

/// <summary>One access list as <c>show access-lists --json</c> prints it.</summary>
internal sealed record AccessListRecord
{
    /// <summary>Of the configuration, of a server, or of a session such as <c>Virtual-Access1#3</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>Standard IP</c>, <c>Extended IP</c> or <c>IPv6</c>.</summary>
    public required string Type { get; init; }

    public required IReadOnlyList<AccessListEntryRecord> Entries { get; init; }

    /// <summary>Packets that no entry fitted: denied, unless <see cref="PermitsRest"/>.</summary>
    public required long RestMatches { get; init; }

    /// <summary>What no entry fits passes (a NAS-Filter-Rule whose last rule is a deny).</summary>
    public required bool PermitsRest { get; init; }

    /// <summary>Interfaces whose packets are counted here: equal lists of sessions are counted together.</summary>
    public required int Interfaces { get; init; }

    /// <summary>Where the list is applied; empty for one that no session uses.</summary>
    public IReadOnlyList<AccessListUseRecord> AppliedTo { get; init; } = [];
}

/// <param name="Number">Place in the list.</param>
/// <param name="Text">The line.</param>
/// <param name="Matches">Packets that fitted.</param>
internal sealed record AccessListEntryRecord(int Number, string Text, long Matches);

/// <summary>The packets of one interface in one direction, over all its lists of that direction.</summary>
/// <param name="Interface">Such as <c>Virtual-Access7</c>.</param>
/// <param name="Direction"><c>in</c> from the client, <c>out</c> to it.</param>
/// <param name="Packets">That came to the lists.</param>
/// <param name="Denied">Of those, dropped.</param>
internal sealed record AccessListUseRecord(string Interface, string Direction, long Packets, long Denied);
