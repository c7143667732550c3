using System.Diagnostics;
using Headend.Eap.Methods;

namespace Headend.Eap;

/// <summary>
/// Local EAP server for one login (RFC 3748 authenticator and server in one): identity, choice of method with Nak, the method, the
/// result. Sans-IO: the caller performs the steps, runs the EAP timeout and serialises the calls. Dispose zeroes what is left.
/// </summary>
public sealed class EapServer : IDisposable
{
    private readonly EapServerOptions _options;
    private readonly List<EapType> _untried;
    private IEapMethod? _method;
    private bool _methodAnswered;
    private byte[]? _outstanding;
    private byte _identifier;
    private bool _started;
    private int _discarded;
    private int _rounds;

    public EapServer(EapServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var type in options.Methods)
        {
            if (!EapMethodTable.Supported.Contains(type))
                throw new ArgumentException($"The local EAP server has no {type}.", nameof(options));
            if (!type.DerivesKey && !options.AllowMethodsWithoutKey)
                throw new ArgumentException($"{type} makes no key and the profile does not allow that.", nameof(options));
            if (type == EapType.Tls && options.Tls is null)
                throw new ArgumentException("EAP-TLS without certificates.", nameof(options));
        }

        if (options.Methods.Count == 0)
            throw new ArgumentException("No EAP method.", nameof(options));
        _options = options;
        _untried = [.. options.Methods];
    }

    /// <summary>The method that runs or ran last; null before the first.</summary>
    public EapType? Method { get; private set; }

    /// <summary>Why the login is lost, from the moment that this is decided; a client may go away without acknowledging it. Null before. For the log.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Whether the next <see cref="Handle"/> may burn milliseconds of a processor, so that it belongs on a thread that nobody waits for.</summary>
    public bool IsExpensive => _method is { IsExpensive: true };

    /// <summary>The identity that the client claims, "" before it is known.</summary>
    public string Identity { get; private set; } = "";

    public EapStep Start()
    {
        if (_started)
            throw new InvalidOperationException("An EapServer serves one login.");
        _started = true;
        Span<byte> first = stackalloc byte[1];
        _options.Random(first);
        _identifier = first[0];
        if (_options.QueryIdentity)
            return Ask(EapType.Identity, []);
        Identity = _options.IkeIdentity;
        return StartMethod(_untried[0]);
    }

    /// <summary>Takes the content of an EAP payload from the client.</summary>
    public EapStep Handle(ReadOnlyMemory<byte> packet)
    {
        if (_outstanding is null)
            return new EapStep.Discarded("no EAP request waits for the client", null);
        if (!EapPacket.TryParse(packet, out var response))
            return Discard("malformed EAP packet");
        if (response.Code != EapCode.Response || response.Type is not { } type)
            return Discard($"EAP {response.Code} from the client");
        // RFC 3748 4.1: a Response whose Identifier is not that of the outstanding Request is silently discarded.
        if (response.Identifier != _identifier)
            return Discard($"EAP identifier {response.Identifier} instead of {_identifier}");

        if (_method is null)
            return type == EapType.Identity ? OnIdentity(response) : Discard($"{type} in answer to Identity");
        if (type == EapType.Nak)
            return OnNak(response.TypeData.Span);
        return type == _method.Type ? OnMethod(_method, response.TypeData.Span) : Discard($"{type} in answer to {_method.Type}");
    }

    public void Dispose()
    {
        _method?.Dispose();
        _outstanding = null;
    }

    private EapStep OnIdentity(in EapPacket response)
    {
        if (!EapIdentity.TryRead(response.TypeData.Span, out var identity, out var reason))
            return Fail(reason);
        Identity = identity;
        return StartMethod(_untried[0]);
    }

    // RFC 3748 5.3.1: the data of a Nak are the types that the peer wants, 0 for none.
    private EapStep OnNak(ReadOnlySpan<byte> wanted)
    {
        // RFC 3748 2.1: once a method has begun with a Response of its own type, a Nak is discarded.
        if (_methodAnswered)
            return Discard("Nak in the middle of a method");
        foreach (var type in _untried)
        {
            if (wanted.Contains(type.Value))
                return StartMethod(type);
        }

        return Fail($"the client refuses {Method} and offers {DescribeOffer(wanted)}");
    }

    private EapStep OnMethod(IEapMethod method, ReadOnlySpan<byte> typeData)
    {
        var step = method.Handle(typeData, NextIdentifier);
        switch (step)
        {
            case EapMethodStep.Request request:
                _methodAnswered = true;
                Refusal = request.Refusal ?? Refusal;
                if (++_rounds > EapLimits.MaxRounds)
                    return Fail($"no result after {EapLimits.MaxRounds} EAP rounds");
                return Ask(method.Type, request.TypeData);
            case EapMethodStep.Done done when done.Msk is null && !_options.AllowMethodsWithoutKey:
                return Fail($"{method.Type} made no key and the profile does not allow that");
            case EapMethodStep.Done done:
                _outstanding = null;
                return new EapStep.Success(EapPacket.Success(_identifier), done.Msk, done.Identity, method.Type);
            case EapMethodStep.Failed failed:
                return Fail(failed.Reason);
            case EapMethodStep.Discarded discarded:
                return Discard(discarded.Reason);
            default:
                throw new UnreachableException();
        }
    }

    private EapStep.Request StartMethod(EapType type)
    {
        _method?.Dispose();
        _untried.Remove(type);
        _method = EapMethodTable.Create(type, _options, Identity);
        Method = type;
        return Ask(type, _method.Start(NextIdentifier));
    }

    private byte NextIdentifier => (byte)(_identifier + 1);

    private EapStep.Request Ask(EapType type, ReadOnlySpan<byte> typeData)
    {
        _identifier = NextIdentifier;
        _outstanding = EapPacket.Request(_identifier, type, typeData);
        return new EapStep.Request(_outstanding);
    }

    private EapStep Discard(string reason) => ++_discarded > EapLimits.MaxDiscarded
        ? Fail($"too many EAP packets that answer nothing, the last: {reason}")
        : new EapStep.Discarded(reason, _outstanding);

    private EapStep.Failure Fail(string reason)
    {
        _outstanding = null;
        Refusal ??= reason;
        _method?.Dispose();
        return new EapStep.Failure(EapPacket.Failure(_identifier), reason);
    }

    private static string DescribeOffer(ReadOnlySpan<byte> wanted)
    {
        if (wanted.IndexOfAnyExcept((byte)0) < 0)
            return "no other method";
        var names = new List<string>();
        foreach (var value in wanted[..Math.Min(wanted.Length, 8)])
            names.Add(new EapType(value).Name);
        return string.Join(", ", names);
    }
}
