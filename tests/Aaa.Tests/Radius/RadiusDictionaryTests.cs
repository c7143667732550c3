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
    [InlineData("ATTRIBUTE Name 300 string", "line 1")]
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
}
