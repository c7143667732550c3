namespace Headend.Runtime;

/// <summary>The headend cannot start; the message is one line for the operator, without a stack trace.</summary>
internal sealed class HeadendStartException : Exception
{
    public HeadendStartException(string message)
        : base(message)
    {
    }

    public HeadendStartException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
