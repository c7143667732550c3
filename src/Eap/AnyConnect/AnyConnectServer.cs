using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Headend.Eap.AnyConnect;

/// <summary>
/// AnyConnect-EAP for one login: hello, init, certificate where it is asked for, forms as often as AAA asks, complete, ack. Makes no key. Sans-IO: credentials and
/// certificates are judged outside, by <see cref="EapStep.CheckCredentials"/> and <see cref="EapStep.CheckCertificate"/>, whose answer comes to
/// <see cref="HandleVerdict"/>. The caller runs the timeout and serialises the calls.
/// </summary>
public sealed class AnyConnectServer
{
    /// <summary>The name that logs, show and policies use.</summary>
    public const string MethodName = "AnyConnect-EAP";

    private const byte FirstIdentifier = 1;
    private const string LoginFailed = "Login failed.";
    private const string CertificateFailed = "Certificate Validation Failure";

    private enum Expect
    {
        Start,
        Init,
        Certificate,
        Reply,
        Verdict,
        Ack,

        /// <summary>The client was told that the login is lost; whatever it says ends it.</summary>
        FailureAcknowledge,
        Nothing,
    }

    private readonly AnyConnectOptions _options;
    private readonly AggregateElement _opaque = new("opaque");
    private readonly byte[] _opaqueEcho;
    private Expect _expect = Expect.Start;
    private AnyConnectAnswerKind _asked;
    private string _group;
    private string _user = "";
    private string? _prefilled;
    private byte[]? _outstanding;
    private byte _identifier = FirstIdentifier;
    private bool _clientAnswered;
    private int _attempts;
    private int _challenges;
    private int _rounds;
    private int _discarded;

    public AnyConnectServer(AnyConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _group = options.Groups.Count > 0 ? options.Groups[0] : "";
        Span<byte> random = stackalloc byte[16];
        options.Random(random);
        _opaque.AddAttribute("is-for", "sg");
        AddText("tunnel-group", options.Groups.Count > 0 ? options.Groups[0] : options.ProfileName);
        AddText("aggauth-handle", BitConverter.ToUInt64(random).ToString());
        AddText("config-hash", (BitConverter.ToUInt64(random[8..]) % 10_000_000_000_000).ToString());
        _opaqueEcho = _opaque.ToCanonical();
    }

    /// <summary>What the client says about its machine; <see cref="AnyConnectDevice.Unknown"/> before its init.</summary>
    public AnyConnectDevice Device { get; private set; } = AnyConnectDevice.Unknown;

    /// <summary>Who the client claims to be, the authenticated name once the credentials were right, "" before.</summary>
    public string Identity => _user;

    /// <summary>The group chosen among the profile's groups, "" where there are none.</summary>
    public string Group => _group;

    /// <summary>The document that told the client that it is through; empty before.</summary>
    public ReadOnlyMemory<byte> CompleteDocument { get; private set; }

    /// <summary>Why the login is lost, from the moment that this is decided. Null before. For the log.</summary>
    public string? Refusal { get; private set; }

    public EapStep Start()
    {
        if (_expect != Expect.Start)
            throw new InvalidOperationException("An AnyConnectServer serves one login.");
        _outstanding = EapPacket.Request(_identifier, EapType.Expanded, AnyConnectPacketCodec.Write(AnyConnectDocumentWriter.Hello()));
        _expect = Expect.Init;
        return new EapStep.Request(_outstanding);
    }

