namespace Headend.Ikev2.Wire;

/// <summary>A message in the clear: its header and its payloads in the order received.</summary>
public sealed class IkeMessage(IkeHeader header, IReadOnlyList<IkePayload> payloads)
{
    public IkeHeader Header { get; } = header;

    public IReadOnlyList<IkePayload> Payloads { get; } = payloads;

    /// <summary>The first payload of the class, or null.</summary>
    public T? First<T>()
        where T : IkePayload
    {
        for (int i = 0; i < Payloads.Count; i++)
        {
            if (Payloads[i] is T found) return found;
        }
        return null;
    }

    /// <summary>The first payload of the type; tells IDi from IDr and TSi from TSr, which share a class.</summary>
    public T? First<T>(PayloadType type)
        where T : IkePayload
    {
        for (int i = 0; i < Payloads.Count; i++)
        {
            if (Payloads[i] is T found && found.Type == type) return found;
        }
        return null;
    }

    /// <summary>The first notification of the type, or null.</summary>
    public NotifyPayload? Notify(NotifyType type)
    {
        for (int i = 0; i < Payloads.Count; i++)
        {
            if (Payloads[i] is NotifyPayload notify && notify.NotifyType == type) return notify;
        }
        return null;
    }

    /// <summary>The first notification that reports an error, or null.</summary>
    public NotifyPayload? FirstError()
    {
        for (int i = 0; i < Payloads.Count; i++)
        {
            if (Payloads[i] is NotifyPayload { NotifyType.IsError: true } notify) return notify;
        }
        return null;
    }

    public override string ToString() =>
        $"{Header.ExchangeType} {(Header.IsResponse ? "response" : "request")} {Header.MessageId} [{string.Join(' ', Payloads)}]";
}
