using Headend.Cli;
using Headend.Composition;
using Headend.Configuration;

namespace Headend;

internal static class Program
{
    private static Task<int> Main(string[] arguments) => CommandLine.InvokeAsync(arguments, new CommandLineOptions
    {
        Run = RunCommand.RunAsync,
        TestRadius = RadiusTest.RunAsync,
        Rules = ConfigurationRules.OfLeaves,
    });
}
