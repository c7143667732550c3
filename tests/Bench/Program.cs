using BenchmarkDotNet.Running;

// dotnet run -c Release --project tests/Bench -- --filter '*Ike*'
BenchmarkSwitcher.FromAssembly(typeof(Headend.Bench.IkeBenchmarks).Assembly).Run(args);
