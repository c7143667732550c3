using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>Asks a profile's keyrings in order for the keys of one login's peer; the first that knows it decides.</summary>
internal static class PskLookup
{
    public static async ValueTask<LookUpPskCompletion> FindAsync(ClientSession session, OperationId id, CancellationToken cancellation)
    {
        string? refusal = null;
        var unavailable = false;
        foreach (var keyring in session.Binding.Keyrings)
        {
            switch (await keyring.FindAsync(session, cancellation).ConfigureAwait(false))
            {
                case KeyringAnswer.Found found:
                    session.KeyEntry = found.Entry;
                    session.KeyIsLocal = found.IsLocal;
                    return new LookUpPskCompletion(id, found.Keys, found.User, null, false);
                case KeyringAnswer.Unavailable silent:
                    refusal = silent.Reason;
                    unavailable = true;
                    break;
                case KeyringAnswer.Unsendable unsendable:
                    return new LookUpPskCompletion(id, null, null, unsendable.Reason, false) { Unsendable = true };
                case KeyringAnswer.Unknown unknown when !unavailable:
                    refusal = refusal is null ? unknown.Reason : $"{refusal}; {unknown.Reason}";
                    break;
            }
        }

        return new LookUpPskCompletion(id, null, null, refusal, unavailable);
    }
}
