using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>
/// Puts Cisco's fragments together. They are in the clear, so that anybody who sees the SPIs can forge them: one message at a time, few pieces, few octets, and what comes
/// out is still to be authenticated as a whole. A forged piece spoils one transmission; the next has a fragment id of its own, or fills the same places anew.
/// </summary>
internal sealed class CiscoFragmentReassembly
{
    public const int MaxFragments = 64;

    /// <summary>An IKE_AUTH request with a long certificate chain stays well below.</summary>
    public const int MaxOctets = FragmentReassembly.MaxOctetsBeforeAuthentication;

    private byte[]?[] _parts = [];
    private int _id = -1;
    private int _received;
    private int _octets;
    private int _last;
    private int _highest;

    /// <summary>The whole message once all pieces are there, else null. <paramref name="isDropped"/>: the piece is over a limit, contradicts others or came before.</summary>
    public byte[]? Add(in CiscoFragmentPayload fragment, out bool isDropped)
    {
        isDropped = false;
        if (fragment.Id != _id)
            Start(fragment.Id);
        if (fragment.Number > MaxFragments || _octets + fragment.Data.Length > MaxOctets
            || (fragment.IsLast ? fragment.Number < _highest || (_last != 0 && _last != fragment.Number) : _last != 0 && fragment.Number >= _last) || _parts[fragment.Number - 1] is not null)
        {
            isDropped = true;
            return null;
        }

        _parts[fragment.Number - 1] = fragment.Data.ToArray();
        _octets += fragment.Data.Length;
        _received++;
        _highest = Math.Max(_highest, fragment.Number);
        if (fragment.IsLast)
            _last = fragment.Number;
        if (_last == 0 || _received < _last)
            return null;
        var whole = _parts[.._last].SelectMany(p => p!).ToArray();
        Clear();
        return whole;
    }

    private void Start(int id)
    {
        Clear();
        _id = id;
        _parts = new byte[]?[MaxFragments];
    }

    private void Clear()
    {
        _parts = [];
        _id = -1;
        _received = 0;
        _octets = 0;
        _last = 0;
        _highest = 0;
    }
}
