using System.Collections.Immutable;

namespace Headend.VirtualAccess.Policy;

/// <summary>A classic BPF program (linux/filter.h) that grows, with labels for its jumps, which all lead forward.</summary>
internal sealed class ClassifierDraft
{
    private const ushort Load = 0x00, LoadHalf = 0x08, LoadByte = 0x10, Absolute = 0x20, Indexed = 0x40, Memory = 0x60;
    private const ushort LoadIndex = 0x01, HeaderLength = 0xb1, Store = 0x02, StoreIndex = 0x03;
    private const ushort JumpAlways = 0x05, Return = 0x06, MoveToIndex = 0x07;

    /// <summary>
    /// SKF_NET_OFF of linux/filter.h: offsets count from the IP header. From the start of the frame they would not do on an xfrm interface, whose packets from the client keep the
    /// link-layer header of the device that brought them.
    /// </summary>
    private const uint NetworkHeader = 0xfff00000;

    private readonly List<BpfInstruction> code = [];
    private readonly List<(int At, int Label)> jumps = [];
    private readonly List<int> labels = [];

    public enum Test : ushort
    {
        Equal = 0x15,
        Greater = 0x25,
        GreaterOrEqual = 0x35,
        AnyBit = 0x45,
    }

    public enum Operation : ushort
    {
        Add = 0x04,
        AddIndex = 0x0c,
        And = 0x54,
        ShiftLeft = 0x64,
        ShiftRight = 0x74,
    }

    public int NewLabel()
    {
        labels.Add(-1);
        return labels.Count - 1;
    }

    /// <summary>The label stands before the next instruction.</summary>
    public void Mark(int label) => labels[label] = code.Count;

    /// <summary>A = K.</summary>
    public void LoadConstant(uint value) => Add(Load, value);

    /// <summary>A = the octet at an offset from the IP header.</summary>
    public void LoadOctet(uint offset) => Add(LoadByte | Absolute, NetworkHeader + offset);

    /// <summary>A = the two octets at an offset.</summary>
    public void LoadTwoOctets(uint offset) => Add(LoadHalf | Absolute, NetworkHeader + offset);

    /// <summary>A = the four octets at an offset.</summary>
    public void LoadFourOctets(uint offset) => Add(Load | Absolute, NetworkHeader + offset);

    /// <summary>A = the octet at X + an offset.</summary>
    public void LoadOctetBehindIndex(uint offset) => Add(LoadByte | Indexed, NetworkHeader + offset);

    /// <summary>A = the two octets at X + an offset.</summary>
    public void LoadTwoOctetsBehindIndex(uint offset) => Add(LoadHalf | Indexed, NetworkHeader + offset);

    /// <summary>A = a cell.</summary>
    public void LoadCell(uint cell) => Add(Load | Memory, cell);

    /// <summary>X = a cell.</summary>
    public void LoadCellToIndex(uint cell) => Add(LoadIndex | Memory, cell);

    /// <summary>X = four times the low half of the octet at an offset: the length of an IPv4 header.</summary>
    public void LoadHeaderLengthToIndex(uint offset) => Add(HeaderLength, NetworkHeader + offset);

    /// <summary>A cell = A.</summary>
    public void StoreCell(uint cell) => Add(Store, cell);

    /// <summary>A cell = X.</summary>
    public void StoreIndexCell(uint cell) => Add(StoreIndex, cell);

    /// <summary>X = A.</summary>
    public void CopyToIndex() => Add(MoveToIndex, 0);

    /// <summary>A = A op K; with X instead of K where the operation says so.</summary>
    public void Compute(Operation operation, uint value = 0) => Add((ushort)operation, value);

    public void Give(uint value) => Add(Return, value);

    public void Jump(int label)
    {
        jumps.Add((code.Count, label));
        Add(JumpAlways, 0);
    }

    // Conditional jumps reach 255 instructions, others anywhere: each condition steps over a jump.
    public void JumpIf(Test test, uint value, int label)
    {
        code.Add(new BpfInstruction((ushort)test, 0, 1, value));
        Jump(label);
    }

    public void JumpUnless(Test test, uint value, int label)
    {
        code.Add(new BpfInstruction((ushort)test, 1, 0, value));
        Jump(label);
    }

    public ImmutableArray<BpfInstruction> Finish()
    {
        foreach (var (at, label) in jumps) code[at] = code[at] with { K = (uint)(labels[label] - at - 1) };
        return [.. code];
    }

    private void Add(int operation, uint value) => code.Add(new BpfInstruction((ushort)operation, 0, 0, value));
}
