using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Radius;

public sealed class RadiusDictionaryTests
{
    [Fact]
    public void The_core_dictionary_names_what_is_used()
    {
        var core = RadiusDictionary.Core;
        Assert.Equal("Message-Authenticator", core.NameOf(RadiusAttributeType.MessageAuthenticator));
        Assert.Equal("MS-MPPE-Recv-Key", core.NameOf(RadiusVendor.Microsoft, 17));
        Assert.Equal("Cisco", RadiusVendor.Cisco.ToString());
        Assert.Equal("Vendor-4711-Attr-3", core.NameOf(new RadiusVendor(4711), 3));
        Assert.Equal("User-Request", core.NameOfValue(RadiusAttributeType.AcctTerminateCause, 1));
        Assert.Equal("999", core.NameOfValue(RadiusAttributeType.AcctTerminateCause, 999));
        Assert.True(core.TryFind("wispr-bandwidth-max-down", out var entry));
        Assert.Equal((14122u, 8), (entry!.Vendor.Value, (int)entry.Type));
        foreach (var field in typeof(RadiusAttributeType).GetFields().Where(f => f.IsStatic))
        {
            var type = (RadiusAttributeType)field.GetValue(null)!;
            Assert.Equal(field.Name, type.ToString().Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
        }
    }

    [Theory]
    [InlineData("BEGIN-TLV", "line 1")]
    [InlineData("VENDOR Acme 4711\nBEGIN-VENDOR Acme", "line 2: BEGIN-VENDOR Acme has no END-VENDOR")]
    [InlineData("VENDOR Acme 4711\nVENDOR Acme 4712", "line 2")]
    [InlineData("ATTRIBUTE A 1 integer\nVALUE A Word x", "line 2")]
    [InlineData("ATTRIBUTE Name x string", "line 1")]
    [InlineData("\n$INCLUDE other", "line 2")]
    [InlineData("BEGIN-VENDOR Nobody", "line 1")]
    [InlineData("VALUE Nothing Word 1", "line 1")]
    [InlineData("ATTRIBUTE A 1 string\nATTRIBUTE A 2 string", "line 2")]
    public void Errors_name_their_line(string text, string expected)
    {
        Assert.False(RadiusDictionary.TryParse(text, out _, out var error));
        Assert.StartsWith(expected, error, StringComparison.Ordinal);
    }

    private static readonly Dictionary<string, string> Files = new(StringComparer.Ordinal)
    {
        ["/d/main"] = "$INCLUDE sub/acme\n$INCLUDE- sub/none\n",
        ["/d/sub/acme"] = """
            VENDOR Acme 4711
            BEGIN-VENDOR Acme
            VALUE Acme-Mode Fast 2 # stands before its attribute
            ATTRIBUTE Acme-Mode 7 integer
            ATTRIBUTE Acme-Wide 300 string
            END-VENDOR Acme
            ATTRIBUTE Extended-Thing 241.1 octets
            ATTRIBUTE Framed-Pool 88 string
            """,
        ["/d/bad"] = "ATTRIBUTE Framed-Pool 89 string\n$INCLUDE sub/worse\nNONSENSE\n$INCLUDE absent",
        ["/d/sub/worse"] = "\nATTRIBUTE X y z",
        ["/d/loop"] = "$INCLUDE loop",
    };

    [Fact]
    public void Files_are_added_to_the_core_with_what_they_include()
    {
        Assert.True(RadiusDictionaryParser.TryExtend(RadiusDictionary.Core, ["/d/main"], Open, out var dictionary, out _));
        Assert.Equal("Acme-Mode", dictionary.NameOf(new RadiusVendor(4711), 7));
        Assert.True(dictionary.TryFindValue("acme-mode", "fast", out var number));
        Assert.Equal(2u, number);
        Assert.True(dictionary.TryFind("Acme-Wide", out var wide));
        Assert.Equal(0, wide!.Type);
        Assert.Equal("Vendor-4711-Attr-44", dictionary.NameOf(new RadiusVendor(4711), 44).Replace("Acme", "Vendor-4711", StringComparison.Ordinal));
        Assert.True(dictionary.TryFind("Extended-Thing", out _));
        Assert.Equal("Framed-Pool", dictionary.NameOf(RadiusAttributeType.FramedPool));
        Assert.Equal("Vendor-4711", RadiusDictionary.Core.NameOf(new RadiusVendor(4711)));
    }

    [Fact]
    public void Every_error_names_its_file_and_line()
    {
        Assert.False(RadiusDictionaryParser.TryExtend(RadiusDictionary.Core, ["/d/bad"], Open, out _, out var errors));
        Assert.Equal(["/d/bad:1", "/d/sub/worse:2", "/d/bad:3", "/d/bad:4"], errors.Select(e => $"{e.File}:{e.Line}"));
        Assert.Equal("ATTRIBUTE Framed-Pool is 88 already", errors[0].Message);
        Assert.Contains("absent", errors[3].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_include_themselves_end()
    {
        Assert.False(RadiusDictionaryParser.TryExtend(RadiusDictionary.Core, ["/d/loop"], Open, out _, out var errors));
        Assert.Contains("include each other", Assert.Single(errors).Message, StringComparison.Ordinal);
    }

    private static (string? Text, string? Error) Open(string path) =>
        Files.TryGetValue(path, out var text) ? (text, null) : (null, "no such file");
}
