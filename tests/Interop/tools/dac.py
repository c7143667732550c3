#!/usr/bin/env python3
"""A dynamic authorization client (RFC 5176) that can also do it wrong.

dac.py [OPTIONS] ADDRESS PORT SECRET disconnect|coa NAME=VALUE...

  --mode good | wrong-authenticator | no-message-authenticator | wrong-message-authenticator
  --stamp SECONDS   Event-Timestamp, so far from now
  --times N         send the same datagram N times, each after the answer to the one before; answers must be equal octets
  --from ADDRESS    source address
  --wait SECONDS    how long silence is waited for (2)

Prints `ACK`, `NAK CAUSE` or `silence`; `echo` lines for Proxy-State and State. Exit code 1 when an answer does not verify or repeated answers differ.
"""
import argparse
import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import sys
import time

CODES = {"disconnect": 40, "coa": 43}
TEXT = {"User-Name": 1, "Filter-Id": 11, "Framed-Route": 22, "Class": 25, "Called-Station-Id": 30, "Calling-Station-Id": 31, "NAS-Identifier": 32, "Acct-Session-Id": 44,
        "NAS-Port-Id": 87, "Chargeable-User-Identity": 89, "State": 24, "Proxy-State": 33, "Reply-Message": 18}
NUMBER = {"NAS-Port": 5, "Service-Type": 6, "Session-Timeout": 27, "Idle-Timeout": 28, "Acct-Terminate-Cause": 49, "Event-Timestamp": 55, "Acct-Interim-Interval": 85}
ADDRESS = {"NAS-IP-Address": 4, "Framed-IP-Address": 8, "NAS-IPv6-Address": 95, "Framed-IPv6-Address": 168}
VENDOR = {"WISPr-Bandwidth-Max-Down": (14122, 8), "WISPr-Bandwidth-Max-Up": (14122, 7)}


def attribute(kind, value):
    return bytes([kind, 2 + len(value)]) + value


def encode(pair):
    name, _, value = pair.partition("=")
    if name in TEXT:
        return attribute(TEXT[name], value.encode())
    if name in NUMBER:
        return attribute(NUMBER[name], struct.pack("!I", int(value)))
    if name in ADDRESS:
        return attribute(ADDRESS[name], ipaddress.ip_address(value).packed)
    if name == "Framed-IPv6-Prefix":
        prefix = ipaddress.ip_network(value)
        return attribute(97, bytes([0, prefix.prefixlen]) + prefix.network_address.packed)
    if name == "Cisco-AVPair":
        return attribute(26, struct.pack("!I", 9) + attribute(1, value.encode()))
    if name == "Mikrotik-Rate-Limit":
        return attribute(26, struct.pack("!I", 14988) + attribute(8, value.encode()))
    if name in VENDOR:
        vendor, kind = VENDOR[name]
        return attribute(26, struct.pack("!I", vendor) + attribute(kind, struct.pack("!I", int(value))))
    sys.exit(f"dac.py: no attribute {name}")


def build(code, identifier, attributes, secret, mode):
    body = attributes
    if mode != "no-message-authenticator":
        body += attribute(80, bytes(16))
    header = struct.pack("!BBH", code, identifier, 20 + len(body))
    if mode != "no-message-authenticator":
        value = hmac.digest(secret, header + bytes(16) + body, "md5")
        if mode == "wrong-message-authenticator":
            value = bytes([value[0] ^ 1]) + value[1:]
        body = body[:-16] + value
    authenticator = hashlib.md5(header + bytes(16) + body + secret).digest()
    if mode == "wrong-authenticator":
        authenticator = os.urandom(16)
    return header + authenticator + body


def verified(reply, request, secret):
    header, body = reply[:4], reply[20:]
    if hashlib.md5(header + request[4:20] + body + secret).digest() != reply[4:20]:
        return False
    at = 0
    while at < len(body):
        if body[at] == 80:
            blank = body[:at + 2] + bytes(16) + body[at + 18:]
            return hmac.digest(secret, header + request[4:20] + blank, "md5") == body[at + 2:at + 18]
        at += body[at + 1]
    return False


def show(reply):
    body, at, cause = reply[20:], 0, None
    lines = []
    while at < len(body):
        kind, value = body[at], body[at + 2:at + body[at + 1]]
        if kind == 101:
            cause = struct.unpack("!I", value)[0]
        if kind in (24, 33):
            lines.append(f"echo {kind} {value.decode()}")
        at += body[at + 1]
    print("ACK" if reply[0] in (41, 44) else f"NAK {cause}")
    for line in lines:
        print(line)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--mode", default="good")
    options.add_argument("--stamp", type=int)
    options.add_argument("--times", type=int, default=1)
    options.add_argument("--wait", type=float, default=2)
    options.add_argument("--from", dest="source")
    options.add_argument("address")
    options.add_argument("port", type=int)
    options.add_argument("secret")
    options.add_argument("code", choices=CODES)
    options.add_argument("pairs", nargs="*")
    given = options.parse_args()
    secret = given.secret.encode()
    attributes = b"".join(encode(pair) for pair in given.pairs)
    if given.stamp is not None:
        attributes += attribute(55, struct.pack("!I", int(time.time()) + given.stamp))
    request = build(CODES[given.code], os.urandom(1)[0], attributes, secret, given.mode)
    family = socket.AF_INET6 if ":" in given.address else socket.AF_INET
    first = None
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        if given.source:
            client.bind((given.source, 0))
        client.connect((given.address, given.port))
        client.settimeout(10 if given.mode == "good" and given.wait == 2 and (given.stamp is None or abs(given.stamp) < 250) else given.wait)
        for _ in range(given.times):
            client.send(request)
            try:
                reply = client.recv(4096)
            except (TimeoutError, ConnectionRefusedError):
                print("silence")
                return 0
            if reply[1] != request[1] or not verified(reply, request, secret):
                print("an answer that does not verify")
                return 1
            if first is not None and reply != first:
                print("another answer than before")
                return 1
            first = reply
    show(first)
    return 0


if __name__ == "__main__":
    sys.exit(main())
