#!/usr/bin/env python3
"""Stands in for Samba's ntlm_auth behind FreeRADIUS's mschap module: the passwords are files.

ntlm.py DIRECTORY auth USER CHALLENGE NT-RESPONSE   checks the answer to a challenge, prints NT_KEY
ntlm.py DIRECTORY change                            ntlm-change-password-1 on standard input (MS-CHAP2-CPW, RFC 2548 2.1.4): takes the new password
"""
import pathlib
import subprocess
import sys


def openssl(octets, *arguments):
    return subprocess.run(["openssl", *arguments, "-provider", "legacy", "-provider", "default"], input=octets, stdout=subprocess.PIPE, check=True).stdout


def md4(octets):
    return openssl(octets, "dgst", "-md4", "-binary")


def nt_hash(password):
    return md4(password.encode("utf-16-le"))


def des(seven, octets):
    bits = int.from_bytes(seven.ljust(7, b"\0"), "big")
    key = bytes((bits >> (49 - 7 * i) & 0x7F) << 1 for i in range(8))
    return openssl(octets, "enc", "-des-ecb", "-nopad", "-K", key.hex())


def auth(directory, user, challenge, response):
    own = nt_hash((directory / f"{user}.word").read_text(encoding="utf-8"))
    if b"".join(des(own[i:i + 7], bytes.fromhex(challenge)) for i in (0, 7, 14)).hex() != response.lower():
        return "Logon failure (0xc000006d)", 1
    return f"NT_KEY: {md4(own).hex().upper()}", 0


def change(directory):
    told = dict(line.rstrip("\n").split(": ", 1) for line in sys.stdin if ": " in line)
    word = directory / f"{told['username']}.word"
    old = nt_hash(word.read_text(encoding="utf-8"))
    block = openssl(bytes.fromhex(told["new-nt-password-blob"]), "enc", "-rc4", "-K", old.hex())
    length = int.from_bytes(block[512:516], "little")
    if not 0 < length <= 512:
        return "Password-Change: No\nPassword-Change-Error: encrypted by another password", 1
    new = block[512 - length:512]
    by = md4(new)
    if (des(by[:7], old[:8]) + des(by[7:14], old[8:])).hex() != told["old-nt-hash-blob"].lower():
        return "Password-Change: No\nPassword-Change-Error: the old hash is another", 1
    word.write_text(new.decode("utf-16-le"), encoding="utf-8")
    return "Password-Change: Yes\n.", 0


def main():
    directory, verb, *rest = pathlib.Path(sys.argv[1]), *sys.argv[2:]
    text, code = auth(directory, *rest) if verb == "auth" else change(directory)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
