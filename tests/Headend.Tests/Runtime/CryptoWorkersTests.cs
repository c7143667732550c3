using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

public class CryptoWorkersTests
{
    [Fact]
    public async Task JobsOfManyThreadsAreAllDoneWhereverTheyComeFrom()
    {
        using var workers = new CryptoWorkers(3, SystemCryptoProvider.Instance, NullLogger.Instance);
        var done = 0;
        var askers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 2000; i++)
                await workers.RunAsync(() => Interlocked.Increment(ref done));
        }));
        await Task.WhenAll(askers);
        Assert.Equal(8000, done);
    }

    [Fact]
    public void OnlyShortArithmeticIsDoneOnAShardAndNoSignatureOfRsaWhereAnythingWaits()
    {
        Assert.Equal((true, true), OnShard(Agreement(31)));
        Assert.Equal((true, true), OnShard(Agreement(19)));
        Assert.Equal((false, false), OnShard(Agreement(14)));
        Assert.Equal((false, false), OnShard(Agreement(20)));
        Assert.Equal((false, false), OnShard(Agreement(32)));
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa2048 = RSA.Create(2048);
        using var rsa3072 = RSA.Create(3072);
        Assert.Equal((true, true), OnShard(Signature(p256)));
        Assert.Equal((false, false), OnShard(Signature(p384)));
        Assert.Equal((true, false), OnShard(Signature(rsa2048)));
        Assert.Equal((false, false), OnShard(Signature(rsa3072)));
    }

    [Fact]
    public void IdleWorkersEnd()
    {
        var workers = new CryptoWorkers(4, SystemCryptoProvider.Instance, NullLogger.Instance);
        workers.Dispose();
    }

    private static (bool Idle, bool Busy) OnShard(IkeOperation operation) => (CryptoWorkers.IsForShard(operation, nothingWaits: true), CryptoWorkers.IsForShard(operation, nothingWaits: false));

    private static KeyAgreementEffect Agreement(ushort group)
    {
        Assert.True(AlgorithmTable.TryFindKeyExchange(group, out var method));
        return new KeyAgreementEffect(default, false, method, null, default);
    }

    private static SignAuthEffect Signature(AsymmetricAlgorithm key) => new(default, new IkeCredential(null!, [], key), SignatureAuthentication.Choose(key, null)!, []);
}
