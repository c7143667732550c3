using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>One login of the scripted AnyConnect client over UDP, for interop with RADIUS servers that are not ours.</summary>
internal static class AnyConnectLogin
{
    public static Command Command()
    {
        var target = new Option<string>("--target") { Description = "Gateway's address; port 4500.", Required = true, HelpName = "ADDRESS" };
        var identity = new Option<string>("--identity") { Description = "IDi, of type 201.", DefaultValueFactory = _ => "*$AnyConnectClient$*" };
        var user = new Option<string>("--user") { Required = true };
        var answers = new Option<string[]>("--answer") { Description = "Typed one after the other into whatever form comes." };
        var group = new Option<string?>("--group") { Description = "Chosen where the form has groups." };
        var ca = new Option<string?>("--ca") { Description = "PEM file of the authorities that the gateway's certificate must chain to.", HelpName = "FILE" };
        var cisco = new Option<bool>("--payload-132") { Description = "Cisco's fragments instead of RFC 7383's." };
        var certificate = new Option<string?>("--certificate") { Description = "PEM file of the client's certificate and what is above it, shown where one is asked for.", HelpName = "FILE" };
        var key = new Option<string?>("--key") { Description = "PEM file of the RSA key to sign with.", HelpName = "FILE" };
        var alter = new Option<bool>("--alter-signature") { Description = "Flips a bit of the signature." };
        var prefilled = new Option<bool>("--prefilled-name") { Description = "Takes the user name that stands in the form." };
        var tun = new Option<string?>("--tun") { Description = "TUN device that stands; its IPv4 packets go through the session.", HelpName = "DEVICE" };
        var save = new Option<string?>("--save-return") { Description = "Asks for session-id and token and writes them to the file.", HelpName = "FILE" };
        var back = new Option<string?>("--return-from") { Description = "Comes back with the session-id and token of the file, without AnyConnect-EAP.", HelpName = "FILE" };
        var hold = new Option<double>("--hold") { Description = "Keep the session this long, then delete it.", HelpName = "SECONDS" };
        var command = new Command("anyconnect", "Logs in by AnyConnect-EAP and prints what the user saw. Exit code 1 if the login failed.") { target, identity, user, answers, group, ca, cisco, certificate, key, alter, prefilled, tun, save, back, hold };
        command.SetAction((parsed, _) =>
        {
            AnyConnectPeer? peer = null;
            var options = new TestInitiatorOptions
            {
                Identity = new IkeIdentity(new IdType(201), Encoding.ASCII.GetBytes(parsed.GetRequiredValue(identity))),
                User = parsed.GetRequiredValue(user),
                Password = "",
                EapPeer = channel => peer = new AnyConnectPeer(
                    new AnyConnectPeerOptions
                    {
                        User = parsed.GetRequiredValue(user),
                        Answers = parsed.GetValue(answers) ?? [],
                        Group = parsed.GetValue(group),
                        Chain = ReadChain(parsed.GetValue(certificate)),
                        Key = ReadKey(parsed.GetValue(key)),
                        AlterSignature = parsed.GetValue(alter),
                        TakePrefilledName = parsed.GetValue(prefilled),
                    },
                    channel),
                IkeProposals = [ProposalParser.ParseIke("aes256-sha256-x25519")],
                EspProposals = [ProposalParser.ParseEsp("aes256gcm16")],
                VendorIds =
                [
                    "CISCO-DELETE-REASON"u8.ToArray(), "CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc."u8.ToArray(), Convert.FromHexString("4048B7D56EBCE88525E7DE7F00D6C2D3"),
                    "CISCO-ANYCONNECT-STRAP"u8.ToArray(), "CISCO-ANYCONNECT-EAP"u8.ToArray(), "CISCO-NGE-LEVEL"u8.ToArray(),
                ],
                ClearConfiguration = [1, 0, 0, 0, 0x70, 0x3a, 0, 2, 1, 2],
                SignatureHashes = false,
                Fragmentation = !parsed.GetValue(cisco),
                CiscoFragmentation = parsed.GetValue(cisco),
                FragmentOctets = 576,
                FurtherAttributes = [28672, 28674, 28675, 28676, 28704, 28705, 28711],
                Trust = LoadOptions.ReadAuthorities(parsed.GetValue(ca)).Trust,
                LoginTimeout = TimeSpan.FromSeconds(20),
            };
            if (parsed.GetValue(save) is not null)
                options = options with { ReconnectAttributes = (LoadReturns.SessionId, LoadReturns.Token) };
            if (parsed.GetValue(back) is { } file)
                options = Back(options, file);
            var session = new ScriptedSession(options, IPAddress.Parse(parsed.GetRequiredValue(target)), parsed.GetValue(tun), parsed.GetValue(save), TimeSpan.FromSeconds(parsed.GetValue(hold)));
            return Task.FromResult(session.Run(() => peer));
        });
        return command;
    }

    private static IReadOnlyList<X509Certificate2> ReadChain(string? file)
    {
        var chain = new X509Certificate2Collection();
        if (file is not null)
            chain.ImportFromPemFile(file);
        return [.. chain];
    }

    private static RSA? ReadKey(string? file)
    {
        if (file is null)
            return null;
        var key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(file));
        return key;
    }

    /// <summary>Two lines of hexadecimal digits: session-id, token.</summary>
    private static TestInitiatorOptions Back(TestInitiatorOptions options, string file)
    {
        var lines = File.ReadAllLines(file);
        return options with { Identity = new IkeIdentity(IdType.KeyId, Convert.FromHexString(lines[0])), PreSharedKey = Convert.FromHexString(lines[1]) };
    }
}
