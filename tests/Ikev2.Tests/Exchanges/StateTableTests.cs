using System.Text;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Exchanges;

/// <summary>docs/states/ike-sa.md and docs/states/failures.md are rendered from the tables; stale files fail. HEADEND_WRITE_DOCS=1 writes them.</summary>
public sealed class StateTableTests
{
    [Fact]
    public void The_rendered_exchange_table_is_current() => Compare("ike-sa.md", RenderExchanges());

    [Fact]
    public void The_rendered_failure_table_is_current() => Compare("failures.md", RenderFailures());

    [Fact]
    public void Every_failure_has_a_row_of_its_own()
    {
        foreach (var failure in Enum.GetValues<IkeFailure>())
        {
            var row = IkeFailureTable.Of(failure);
            Assert.Equal(row.Radius == BlastRadius.Discard, row.Notify is null);
            if (failure != IkeFailure.LocalFault)
                Assert.NotEqual(SessionEndReason.InternalError, row.EndReason);
        }
    }

    [Fact]
    public void Before_authentication_the_peer_learns_only_AUTHENTICATION_FAILED_about_policy()
    {
        foreach (var failure in (IkeFailure[])[IkeFailure.NoProfile, IkeFailure.MethodNotAllowed, IkeFailure.EapFailed, IkeFailure.AaaUnavailable, IkeFailure.AaaUnsendable, IkeFailure.BadAuthValue, IkeFailure.BadPreSharedKey, IkeFailure.AuthorizationDenied])
            Assert.Equal(NotifyType.AuthenticationFailed, IkeFailureTable.Of(failure).Notify);
    }

    [Fact]
    public void CREATE_CHILD_SA_is_worked_on_in_Established_alone()
    {
        // CVE-2014-2338: rekey of an IKE SA that was never authenticated.
        foreach (var phase in (IkeSaPhase[])[IkeSaPhase.KeyExchange, IkeSaPhase.ExpectAuth, IkeSaPhase.ExpectEapResponse, IkeSaPhase.ExpectEapAuth])
        {
            Assert.False(ExchangeTable.IsPlausible(phase, ExchangeType.CreateChildSa, isResponse: false));
            Assert.False(ExchangeTable.IsPlausible(phase, ExchangeType.Informational, isResponse: false));
        }
    }

    private static string RenderExchanges()
    {
        var text = new StringBuilder("# Legal exchanges of an IKE SA\n\nGenerated from `ExchangeTable`; `HEADEND_WRITE_DOCS=1 dotnet test tests/Ikev2.Tests` writes it anew.\n\n");
        text.Append("| state | exchange | our role | required | optional | envelope | deadline | story |\n|---|---|---|---|---|---|---|---|\n");
        foreach (var row in ExchangeTable.Rows)
        {
            var rules = MessageRules.Find(row.Exchange, row.IsResponse, row.Rules);
            var required = rules is null ? "as the request was" : $"{rules.Required} {rules.Together}".Trim();
            text.Append("| ").AppendJoin(" | ", row.Phase, row.Exchange, row.IsResponse ? "asked" : "answers", required, Optional(rules), row.Envelope, row.Deadline, row.Story)
                .Append(" |\n");
        }

        return text.ToString();
    }

    private static string Optional(MessageRules? rules)
    {
        if (rules is null)
            return "";
        var types = new List<string>();
        for (byte type = 33; type <= 53; type++)
        {
            var payload = new PayloadType(type);
            if (rules.Maximum(payload) > 0 && !rules.Required.Contains(payload) && !rules.Together.Contains(payload))
                types.Add(payload.Notation);
        }

        return string.Join(" ", types);
    }

    private static string RenderFailures()
    {
        var text = new StringBuilder("# What follows from a failure\n\nGenerated from `IkeFailureTable`.\n\n");
        text.Append("| failure | category | what dies | the peer is told | session ends as | look at |\n|---|---|---|---|---|---|\n");
        foreach (var failure in Enum.GetValues<IkeFailure>())
        {
            var row = IkeFailureTable.Of(failure);
            text.Append("| ").AppendJoin(" | ", failure, row.Category, row.Radius, row.Notify?.ToString() ?? "nothing", row.EndReason, row.LookAt).Append(" |\n");
        }

        return text.ToString();
    }

    private static void Compare(string name, string rendered)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Headend.sln")))
            directory = directory.Parent!;
        var path = Path.Combine(directory.FullName, "docs", "states", name);
        if (Environment.GetEnvironmentVariable("HEADEND_WRITE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, rendered);
        }

        Assert.Equal(rendered, File.ReadAllText(path));
    }
}
