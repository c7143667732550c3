using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;

namespace Headend.TestKit.Initiator;

/// <summary>IKE_SA_INIT and IKE_AUTH with EAP (RFC 7296 1.2, 2.6, 2.15, 2.16).</summary>
public sealed partial class TestInitiator
{
    private const int MostRestarts = 4;

    private static readonly byte[] s_hashes = [0, 2, 0, 3, 0, 4, 0, 5];

    private KeyExchangeMethod _group = null!;
    private IKeyExchange? _own;
    private byte[] _nonce = [];
    private byte[]? _cookie;
    private int _restarts;
    private byte[] _initialRequest = [];
    private byte[] _initialResponse = [];
    private byte[] _peerNonce = [];
    private IdPayload? _responderId;
    private IEapPeer? _eap;
    private byte[]? _msk;
    private uint _firstSpi;

    private IdPayload InitiatorId => new(isInitiator: true, _options.Identity.Type, _options.Identity.Value);

    private void SendInitial(KeyExchangeMethod group)
    {
        if (_own is null || _group != group)
        {
            _own?.Dispose();
            _group = group;
            _own = _options.Crypto.CreateKeyExchange(group);
        }

        if (_nonce.Length == 0)
            _nonce = NewNonce();
        var payloads = new List<IkePayload>();
        if (_cookie is not null)
            payloads.Add(new NotifyPayload(NotifyType.Cookie, _cookie));
        payloads.Add(new SaPayload(ProposalSelector.ToProposals(_options.IkeProposals, default)));
        payloads.Add(new KeyExchangePayload(group.Id, _own.PublicValue));
        payloads.Add(new NoncePayload(_nonce));
        payloads.AddRange(NatNotifies());
        if (_options.Fragmentation)
            payloads.Add(new NotifyPayload(NotifyType.Ikev2FragmentationSupported));
        if (_options.SignatureHashes)
            payloads.Add(new NotifyPayload(NotifyType.SignatureHashAlgorithms, s_hashes));
        foreach (var vendor in _options.VendorIds)
            payloads.Add(new VendorIdPayload(vendor));
        if (_options.ClearConfiguration is { } clear)
            payloads.Add(new UnknownPayload(PayloadType.Configuration, critical: false, clear));
        payloads.AddRange(_options.FurtherInitial);
        _initialRequest = UnprotectedMessage.Write(_current.Header(ExchangeType.IkeSaInit, isResponse: false, 0), payloads);
        Send(_current, new InitiatorRequest(InitiatorRequestKind.Login) { Exchange = ExchangeType.IkeSaInit }, [_initialRequest]);
    }

    private void HandleInitial(in IkeHeader header, ReadOnlyMemory<byte> datagram)
    {
        if (Stage != InitiatorStage.InitialExchange || !header.IsResponse || header.IsFromInitiator || header.MessageId != 0 || header.InitiatorSpi != _current.LocalSpi
            || !UnprotectedMessage.TryParse(datagram, header, out var response, out _))
            return;
        if (response.Notify(NotifyType.Cookie) is { } cookie)
        {
            _cookie = cookie.Value.ToArray();
            Restart(_group, "cookies without end");
            return;
        }

        if (response.FirstError() is { } error)
        {
            if (error.NotifyType == NotifyType.InvalidKePayload && error.Value.Length == 2
                && AlgorithmTable.TryFindKeyExchange(BinaryPrimitives.ReadUInt16BigEndian(error.Value.Span), out var wanted)
                && wanted != _group && _options.IkeProposals.Any(p => p.KeyExchange.Contains(wanted)))
                Restart(wanted, "INVALID_KE_PAYLOAD without end");
            else
                Fail(error.NotifyType, $"IKE_SA_INIT: {error.NotifyType}");
            return;
        }

        var ke = response.First<KeyExchangePayload>();
        var nonce = response.First<NoncePayload>();
        if (header.ResponderSpi.IsZero || ke is null || nonce is null || ke.Group != _group.Id || response.First<SaPayload>() is not { } sa
            || !ProposalSelector.TryAcceptIke(_options.IkeProposals, sa.Proposals, out var suite) || suite.KeyExchange != _group
            || !_own!.TryAgree(ke.PublicValue.Span, out var secret))
        {
            Fail(null, "the IKE_SA_INIT response does not fit what we offered");
            return;
        }

        Agreed(header, datagram, response, suite, nonce.Value.ToArray(), secret);
    }