    /// <summary>Takes the content of an EAP payload from the client.</summary>
    public EapStep HandleClient(ReadOnlyMemory<byte> packet)
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
        if (_expect == Expect.FailureAcknowledge)
            return Fail(Refusal!);
        // RFC 3748 5.3.2: an expanded Type is refused by an Expanded Nak; some peers send the legacy one all the same.
        if ((type == EapType.Nak || (type == EapType.Expanded && AnyConnectPacketCodec.IsExpandedNak(response.TypeData.Span))) && !_clientAnswered)
            return Fail($"the client refuses {MethodName}");
        if (type != EapType.Expanded)
            return Discard($"{type} in answer to {MethodName}");
        if (!AnyConnectPacketCodec.TryRead(response.TypeData, out var message, out var error) || !AnyConnectClientDocument.TryRead(message.Xml.Span, out var document, out error))
            return Discard(error);
        _clientAnswered = true;
        return document.Error.Length > 0 ? Fail($"the client gives up: {Short(document.Error)}") : Dispatch(document, message);
    }

    /// <summary>Takes the answer to the last <see cref="EapStep.CheckCredentials"/> or <see cref="EapStep.CheckCertificate"/>.</summary>
    public EapStep HandleVerdict(AnyConnectVerdict verdict)
    {
        if (_expect != Expect.Verdict)
            return new EapStep.Discarded("no question waits for a verdict", null);
        switch (verdict)
        {
            case AnyConnectVerdict.CertificateAccepted accepted:
                _prefilled = accepted.UserName;
                return AskLogin(null);
            case AnyConnectVerdict.CertificateRefused refused:
                return Refuse(CertificateFailed, refused.Reason);
            case AnyConnectVerdict.Accepted accepted:
                _user = accepted.User;
                return Complete();
            case AnyConnectVerdict.Rejected rejected:
                return ++_attempts >= _options.MaxAttempts ? Refuse(rejected.Message ?? LoginFailed, rejected.Reason) : AskLogin(rejected.Message ?? LoginFailed);
            case AnyConnectVerdict.Challenge challenge:
                return ++_challenges > AnyConnectLimits.MaxChallenges
                    ? Refuse(LoginFailed, $"the AAA server asked more than {AnyConnectLimits.MaxChallenges} questions")
                    : AskAnswer(challenge);
            case AnyConnectVerdict.PasswordExpired expired:
                return AskNewPassword(expired.Message);
            case AnyConnectVerdict.Unavailable unavailable:
                _expect = Expect.Nothing;
                return new EapStep.Unavailable(unavailable.Reason);
            case AnyConnectVerdict.Unsendable unsendable:
                _expect = Expect.Nothing;
                return new EapStep.Unsendable(unsendable.Reason);
            default:
                throw new UnreachableException();
        }
    }

    private EapStep Dispatch(AnyConnectClientDocument document, in AnyConnectPacket message) => (_expect, document.Type) switch
    {
        (Expect.Init, "init") => OnInit(document),
        (Expect.Certificate, "init") => OnCertificate(document, message),
        (Expect.Reply, "init") => OnGroupChange(document),
        (Expect.Reply, "auth-reply") => OnReply(document),
        (Expect.Ack, "ack") => OnAck(),
        _ => Discard($"a document '{Short(document.Type)}' out of turn"),
    };

    private EapStep OnInit(AnyConnectClientDocument document)
    {
        Device = document.Device;
        TrySelect(document.Group.Length > 0 ? document.Group : document.GroupAccess);
        if (!_options.CertificateRequest)
            return AskLogin(null);
        // A client that has said so before it was asked is not asked.
        if (document.CertificateFailed)
            return Refuse(CertificateFailed, "the client has no certificate");
        _expect = Expect.Certificate;
        return Ask(AnyConnectDocumentWriter.CertificateRequest(_opaque, _options.Complete.CsPort));
    }

    private EapStep OnCertificate(AnyConnectClientDocument document, in AnyConnectPacket message)
    {
        if (document.CertificateFailed || message.Certificates.IsEmpty || message.Signature.IsEmpty)
            return Refuse(CertificateFailed, document.CertificateFailed ? "the client has no certificate" : "the client sent no certificate or no signature");
        if (!CertificateChainCodec.TryRead(message.Certificates, out var chain))
            return Refuse(CertificateFailed, "the client's certificate chain is no PKCS#7 of certificates");
        _expect = Expect.Verdict;
        return new EapStep.CheckCertificate([.. chain.Select(c => (ReadOnlyMemory<byte>)c.ToArray())], message.Signature.ToArray());
    }

    // The user chose another group in the form's list.
    private EapStep OnGroupChange(AnyConnectClientDocument document)
    {
        if (_asked != AnyConnectAnswerKind.Login)
            return Discard("a document 'init' in the middle of a question");
        return document.Group.Length == 0 || TrySelect(document.Group) ? AskLogin(null) : WrongGroup(document.Group);
    }

    private EapStep OnReply(AnyConnectClientDocument document)
    {
        if (document.Opaque is not { } echo || !CryptographicOperations.FixedTimeEquals(echo, _opaqueEcho))
            return Fail("the client did not give back the opaque element that it was given");
        if (document.Group.Length > 0 && _asked == AnyConnectAnswerKind.Login && !TrySelect(document.Group))
            return WrongGroup(document.Group);
        if (_asked == AnyConnectAnswerKind.Login)
        {
            if (!EapIdentity.TryRead(Encoding.UTF8.GetBytes(document.UserName), out var user, out var reason))
                return Wrong($"user name: {reason}");
            _user = user;
        }

        if (document.Answer is not { Length: > 0 and <= AnyConnectLimits.MaxAnswerCharacters } answer)
            return Wrong($"{_user} gave an empty or an overlong password");
        _expect = Expect.Verdict;
        return new EapStep.CheckCredentials(new AnyConnectCredentials(_asked, _user, Encoding.UTF8.GetBytes(answer), _group));
    }

    private EapStep.Success OnAck()
    {
        _expect = Expect.Nothing;
        _outstanding = null;
        return new EapStep.Success(EapPacket.Success(_identifier), null, _user, EapType.Expanded);
    }

    private EapStep Wrong(string reason, string? message = null)
    {
        _expect = Expect.Verdict;
        return HandleVerdict(new AnyConnectVerdict.Rejected(reason, message));
    }

    private EapStep WrongGroup(string group) => Wrong($"unknown group '{Short(group)}'", $"Unknown group {Short(group)}.");

    private EapStep AskLogin(string? error) => AskForm(
        AnyConnectAnswerKind.Login,
        new AnyConnectForm("main", _options.Title, _options.Message,
        [
            new AnyConnectField("text", "username", _options.UserNameLabel, _prefilled),
            new AnyConnectField("password", "password", _options.PasswordLabel),
        ])
        {
            Error = error,
            Groups = [.. _options.Groups.OrderBy(g => g != _group)],
            GroupLabel = _options.GroupLabel,
        });

    private EapStep AskAnswer(AnyConnectVerdict.Challenge challenge) => AskForm(
        AnyConnectAnswerKind.Challenge,
        new AnyConnectForm("challenge", _options.Title, challenge.Message.Length > 0 ? challenge.Message : "Please enter your answer.",
            [new AnyConnectField(challenge.Echo ? "text" : "password", "answer", "Answer:")]));

    private EapStep AskNewPassword(string? message) => AskForm(
        AnyConnectAnswerKind.NewPassword,
        new AnyConnectForm("passwd", _options.Title, message ?? "Your password has expired. Please enter a new one.",
        [
            new AnyConnectField("password", "new_password", "New Password:"),
            new AnyConnectField("password", "verify_password", "Verify Password:"),
        ]));

    private EapStep AskForm(AnyConnectAnswerKind kind, AnyConnectForm form)
    {
        _asked = kind;
        _expect = Expect.Reply;
        return Ask(AnyConnectDocumentWriter.Request(_opaque, _options.Complete.CsPort, form));
    }

    private EapStep Complete()
    {
        Span<byte> random = stackalloc byte[29];
        _options.Random(random);
        var session = BitConverter.ToUInt32(random) & 0x7FFFFFFF;
        var token = $"{Convert.ToHexString(random[4..7])}@{session}@{Convert.ToHexString(random[7..9])}@{Convert.ToHexString(random[9..29])}";
        _expect = Expect.Ack;
        var document = AnyConnectDocumentWriter.Complete(session, token, _options.Banner, _options.Complete);
        CompleteDocument = document;
        return Ask(document);
    }

    private EapStep Refuse(string message, string reason)
    {
        Refusal = reason;
        _expect = Expect.FailureAcknowledge;
        return Ask(AnyConnectDocumentWriter.Error(message));
    }

    // Where there is nothing to choose, a group that the client's profile names stands in nobody's way.
    private bool TrySelect(string group)
    {
        if (_options.Groups.Count == 0)
            return true;
        var found = _options.Groups.FirstOrDefault(g => string.Equals(g, group, StringComparison.OrdinalIgnoreCase));
        _group = found ?? _group;
        return found is not null;
    }

    private EapStep Ask(byte[] document)
    {
        if (++_rounds > EapLimits.MaxRounds)
            return Fail($"no result after {EapLimits.MaxRounds} EAP rounds");
        _identifier++;
        _outstanding = EapPacket.Request(_identifier, EapType.Expanded, AnyConnectPacketCodec.Write(document));
        return new EapStep.Request(_outstanding);
    }

    private EapStep Discard(string reason) => ++_discarded > EapLimits.MaxDiscarded
        ? Fail($"too many EAP packets that answer nothing, the last: {reason}")
        : new EapStep.Discarded(reason, _outstanding);

    private EapStep.Failure Fail(string reason)
    {
        _expect = Expect.Nothing;
        _outstanding = null;
        Refusal ??= reason;
        return new EapStep.Failure(EapPacket.Failure(_identifier), Refusal);
    }

    private void AddText(string name, string text)
    {
        var element = new AggregateElement(name);
        element.SetText(text);
        _opaque.Add(element);
    }

    private static string Short(string text) => text.Length <= 80 ? text : text[..80];
}
