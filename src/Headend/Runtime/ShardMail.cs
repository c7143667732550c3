using System.Runtime.InteropServices;
using Headend.Ikev2;

namespace Headend.Runtime;

/// <summary>In which order a shard serves its mail; a higher number waits for the lower ones.</summary>
internal enum MailPriority
{
    /// <summary>Messages and completions of established sessions, commands, questions.</summary>
    Established,

    /// <summary>The next step of a login that has begun: finishing it frees what it holds.</summary>
    Login,

    /// <summary>IKE_SA_INIT whose sender has proven its address by a cookie while the door was crowded.</summary>
    ProvenLogin,

    /// <summary>IKE_SA_INIT: the only thing that is thrown away under load.</summary>
    NewLogin,
}

/// <summary>
/// One thing for a shard to do. <see cref="Content"/> is a pooled buffer with a datagram, an <see cref="IkeCompletion"/>, an <see cref="IkeCommand"/>, or a
/// question (<see cref="Action{T}"/> of the endpoint) that runs on the shard's thread.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ShardMail(object Content, int Length, IkePath Path)
{
    /// <summary>An IKE_SA_INIT that may not begin yet: its sender is asked for a cookie, or is let into the queue of those who brought one.</summary>
    public bool AtTheDoor { get; init; }

    public ShardMail(object content)
        : this(content, 0, default)
    {
    }
}
