using Headend.Pki.Verification;

namespace Headend.Tests.Pki.Verification;

/// <summary>What the cache keeps, for how long, and what it loses first.</summary>
public sealed class RevocationCacheTests
{
    private readonly TestClock clock = new();

    [Fact]
    public async Task ItIsBoundedAndForgetsByTime()
    {
        var cache = new RevocationCache<string>(10, _ => false, clock);
        for (var i = 0; i < 100; i++)
            await AskAsync(cache, $"key {i}", "value", 60);
        Assert.Equal(10, cache.Count);
        Assert.Equal("1", await AskAsync(cache, "past", "1", -60));
        Assert.Equal("2", await AskAsync(cache, "past", "2", 60));
        Assert.Equal("2", await AskAsync(cache, "past", "3", 60));
    }

    [Fact]
    public async Task AFetchKnowsWhatWasFetchedLastAndAFaultLosesNothing()
    {
        var cache = new RevocationCache<string>(10, _ => false, clock);
        await Assert.ThrowsAsync<InvalidOperationException>(() => GetAsync(cache, "key", _ => throw new InvalidOperationException()));
        Assert.False(cache.TryPeek("key", out _));
        await AskAsync(cache, "key", "1", -60);
        await Assert.ThrowsAsync<InvalidOperationException>(() => GetAsync(cache, "key", _ => throw new InvalidOperationException()));
        Assert.True(cache.TryPeek("key", out var last) && last == "1");
        Assert.False(cache.TryGet("key", () => false, _ => throw new InvalidOperationException(), out _));

        var fetching = new TaskCompletionSource<(string, DateTimeOffset)>();
        string? former = null;
        var fetched = GetAsync(cache, "key", kept =>
        {
            former = kept;
            return fetching.Task;
        });
        Assert.Equal("1", former);
        Assert.True(cache.TryPeek("key", out last) && last == "1");

        // Sharing a fetch needs no leave.
        Assert.True(cache.TryGet("key", () => false, _ => throw new InvalidOperationException(), out var shared));
        Assert.Same(fetched, shared);
        fetching.SetResult(("2", clock.GetUtcNow().AddHours(1)));
        Assert.Equal("2", await fetched);
        Assert.True(cache.TryPeek("key", out last) && last == "2");
    }

    [Fact]
    public async Task WhatIsWorthKeepingGoesLast()
    {
        var cache = new RevocationCache<string>(3, v => v == "revoked", clock);
        await AskAsync(cache, "a", "revoked", -60);
        for (var i = 0; i < 10; i++)
            await AskAsync(cache, $"key {i}", "good", 60 + i);
        Assert.True(cache.TryPeek("a", out _));

        // The newest is never the first to go; of equals the one whose time comes first is.
        await AskAsync(cache, "b", "revoked", 10);
        await AskAsync(cache, "c", "revoked", 20);
        Assert.True(cache.TryPeek("a", out _));
        await AskAsync(cache, "d", "revoked", 30);
        Assert.Equal(3, cache.Count);
        Assert.False(cache.TryPeek("a", out _));
        Assert.True(cache.TryPeek("b", out _) && cache.TryPeek("c", out _) && cache.TryPeek("d", out _));
    }

    private static Task<string> GetAsync(RevocationCache<string> cache, string key, Func<string?, Task<(string, DateTimeOffset)>> fetch)
    {
        Assert.True(cache.TryGet(key, () => true, fetch, out var value));
        return value;
    }

    private Task<string> AskAsync(RevocationCache<string> cache, string key, string value, int minutes) =>
        GetAsync(cache, key, _ => Task.FromResult((value, clock.GetUtcNow().AddMinutes(minutes))));
}