    private void Agreed(in IkeHeader header, ReadOnlyMemory<byte> datagram, IkeMessage response, IkeSuite suite, byte[] nonce, byte[] secret)
    {
        _own!.Dispose();
        _own = null;
        _initialResponse = datagram.ToArray();
        ServerVendorIds = [.. response.Payloads.OfType<VendorIdPayload>().Select(v => v.Value.ToArray())];
        _peerNonce = nonce;
        _current.RemoteSpi = header.ResponderSpi;
        _current.SetKeys(
            _options.Crypto, suite, KeySchedule.DeriveInitial(_options.Crypto, suite, _nonce, nonce, secret, _current.LocalSpi, _current.RemoteSpi));
        CryptographicOperations.ZeroMemory(secret);
        LearnOfPath(response);
        _current.NextOutbound = 1;
        Stage = InitiatorStage.FirstAuthentication;
        SendFirstAuthentication();
    }

    private void Restart(KeyExchangeMethod group, string endless)
    {
        if (++_restarts > MostRestarts)
            Fail(null, endless);
        else
            SendInitial(group);
    }

    private void SendFirstAuthentication()
    {
        _firstSpi = NewEspSpi();
        var payloads = new List<IkePayload> { InitiatorId };
        if (_options.Ticket is null && _options.CertificateAuthorities is { } authorities)
            payloads.Add(new CertificateRequestPayload(CertificateEncoding.X509Signature, authorities));
        if (_options.ServerIdentity is { } server)
            payloads.Add(new IdPayload(isInitiator: false, server.Type, server.Value));
        if (_options.Ticket is { } ticket)
            payloads.Add(new AuthenticationPayload(AuthenticationMethod.SharedKey, ResumptionMac(ticket)));
        else if (_options.PreSharedKey is { } key)
            payloads.Add(new AuthenticationPayload(AuthenticationMethod.SharedKey, OwnMac(key)));
        if (_options.Certificate is { } certificate)
            AddCertificate(payloads, certificate);
        if (_options.SecondIdentity is not null)
            payloads.Add(new NotifyPayload(NotifyType.MultipleAuthSupported));
        if (_options.SecondIdentity is not null || _options.AnnouncesTooMuch)
            payloads.Add(new NotifyPayload(NotifyType.AnotherAuthFollows));
        if (_options.RequestConfiguration)
            payloads.Add(new ConfigurationPayload(ConfigurationType.Request, Wanted()));
        payloads.Add(new SaPayload(ProposalSelector.ToProposals(_options.EspProposals, _firstSpi, null)));
        payloads.Add(new TrafficSelectorPayload(isInitiator: true, _options.LocalTraffic));
        payloads.Add(new TrafficSelectorPayload(isInitiator: false, _options.RemoteTraffic));
        if (_options.TransportMode)
            payloads.Add(new NotifyPayload(NotifyType.UseTransportMode));
        if (_options.RequestTicket)
            payloads.Add(new NotifyPayload(NotifyType.TicketRequest));
        if (_options.InitialContact)
            payloads.Add(new NotifyPayload(NotifyType.InitialContact));
        payloads.AddRange(_options.FurtherFirst);
        SendLogin(payloads);
    }

    private byte[] OwnMac(ReadOnlySpan<byte> key)
    {
        var octets = AuthenticationOctets.ForInitiator(
            _options.Crypto, _current.Suite.Prf, _initialRequest, _peerNonce, _current.Keys.SkPi, CurrentId.Body.Span);
        return AuthenticationOctets.SharedKeyMac(_options.Crypto, _current.Suite.Prf, key, octets);
    }

    private bool IsPeerMac(InitiatorSa sa, AuthenticationPayload auth, ReadOnlySpan<byte> key)
    {
        var octets = AuthenticationOctets.ForResponder(_options.Crypto, sa.Suite.Prf, _initialResponse, _nonce, sa.Keys.SkPr, _responderId!.Body.Span);
        var expected = AuthenticationOctets.SharedKeyMac(_options.Crypto, sa.Suite.Prf, key, octets);
        return auth.Method == AuthenticationMethod.SharedKey && CryptographicOperations.FixedTimeEquals(expected, auth.Value.Span);
    }

    private List<ConfigurationAttribute> Wanted()
    {
        var wanted = new List<ConfigurationAttribute>();
        if (_options.WantIPv4)
        {
            wanted.Add(new(ConfigurationAttributeType.InternalIp4Address, default));
            wanted.Add(new(ConfigurationAttributeType.InternalIp4Dns, default));
        }

        if (_options.WantIPv6)
        {
            wanted.Add(new(ConfigurationAttributeType.InternalIp6Address, default));
            wanted.Add(new(ConfigurationAttributeType.InternalIp6Dns, default));
        }

        foreach (var type in _options.FurtherAttributes)
            wanted.Add(new(new ConfigurationAttributeType(type), default));
        if (_options.ReconnectAttributes is { } numbers)
        {
            wanted.Add(new(numbers.SessionId, _options.ReconnectValue));
            wanted.Add(new(numbers.Token, _options.ReconnectValue));
        }

        if (_options.ApplicationVersion is { } version)
            wanted.Add(new(ConfigurationAttributeType.ApplicationVersion, version));
        wanted.AddRange(_options.MoreAttributes.Select(type => new ConfigurationAttribute(type, default)));
        return wanted;
    }

