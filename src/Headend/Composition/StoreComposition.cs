using Headend.Configuration;
using Headend.Runtime;
using Headend.Store;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>The embedded store and the sealed records in it; nothing of it where neither accounting nor a profile has anything to keep.</summary>
internal sealed partial class StoreComposition : IAsyncDisposable
{
    public const string FileName = "headend.db";
    public const string KeyFileName = "headend.key";

    private static readonly TimeSpan LockCheck = TimeSpan.FromMilliseconds(200);

    private StoreComposition(EmbeddedStore? store, SealedStore? sealedRecords) => (Embedded, Sealed) = (store, sealedRecords);

    public static StoreComposition None { get; } = new(null, null);

    /// <summary>Null where nothing has to be kept.</summary>
    public EmbeddedStore? Embedded { get; }

    /// <summary>Null where no profile lets a client come back.</summary>
    public SealedStore? Sealed { get; }

    /// <exception cref="HeadendStartException">The store or its key file cannot be used.</exception>
    public static StoreComposition Open(HeadendConfiguration configuration, bool keepsRecords, TimeProvider time, TimeSpan patience, ILogger logger, CancellationToken cancellation)
    {
        var keepsSecrets = configuration.Ikev2.Profiles.Any(p => p.KeepsSessions);
        if (!keepsRecords && !keepsSecrets)
            return None;
        try
        {
            var store = OpenStore(Path.Combine(configuration.StateDirectory, FileName), time, patience, cancellation);
            if (store.SetAside is { } aside)
                LogSetAside(logger, store.Path, aside);
            try
            {
                return new StoreComposition(store, keepsSecrets ? SealedStore.Open(store, configuration.KeyFile(KeyFileName), time, logger) : null);
            }
            catch (StoreException)
            {
                store.Dispose();
                throw;
            }
        }
        catch (DllNotFoundException error)
        {
            throw new HeadendStartException("accounting and sessions that clients come back to need SQLite: install libsqlite3-0 (libsqlite3.so.0)", error);
        }
        catch (StoreException error)
        {
            throw new HeadendStartException(error.IsBusy ? $"{error.Message}: does another headend use this state directory?" : error.Message, error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Sealed is not null)
            await Sealed.DisposeAsync();
        Embedded?.Dispose();
    }

    // A process that was killed holds its locks until the kernel has taken its interfaces down, as with the ports.
    private static EmbeddedStore OpenStore(string path, TimeProvider time, TimeSpan patience, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            try
            {
                return EmbeddedStore.Open(path, time.GetUtcNow());
            }
            catch (StoreException error) when (error.IsBusy && time.GetElapsedTime(begun) < patience)
            {
                cancellation.WaitHandle.WaitOne(LockCheck);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    [LoggerMessage(EventId = 1241, EventName = "store-set-aside", Level = LogLevel.Error, Message = "file={File} was damaged and is now {Aside}: what it held is lost to this start, accounting records among it")]
    private static partial void LogSetAside(ILogger logger, string file, string aside);
}
