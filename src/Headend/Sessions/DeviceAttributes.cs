using Headend.Eap.AnyConnect;

namespace Headend.Sessions;

/// <summary>What an AnyConnect client says of its machine, in the words that ASA sends to RADIUS (`mdm-tlv`) and that policies of ISE match.</summary>
internal static class DeviceAttributes
{
    public static IReadOnlyList<KeyValuePair<string, string>> Of(AnyConnectDevice device)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        Add("device-platform", device.Platform);
        foreach (var address in device.MacAddresses)
            Add("device-mac", address);
        Add("device-public-mac", device.PublicMacAddress);
        Add("device-platform-version", device.PlatformVersion);
        Add("device-type", device.DeviceType);
        Add("ac-user-agent", device.UserAgent);
        Add("device-uid", device.UniqueId);
        Add("device-uid-global", device.UniqueIdGlobal);
        return pairs;

        void Add(string name, string value)
        {
            if (value.Length > 0)
                pairs.Add(new(name, value));
        }
    }
}
