using System.Security.Cryptography;

namespace Headend.Clients;

/// <summary>Passwords made for the start without configuration: 20 characters that nobody mistakes for another, 116 bits.</summary>
public static class GeneratedPassword
{
    public const int Length = 20;

    /// <summary>Letters and digits without 0 O o, 1 I l.</summary>
    public const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    public static string Create() => RandomNumberGenerator.GetString(Alphabet, Length);
}
