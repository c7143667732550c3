using Headend.Configuration;
using Headend.VirtualAccess.Configuration;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>The virtual-templates of the configuration, by number; a reload changes them for new sessions.</summary>
internal sealed partial class VirtualTemplateStore
{
    private readonly SortedDictionary<int, TemplateBinding> templates = [];

    public VirtualTemplateStore(IReadOnlyList<VirtualTemplateOptions> options)
    {
        foreach (var template in options)
            templates[template.Number] = new TemplateBinding(Compile(template));
    }

    /// <summary>In order of their numbers.</summary>
    public IEnumerable<TemplateBinding> All => templates.Values;

    public TemplateBinding Find(int number) => templates[number];

    /// <summary>Takes changed templates over. Numbers that are new have no profile yet, and profiles are read at the start alone.</summary>
    public void Reload(IReadOnlyList<VirtualTemplateOptions> options, IEnumerable<ClientSession> sessions, ILogger logger)
    {
        foreach (var template in templates.Values)
        {
            if (options.FirstOrDefault(o => o.Number == template.Number) is not { } wanted)
                LogRemoved(logger, template.Number);
            else if (template.Replace(Compile(wanted)))
                NoteChanged(template, sessions, logger);
        }
    }

    private static void NoteChanged(TemplateBinding template, IEnumerable<ClientSession> sessions, ILogger logger)
    {
        var active = sessions.Count(s => s.IsCloneOf(template));
        LogChanged(logger, template.Number, active);
    }

    private static VirtualTemplate Compile(VirtualTemplateOptions options) => new(options.Number, [.. options.Commands], options.IsAutoMode);

    [LoggerMessage(
        EventId = 1124, EventName = "template-changed", Level = LogLevel.Information,
        Message = "template={Number} activeInterfaces={Active}: they are locked to what they were cloned from, new sessions get the change")]
    private static partial void LogChanged(ILogger logger, int number, int active);

    [LoggerMessage(EventId = 1125, EventName = "template-kept", Level = LogLevel.Warning, Message = "template={Number}: it is gone from the configuration; profiles use it until the next start")]
    private static partial void LogRemoved(ILogger logger, int number);
}