    private void SendLogin(IReadOnlyList<IkePayload> payloads) =>
        SendRequest(_current, new InitiatorRequest(InitiatorRequestKind.Login) { Exchange = ExchangeType.IkeAuth }, payloads);

    private void HandleLogin(InitiatorSa sa, IkeMessage response)
    {
        if (Stage == InitiatorStage.FinalAuthentication)
        {
            HandleFinal(sa, response);
            return;
        }

        if (_options.Ticket is { } ticket)
        {
            HandleResumed(sa, response, ticket);
            return;
        }

        // EAP-Failure may come beside AUTHENTICATION_FAILED; the notify is what counts. Beside AUTH it is about the CHILD_SA alone.
        var last = (_options.PreSharedKey is not null || _options.Certificate is not null) && _options.SecondIdentity is null;
        if (response.FirstError() is { } error && !(last && response.First<AuthenticationPayload>() is not null))
        {
            Fail(error.NotifyType, $"{Stage}: {error.NotifyType}");
            return;
        }

        if (Stage == InitiatorStage.FirstAuthentication && WhyNotResponder(sa, response) is { } reason)
        {
            Fail(null, reason);
            return;
        }

        if (last)
        {
            Stage = InitiatorStage.FinalAuthentication;
            Finish(sa, response);
            return;
        }

        if (Stage == InitiatorStage.FirstAuthentication && _options is { Certificate: not null, SecondIdentity: { } second })
        {
            BeginSecond(second, response);
            return;
        }

        if (response.First<EapPayload>() is not { } eap)
        {
            Fail(null, "an IKE_AUTH response without EAP");
            return;
        }

        Stage = InitiatorStage.Eap;
        _eap ??= NewPeer(sa);
        var step = _eap.Handle(eap.Packet.Span);
        if (step.Failure is { } failure)
            Fail(null, failure);
        else if (step.Response is { } answer)
            SendLogin([new EapPayload(answer)]);
        else
            SendFinalAuthentication(sa, step.Msk);
    }

    private IEapPeer NewPeer(InitiatorSa sa)
    {
        if (_options.EapPeer is not { } make)
            return new EapMsChapV2Peer(_options.User, _options.Password, random: _options.Crypto.Fill);
        var prf = sa.Suite.Prf;
        return make(new EapPeerChannel(
            () => AuthenticationOctets.ForInitiator(_options.Crypto, prf, _initialRequest, _peerNonce, sa.Keys.SkPi, InitiatorId.Body.Span),
            prf.KeyOctets switch { 32 => HashAlgorithmName.SHA256, 48 => HashAlgorithmName.SHA384, 64 => HashAlgorithmName.SHA512, _ => HashAlgorithmName.SHA1 }));
    }

    /// <summary>The responder proves itself before we send anything about the user (RFC 7296 2.16). Null = proven.</summary>
    private string? WhyNotResponder(InitiatorSa sa, IkeMessage response)
    {
        _responderId = response.First<IdPayload>(PayloadType.IdResponder);
        if (_responderId is null || response.First<AuthenticationPayload>() is not { } auth)
            return "the first IKE_AUTH response has no IDr or AUTH";
        if (_options.ServerPreSharedKey is { } shared)
            return IsPeerMac(sa, auth, shared) ? null : "the responder's AUTH does not match its pre-shared key";
        var chain = new List<ReadOnlyMemory<byte>>();
        foreach (var payload in response.Payloads)
        {
            if (payload is CertificatePayload certificate && certificate.Encoding == CertificateEncoding.X509Signature)
                chain.Add(certificate.Value);
        }

        var verdict = _options.Trust.Judge(chain);
        if (verdict.Key is not { } key)
            return verdict.Refusal;
        var octets = AuthenticationOctets.ForResponder(_options.Crypto, sa.Suite.Prf, _initialResponse, _nonce, sa.Keys.SkPr, _responderId.Body.Span);
        return SignatureAuthentication.Verify(auth.Method, auth.Value.Span, key, octets, SignatureAuthentication.SupportedHashes, out var reason) ? null : reason;
    }

