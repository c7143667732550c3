using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Tests.Support;

/// <summary>A network namespace with a thread that lives in it: what the thread opens belongs to the namespace.</summary>
public sealed partial class NetworkNamespace : IDisposable
{
    private const int CLONE_NEWNET = 0x40000000;
    private static int number;
    private readonly BlockingCollection<Action> work = [];
    private readonly Thread thread;

    public NetworkNamespace(string label)
    {
        Name = $"va{Environment.ProcessId}{label}{Interlocked.Increment(ref number)}";
        Shell($"ip netns add {Name}");
        thread = new Thread(Run) { IsBackground = true };
        thread.Start();
        Exec("sysctl -qw net.ipv6.conf.default.accept_dad=0");
        Ip("link set lo up");
    }

    public string Name { get; }

    /// <summary>Runs in the namespace and gives the result back.</summary>
    public T Do<T>(Func<T> action)
    {
        using var done = new ManualResetEventSlim();
        var result = default(T);
        ExceptionDispatchInfo? thrown = null;
        work.Add(() =>
        {
            try
            {
                result = action();
            }
#pragma warning disable CA1031 // rethrown on the caller's thread
            catch (Exception e)
#pragma warning restore CA1031
            {
                thrown = ExceptionDispatchInfo.Capture(e);
            }

            done.Set();
        });
        done.Wait();
        thrown?.Throw();
        return result!;
    }

    public void Do(Action action) => Do(() =>
    {
        action();
        return 0;
    });

    public string Ip(string arguments) => Shell($"ip -n {Name} {arguments}");

    public string Exec(string command) => Shell($"ip netns exec {Name} {command}");

    /// <summary>Everything of the kernel's network state that an interface of ours could leave behind.</summary>
    public string Snapshot() => Ip("-j addr") + Ip("-j route show table all") + Ip("-j -6 route show table all");

    /// <summary>An interface that is up and leads nowhere.</summary>
    public void AddStub(string name, params string[] addresses)
    {
        Ip($"link add {name} type veth peer name {name}p");
        foreach (var address in addresses) Ip($"addr add {address} dev {name}" + (address.Contains(':', StringComparison.Ordinal) ? " nodad" : ""));
        Ip($"link set {name} up");
        Ip($"link set {name}p up");
    }

    /// <summary>A veth pair between two namespaces.</summary>
    public static void Connect(NetworkNamespace left, string leftAddress, NetworkNamespace right, string rightAddress)
    {
        left.Ip($"link add eth0 type veth peer name eth0 netns {right.Name}");
        foreach (var (space, address) in new[] { (left, leftAddress), (right, rightAddress) })
        {
            space.Ip($"addr add {address} dev eth0" + (address.Contains(':', StringComparison.Ordinal) ? " nodad" : ""));
            space.Ip("link set eth0 up");
        }
    }

    public static string Shell(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        // A disposed process leaves its pipes to the collector, and libnftables cannot live with descriptors beyond 1023.
        using var standardError = process.StandardError;
        using var standardOutput = process.StandardOutput;
        var errors = standardError.ReadToEndAsync();
        var output = standardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{command}: exit {process.ExitCode}: {errors.Result}{output}");
    }

    public void Dispose()
    {
        work.CompleteAdding();
        thread.Join();
        work.Dispose();
        Shell($"ip netns delete {Name}");
    }

    private void Run()
    {
        var descriptor = open($"/run/netns/{Name}", 0x80000);
        if (setns(descriptor, CLONE_NEWNET) != 0) throw new InvalidOperationException("setns");
        _ = close(descriptor);
        foreach (var action in work.GetConsumingEnumerable()) action();
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc")]
    private static partial int setns(int descriptor, int type);
}
