using Headend.Ikev2.Crypto;
using Headend.Ikev2.Exchanges;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>RFC 7296 2.8, 2.25: rekeys and deletes of both sides at once. Afterwards both must see the same SAs, whatever was lost or came late.</summary>
public class LoginCollisionTests
{
    private enum Act
    {
        RekeyChild,
        RekeyIke,
        DeleteChild,
        End,
    }

    [Theory]
    [InlineData("child/child", 1_000)]
    [InlineData("ike/ike", 1_000)]
    [InlineData("child/ike", 1_000)]
    [InlineData("rekey/delete", 1_000)]
    [InlineData("anything", 4_000)]
    public void CollisionsConverge(string kind, int seeds)
    {
        var alive = 0;
        for (var seed = 1; seed <= seeds; seed++)
        {
            var pair = EndpointPair.Establish((ulong)seed, TimeSpan.FromMilliseconds(seed % 3 == 0 ? 0 : 30), seed % 2 == 0 ? PfsPolicy.Optional : PfsPolicy.Required, gre: seed % 5 == 0);
            pair.Network.Link = seed % 4 == 0
                ? new LinkOptions { MostLatency = TimeSpan.FromMilliseconds(40) }
                : new LinkOptions { Loss = 0.3, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(150) };
            var script = Play(pair, kind);
            pair.Network.RunFor(TimeSpan.FromSeconds(20));
            pair.Network.Link = new LinkOptions();
            pair.Network.RunFor(TimeSpan.FromMinutes(6));
            var disagreement = pair.Disagreement();
            Assert.True(disagreement is null, $"{kind}, seed {seed}: {disagreement}; script: {script}");
            alive += pair.LeftSession is null ? 0 : 1;
            Assert.True(pair.LeftSession?.Children.All(c => c.IsTransportMode == (seed % 5 == 0)) ?? true, $"{kind}, seed {seed}: a rekey changed the mode; script: {script}");

            // Of simultaneous rekeys one redundant SA goes: two CHILD_SAs for the same traffic are left by none.
            if (kind == "child/child" && pair.LeftSession is { } session)
                Assert.True(session.Children.Count == 1, $"{kind}, seed {seed}: {session.Children.Count} CHILD_SAs; script: {script}");
        }

        if (!kind.Contains("delete", StringComparison.Ordinal) && kind != "anything")
            Assert.True(alive > seeds * 0.9, $"{alive} of {seeds} sessions live on");
    }

    private static string Play(EndpointPair pair, string kind)
    {
        var random = pair.Network.Random;
        (Act Left, Act Right) acts = kind switch
        {
            "child/child" => (Act.RekeyChild, Act.RekeyChild),
            "ike/ike" => (Act.RekeyIke, Act.RekeyIke),
            "child/ike" => random.Next(2) == 0 ? (Act.RekeyChild, Act.RekeyIke) : (Act.RekeyIke, Act.RekeyChild),
            "rekey/delete" => (random.Next(2) == 0 ? Act.RekeyChild : Act.RekeyIke, random.Next(2) == 0 ? Act.DeleteChild : Act.End),
            _ => default,
        };
        if (kind != "anything")
        {
            var swap = random.Next(2) == 0;
            return Do(pair, swap, acts.Left) + Pause(pair, 60) + Do(pair, !swap, acts.Right);
        }

        var script = "";
        for (var i = 2 + random.Next(6); i > 0; i--)
            script += Do(pair, random.Next(2) == 0, random.Next(20) == 0 ? Act.End : (Act)random.Next(3)) + Pause(pair, random.Next(3) == 0 ? 3_000 : 60);
        return script;
    }

    private static string Pause(EndpointPair pair, int most)
    {
        var pause = pair.Network.Random.Next(3) == 0 ? 0 : pair.Network.Random.Next(most);
        pair.Network.RunFor(TimeSpan.FromMilliseconds(pause));
        return $" {pause} ms ";
    }

    private static string Do(EndpointPair pair, bool left, Act act)
    {
        var node = left ? pair.Left : pair.Right;
        var session = left ? pair.LeftSession : pair.RightSession;
        if (session is null)
            return "";
        var child = session.Children.Count > 0 ? session.Children[pair.Network.Random.Next(session.Children.Count)] : null;
        node.Do((endpoint, now) =>
        {
            switch (act)
            {
                case Act.RekeyChild when child is not null:
                    endpoint.Handle(new RekeyChildCommand(session.Id, child.InboundSpi), now);
                    break;
                case Act.RekeyIke:
                    endpoint.Handle(new RekeyIkeCommand(session.Id), now);
                    break;
                case Act.DeleteChild when child is not null:
                    endpoint.Advance(now);
                    DeleteExchange.DeleteChild(session.Current, child);
                    break;
                case Act.End:
                    endpoint.Handle(new EndSessionCommand(session.Id, SessionEndReason.AdminCleared, "test"), now);
                    break;
            }
        });
        return $"{(left ? "left" : "right")} {act}";
    }
}