    private void SendFinalAuthentication(InitiatorSa sa, byte[]? msk)
    {
        _msk = msk;
        Stage = InitiatorStage.FinalAuthentication;
        var auth = new AuthenticationPayload(AuthenticationMethod.SharedKey, OwnMac(msk ?? sa.Keys.SkPi));
        SendLogin(_options.AnnouncesTooMuch ? [auth, new NotifyPayload(NotifyType.AnotherAuthFollows)] : [auth]);
    }

    private void HandleFinal(InitiatorSa sa, IkeMessage response)
    {
        var error = response.FirstError();
        if (response.First<AuthenticationPayload>() is not { } auth)
        {
            Fail(error?.NotifyType, error is null ? "the last IKE_AUTH response has no AUTH" : $"{Stage}: {error.NotifyType}");
            return;
        }

        if (IsPeerMac(sa, auth, _msk ?? sa.Keys.SkPr))
            Finish(sa, response);
        else
            Fail(null, "the responder's AUTH after EAP does not verify");
    }

    /// <summary>Both sides are proven; what the response says of the CHILD_SA.</summary>
    private void Finish(InitiatorSa sa, IkeMessage response)
    {
        if (response.FirstError() is { } error)
        {
            // The IKE SA stands without a CHILD_SA; the responder deletes it and wants an answer to that.
            Outcome = new InitiatorOutcome.Failed(Stage, error.NotifyType, $"{Stage}: {error.NotifyType}");
            Stage = InitiatorStage.Established;
            _loginDeadline = null;
            return;
        }

        var local = response.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorInitiator);
        var remote = response.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorResponder);
        if (local is null || remote is null || response.First<SaPayload>() is not { } chosen
            || !ProposalSelector.TryAcceptEsp(_options.EspProposals, chosen.Proposals, null, out var suite))
        {
            Fail(null, "the first CHILD_SA does not fit what we offered");
            return;
        }

        using var keys = KeySchedule.DeriveChild(_options.Crypto, sa.Suite.Prf, sa.Keys.SkD, [], _nonce, _peerNonce, suite);
        _children.Add(NewChild(_firstSpi, suite, keys, weBegan: true, local.Selectors, remote.Selectors, _options.TransportMode && response.Notify(NotifyType.UseTransportMode) is not null));
        if (_msk is not null)
            CryptographicOperations.ZeroMemory(_msk);
        _initialRequest = _initialResponse = [];
        _eap = null;
        _loginDeadline = null;
        Stage = InitiatorStage.Established;
        Outcome = Assigned(response.First<ConfigurationPayload>());
        KeepTicket(sa, response);
        StartNext();
    }

    private InitiatorOutcome.Established Assigned(ConfigurationPayload? reply)
    {
        Configuration = [.. (reply?.Attributes ?? []).Select(a => (a.Type.Value, a.Value.ToArray()))];
        IPAddress? v4 = null;
        IPAddress? v6 = null;
        var dns = new List<IPAddress>();
        foreach (var attribute in reply?.Attributes ?? [])
        {
            Given[attribute.Type] = attribute.Value.ToArray();
            if (attribute.Type == ConfigurationAttributeType.InternalIp4Address && attribute.Value.Length == 4)
                v4 ??= new IPAddress(attribute.Value.Span);
            else if (attribute.Type == ConfigurationAttributeType.InternalIp6Address && attribute.Value.Length == 17)
                v6 ??= new IPAddress(attribute.Value.Span[..16]);
            else if ((attribute.Type == ConfigurationAttributeType.InternalIp4Dns && attribute.Value.Length == 4)
                || (attribute.Type == ConfigurationAttributeType.InternalIp6Dns && attribute.Value.Length == 16))
                dns.Add(new IPAddress(attribute.Value.Span));
        }

        return new InitiatorOutcome.Established(v4, v6, dns, _now - _startedAt);
    }

    private static InitiatorChildSa NewChild(
        uint inboundSpi, EspSuite suite, ChildKeys keys, bool weBegan, IReadOnlyList<TrafficSelector> local, IReadOnlyList<TrafficSelector> remote,
        bool isTransportMode)
    {
        return new InitiatorChildSa
        {
            InboundSpi = inboundSpi,
            OutboundSpi = suite.PeerSpi,
            Suite = suite,
            InboundEncryptionKey = [.. weBegan ? keys.ResponderEncryption : keys.InitiatorEncryption],
            InboundIntegrityKey = [.. weBegan ? keys.ResponderIntegrity : keys.InitiatorIntegrity],
            OutboundEncryptionKey = [.. weBegan ? keys.InitiatorEncryption : keys.ResponderEncryption],
            OutboundIntegrityKey = [.. weBegan ? keys.InitiatorIntegrity : keys.ResponderIntegrity],
            LocalSelectors = local,
            RemoteSelectors = remote,
            IsTransportMode = isTransportMode,
        };
    }
}
