namespace Headend.Store;

/// <summary>What becomes of changes that the disk refuses, and who is told.</summary>
internal sealed partial class SealedStore
{
    private enum KeyFileState
    {
        /// <summary>It has what seals and opens, and nothing else.</summary>
        Sound,

        /// <summary>It has that, and perhaps older keys, which are to go.</summary>
        Stale,

        /// <summary>It may be there or not: neither does a record come back for certain, nor is any revoked by its absence.</summary>
        Uncertain,

        /// <summary>It is not there, for good.</summary>
        Destroyed,
    }

    /// <summary>What is in the database comes back.</summary>
    private bool IsKeyKept => keyFileIs is KeyFileState.Sound or KeyFileState.Stale;

    // Every revocation that is not on the disk is in the batch, or has come since and was answered to nobody: so the key may come back when those of the batch are on it.
    private void Refused(Dictionary<(string Kind, string Id), Change> batch, string failure)
    {
        Fail(failure);
        List<KeyValuePair<(string Kind, string Id), Change>> revocations = [.. batch.Where(static c => c.Value.Revokes)];
        var isRevoked = revocations.Count > 0 && TryRevoke(revocations);
        foreach (var change in batch.Values)
            change.Complete(isWritten: false, isRevoked);
    }

    private bool TryRevoke(List<KeyValuePair<(string Kind, string Id), Change>> revocations)
    {
        // A disk that has no room for what is new may have room for a removal, which spares the records of all others.
        if (TryTransact(() => revocations.ForEach(r => Delete(r.Key.Kind, r.Key.Id)), out _))
        {
            revocations.ForEach(static r => r.Value.Revokes = false);
            RestoreKey();
            return true;
        }

        if (keyFileIs != KeyFileState.Destroyed)
        {
            keyFileIs = KeyFileState.Uncertain;
            if (SealingKeyFile.TryDestroy(keyFile))
            {
                keyFileIs = KeyFileState.Destroyed;
                LogKeyDestroyed(logger, keyFile);
            }
        }

        return keyFileIs == KeyFileState.Destroyed;
    }

    // From the first step on it may be there again, whatever becomes of the others.
    private void RestoreKey()
    {
        if (keyFileIs == KeyFileState.Sound)
            return;
        if (keyFileIs == KeyFileState.Destroyed)
            keyFileIs = KeyFileState.Uncertain;
        try
        {
            SealingKeyFile.Write(keyFile, keys);
            keyFileIs = KeyFileState.Sound;
        }
        catch (StoreException error)
        {
            // A stale one is replaced whole or not at all, and its records come back by either; that was said at the start.
            if (!IsKeyKept)
                Fail(error.Message);
        }
    }

    // Said once, until it is over.
    private void Fail(string failure)
    {
        if (!failing)
            LogFailed(logger, failure);
        failing = true;
    }

    /// <summary>
    /// What is to be done to one record; null removes it. All who put it wait for one completion, and all who revoke what was there before for another, so that one that takes another's place takes over
    /// its waiters as they are, however many.
    /// </summary>
    private sealed class Change(ISealedContent? content, long? expiresAt, bool revokes)
    {
        private readonly bool isRevocation = revokes;
        private TaskCompletionSource<bool>? written;
        private TaskCompletionSource<bool>? revoked;

        public ISealedContent? Content { get; private set; } = content;

        public long? ExpiresAt => expiresAt;

        /// <summary>What the disk has of the record must not come back. Written under the gate, or by the thread that has it in its batch.</summary>
        public bool Revokes { get; set; } = revokes;

        /// <summary>It had a content that cannot be made into octets.</summary>
        public bool IsUnmakeable { get; private set; }

        /// <summary>Where it stands, sealed, while it is written.</summary>
        public int Start { get; set; }

        public int Length { get; set; }

        /// <summary>What its own caller waits for. Under the gate, before the writer has it.</summary>
        public Task<bool> Completion => (isRevocation ? revoked ??= New() : written ??= New()).Task;

        /// <summary>Under the gate, before anybody waits for this one.</summary>
        public void TakePlaceOf(Change before)
        {
            (written, revoked) = (before.written, before.revoked);
            Revokes |= before.Revokes;
        }

        /// <summary>Its content cannot be made: the record is removed, for what the disk has of it is out of date.</summary>
        public void Drop()
        {
            Forget();
            Content = null;
            IsUnmakeable = true;
        }

        public void Forget() => Content?.Zero();

        /// <summary>Whoever waits is told; who comes later, when it is tried again, waits for that.</summary>
        /// <param name="isWritten">What whoever put a record waits for.</param>
        /// <param name="isRevoked">What whoever removed or replaced one waits for.</param>
        public void Complete(bool isWritten, bool isRevoked)
        {
            var (puts, revocations) = (written, revoked);
            (written, revoked) = (null, null);
            puts?.SetResult(isWritten);
            revocations?.SetResult(isRevoked);
        }

        private static TaskCompletionSource<bool> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
