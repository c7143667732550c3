using System.CommandLine;
using System.Diagnostics;
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
        var answers = new Option<string[]>("--answer") { Description = "Typed one after the other into whatever form comes.", Required = true };
        var group = new Option<string?>("--group") { Description = "Chosen where the form has groups." };
        var ca = new Option<string?>("--ca") { Description = "PEM file of the authorities that the gateway's certificate must chain to.", HelpName = "FILE" };
        var cisco = new Option<bool>("--payload-132") { Description = "Cisco's fragments instead of RFC 7383's." };
        var certificate = new Option<string?>("--certificate") { Description = "PEM file of the client's certificate and what is above it, shown where one is asked for.", HelpName = "FILE" };
        var key = new Option<string?>("--key") { Description = "PEM file of the RSA key to sign with.", HelpName = "FILE" };
        var alter = new Option<bool>("--alter-signature") { Description = "Flips a bit of the signature." };
        var prefilled = new Option<bool>("--prefilled-name") { Description = "Takes the user name that stands in the form." };
        var hold = new Option<double>("--hold") { Description = "Keep the session this long, then delete it.", HelpName = "SECONDS" };
        var command = new Command("anyconnect", "Logs in by AnyConnect-EAP and prints what the user saw. Exit code 1 if the login failed.") { target, identity, user, answers, group, ca, cisco, certificate, key, alter, prefilled, hold };
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
                        Answers = parsed.GetRequiredValue(answers),
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
            return Task.FromResult(Run(options, IPAddress.Parse(parsed.GetRequiredValue(target)), () => peer, TimeSpan.FromSeconds(parsed.GetValue(hold))));
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

    private static MonotonicTime Now => new(Stopwatch.GetElapsedTime(0).Ticks);

    private static int Run(TestInitiatorOptions options, IPAddress gateway, Func<AnyConnectPeer?> peer, TimeSpan hold)
    {
        using var socket = new LoadSocket(new IPEndPoint(gateway, 4500), marker: true);
        var initiator = new TestInitiator(options, socket.Path);
        initiator.Start(Now);
        Drive(socket, initiator, () => initiator.Outcome is not InitiatorOutcome.Pending);
        foreach (var error in peer()?.Errors ?? [])
            Console.WriteLine($"error {error}");
        Console.WriteLine($"documents {peer()?.Documents.Count ?? 0} pieces {initiator.CiscoFragmentsReceived}");
        foreach (var (type, value) in initiator.Configuration.Where(a => a.Type >= 28672))
            Console.WriteLine($"attribute {type} {Convert.ToHexStringLower(value)}");
        Console.WriteLine(initiator.Outcome is InitiatorOutcome.Established established ? $"established {established.IPv4}" : $"failed {initiator.Outcome}");
        if (initiator.Outcome is not InitiatorOutcome.Established)
            return 1;
        var until = Now + hold;
        Drive(socket, initiator, () => Now >= until);
        initiator.Delete(Now);
        until = Now + TimeSpan.FromSeconds(3);
        Drive(socket, initiator, () => initiator.IkeSas == 0 || Now >= until);
        return 0;
    }

    private static void Drive(LoadSocket socket, TestInitiator initiator, Func<bool> done)
    {
        var buffer = new byte[65_536];
        while (true)
        {
            while (initiator.TryTake(out var datagram))
                socket.TrySend(datagram.Octets);
            if (done())
                return;
            if (socket.Socket.Poll(TimeSpan.FromMilliseconds(20), System.Net.Sockets.SelectMode.SelectRead))
            {
                while (socket.TryReceive(buffer, out var message, out _))
                {
                    if (!message.IsEmpty)
                        initiator.Handle(message.ToArray(), Now);
                }
            }

            initiator.Advance(Now);
        }
    }
}
