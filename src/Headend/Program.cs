using Headend.Cli;
using Headend.Configuration;

namespace Headend;

internal static class Program
{
    private static Task<int> Main(string[] arguments) => CommandLine.InvokeAsync(arguments, new CommandLineOptions
    {
        Run = (_, _) => Task.FromResult(ExitCodes.Failed),
        Rules = ConfigurationRules.OfLeaves,
    });
}
