using System.Security.Cryptography;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Configuration;
using Headend.Eap;
using Headend.Eap.AnyConnect;
using Headend.Telemetry;

namespace Headend.Sessions;

/// <summary>
/// Passwords of one login through an authentication list: by RADIUS groups in order, as PAP or as a proof computed here, or by the local users. The next method is tried
/// only when one was Unavailable before any of its servers could have asked a person. Holds an expired password until the new one is there.
/// </summary>
internal sealed class PasswordAuthentication(
    ClientSession session, AnyConnectBinding binding, RadiusClient? radius, LocalAaa local, IProfileObserver profileObserver, CancellationToken ended) : IDisposable
{
    private const int ChallengeLength = 16;
    private const int PasswordExpired = 648; // RFC 2759 6: ERROR_PASSWD_EXPIRED
    private const string WrongPassword = "Login failed.";

    private readonly Lock gate = new();
    private int methodIndex;
    private byte[] state = [];
    private string? serverName;
    private byte[]? expired;
    private byte[]? changeChallenge;
    private bool isOver;

    /// <summary>The local users accepted the password.</summary>
    public bool IsLocal { get; private set; }

    /// <summary>Completes at once unless RADIUS is asked or a worker stretches the password.</summary>
    public async ValueTask<AnyConnectVerdict> JudgeAsync(AnyConnectCredentials credentials)
    {
        if (credentials.Kind == AnyConnectAnswerKind.Login)
            Forget();
        while (true)
        {
            var method = binding.Authentication[methodIndex];
            if (method.IsLocal)
                return await AskLocalAsync(credentials).ConfigureAwait(false);
            var verdict = await AskRadiusAsync(method.Group!, credentials).ConfigureAwait(false);
            if (verdict is not (AnyConnectVerdict.Unavailable unavailable, var mayAskOther))
                return verdict.Verdict;
            // A State belongs to the server that gave it; nobody else can judge the answer.
            if (!mayAskOther || credentials.Kind != AnyConnectAnswerKind.Login || ended.IsCancellationRequested || methodIndex + 1 == binding.Authentication.Count)
                return unavailable;
            methodIndex++;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            isOver = true;
            Zero();
        }
    }

    private void Forget()
    {
        methodIndex = 0;
        state = [];
        serverName = null;
        lock (gate)
            Zero();
    }

    private void Zero()
    {
        CryptographicOperations.ZeroMemory(expired);
        expired = null;
    }

    private async ValueTask<AnyConnectVerdict> AskLocalAsync(AnyConnectCredentials credentials)
    {
        var users = local.CredentialsFor(session.ProvenSource);
        var (proven, account, refusal) = await local.Workers.RunAsync(() =>
        {
            var right = LocalPassword.Verify(users, credentials.UserName, credentials.Answer, out var who, out var why);
            return (right, who, why);
        }).ConfigureAwait(false);
        if (!proven)
            return new AnyConnectVerdict.Rejected(refusal);
        var profile = local.Users.ProfileOf(account);
        if (WhyNotIn(credentials.Group, profile) is { } other)
            return other;
        IsLocal = true;
        session.Authenticated = new AuthorizationSource(new AuthorizationOrigin(AuthorizationKind.ImplicitUser, account) { List = binding.AuthenticationList }, profile);
        return new AnyConnectVerdict.Accepted(account);
    }

    private async ValueTask<(AnyConnectVerdict Verdict, bool MayAskOther)> AskRadiusAsync(RadiusServerGroup group, AnyConnectCredentials credentials)
    {
        if (credentials.Answer.Length > RadiusHiding.MaximumUserPasswordLength && !IsMsChapV2(credentials))
            return (new AnyConnectVerdict.Rejected($"a password of {credentials.Answer.Length} octets does not fit a User-Password"), false);
        var request = Build(credentials);
        using var span = session.Trace.Step(LoginStep.RadiusRequest);
        RadiusOutcome outcome;
        try
        {
            outcome = await radius!.SendAsync(group, request, ended).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return (new AnyConnectVerdict.Unavailable("the login is over"), false);
        }
        finally
        {
            request.ForgetPassword();
        }

        if (outcome is RadiusOutcome.Answer answered)
        {
            span.Tag("radius.server", answered.Server.Name);
            span.Tag("radius.reply", answered.Packet.Code.ToString());
        }

        return (Translate(outcome, group, credentials), outcome is not RadiusOutcome.Unavailable { Reason: UnavailableReason.MfaWaitOver });
    }

    private bool IsMsChapV2(AnyConnectCredentials credentials) => binding.Protocol == PasswordProtocol.MsChapV2 && credentials.Kind != AnyConnectAnswerKind.Challenge;

    private RadiusRequest Build(AnyConnectCredentials credentials)
    {
        var nas = session.ToNasRecord(credentials.UserName);
        if (credentials.Kind == AnyConnectAnswerKind.Challenge || binding.Protocol == PasswordProtocol.Pap)
            return PasswordRequestCodec.BuildPap(nas, credentials.Answer, state, serverName);
        var challenge = new byte[ChallengeLength];
        RandomNumberGenerator.Fill(challenge);
        if (credentials.Kind == AnyConnectAnswerKind.NewPassword)
        {
            challenge = changeChallenge ?? challenge;
            var (change, encrypted) = PasswordProof.MsChapV2Change(credentials.UserName, expired, credentials.Answer, challenge, RandomNumberGenerator.Fill);
            var request = PasswordRequestCodec.BuildMsChapV2Change(nas, change, encrypted, challenge);
            request.ServerName = serverName;
            return request;
        }

        return binding.Protocol == PasswordProtocol.Chap
            ? PasswordRequestCodec.BuildChap(nas, PasswordProof.Chap(credentials.Answer, challenge), challenge)
            : PasswordRequestCodec.BuildMsChapV2(nas, PasswordProof.MsChapV2Response(credentials.UserName, credentials.Answer, challenge, RandomNumberGenerator.Fill), challenge);
    }

    private AnyConnectVerdict Translate(RadiusOutcome outcome, RadiusServerGroup group, AnyConnectCredentials credentials)
    {
        switch (outcome)
        {
            case RadiusOutcome.Accept accept:
                return Accept(accept, group, credentials);
            case RadiusOutcome.Challenge challenge:
                state = challenge.Packet.TryGet(RadiusAttributeType.State, out var value) ? value.Value.ToArray() : [];
                serverName = challenge.Server.Name;
                return new AnyConnectVerdict.Challenge(PasswordRequestCodec.ReplyMessage(challenge.Packet), PasswordRequestCodec.MayEcho(challenge.Packet));
            case RadiusOutcome.Reject reject:
                return Reject(reject, credentials);
            case RadiusOutcome.Unavailable unavailable:
                return new AnyConnectVerdict.Unavailable(unavailable.Explain());
            case RadiusOutcome.Unsendable unsendable:
                return new AnyConnectVerdict.Unsendable(unsendable.Explain());
            default:
                return new AnyConnectVerdict.Unavailable("the RADIUS server answered something else than an Access-Accept, -Reject or -Challenge");
        }
    }

    private AnyConnectVerdict Accept(RadiusOutcome.Accept accept, RadiusServerGroup group, AnyConnectCredentials credentials)
    {
        if (!AcceptAttributes.TryRead(accept, out var attributes, out var error))
            return new AnyConnectVerdict.Rejected($"the Access-Accept of {accept.Server.Name} cannot be used: {error}", WrongPassword);
        using (attributes)
        {
            if (!SessionProfileReader.TryRead(accept.Packet, profileObserver, out var profile, out error))
                return new AnyConnectVerdict.Rejected($"the Access-Accept of {accept.Server.Name} cannot be used: {error}", WrongPassword);
            if (WhyNotIn(credentials.Group, profile) is { } other)
                return other;
            var user = attributes.UserName ?? credentials.UserName;
            session.Authenticated = new AuthorizationSource(
                new AuthorizationOrigin(AuthorizationKind.ImplicitUser, user) { Server = accept.Server.Name, List = binding.AuthenticationList }, profile);
            session.AuthorizedBy = group;
            // The session lasts for hours; an expired password has no use in it.
            lock (gate)
                Zero();
            return new AnyConnectVerdict.Accepted(user);
        }
    }

    /// <summary>AAA may lock a user to a group. The password was right, so that its owner may be told.</summary>
    private static AnyConnectVerdict.Rejected? WhyNotIn(string group, SessionProfile profile) =>
        group.Length > 0 && profile.GroupLock is { } only && !string.Equals(group, only, StringComparison.OrdinalIgnoreCase)
            ? new AnyConnectVerdict.Rejected($"the user's group is '{only}' (Tunnel-Group-Lock), not '{group}'", $"You are not in the group {group}.")
            : null;

    private AnyConnectVerdict Reject(RadiusOutcome.Reject reject, AnyConnectCredentials credentials)
    {
        var message = PasswordRequestCodec.ReplyMessage(reject.Packet);
        if (IsMsChapV2(credentials) && credentials.Kind == AnyConnectAnswerKind.Login
            && PasswordRequestCodec.MsChapError(reject.Packet, out changeChallenge) == PasswordExpired && TryKeep(credentials.Answer))
        {
            serverName = reject.Server.Name;
            return new AnyConnectVerdict.PasswordExpired(message.Length == 0 ? null : message);
        }

        return new AnyConnectVerdict.Rejected(
            message.Length == 0 ? "refused by the AAA server" : $"refused by the AAA server: {message}", message.Length == 0 ? null : message);
    }

    // The login may end while RADIUS is asked: then nobody zeroes what is kept afterwards.
    private bool TryKeep(ReadOnlySpan<byte> password)
    {
        lock (gate)
        {
            if (!isOver)
                expired = password.ToArray();
            return !isOver;
        }
    }
}
