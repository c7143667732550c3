using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>
/// Puts Cisco's fragments together. They are in the clear, so that anybody who sees the SPIs can forge them: one message at a time, few pieces, few octets, and what comes
/// out is still to be authenticated as a whole. Nothing held is worth more than what comes: the newcomer takes the place of what it contradicts, so that a forged piece
/// spoils one transmission at most, and the next completes the message even where it keeps its fragment id.
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

    /// <summary>
    /// The whole message once all pieces are there, else null. <paramref name="isDropped"/>: the piece is over a limit or came before, or what it contradicts had to go.
    /// </summary>
    public byte[]? Add(in CiscoFragmentPayload fragment, out bool isDropped)
    {
        isDropped = true;
        if (fragment.Number > MaxFragments || fragment.Data.Length > MaxOctets)
            return null;
        if (fragment.Id != _id)
            Start(fragment.Id);
        var held = _parts[fragment.Number - 1];
        if (held is not null && fragment.IsLast == (_last == fragment.Number) && fragment.Data.Span.SequenceEqual(held))
            return null;
        var before = _received;
        Remove(fragment.Number);
        RemoveContradicted(fragment);
        isDropped = _received < before;
        if (_octets + fragment.Data.Length > MaxOctets)
        {
            isDropped = true;
            Start(fragment.Id);
        }

        _parts[fragment.Number - 1] = fragment.Data.ToArray();
        _octets += fragment.Data.Length;
        _received++;
        if (fragment.IsLast)
            _last = fragment.Number;
        if (_last == 0 || _received < _last)
            return null;
        var whole = _parts[.._last].SelectMany(p => p!).ToArray();
        Clear();
        return whole;
    }

    /// <summary>Another end goes, and so does what stands behind the newcomer where that is the end.</summary>
    private void RemoveContradicted(in CiscoFragmentPayload fragment)
    {
        if (_last != 0 && (fragment.IsLast ? _last != fragment.Number : _last <= fragment.Number))
        {
            Remove(_last);
            _last = 0;
        }

        for (var number = fragment.Number + 1; fragment.IsLast && number <= MaxFragments; number++)
            Remove(number);
    }

    private void Remove(int number)
    {
        if (_parts[number - 1] is not { } part)
            return;
        _parts[number - 1] = null;
        _octets -= part.Length;
        _received--;
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
    }
}
