#!/usr/bin/env python3
"""A DHCPINFORM (RFC 2131 3.4) as Windows sends it through a tunnel, and what came back.

dhcp_inform.py CLIENT-ADDRESS DESTINATION DEVICE [--type N]

Prints one line per option of the DHCPACK: server, mask, dns, domain, 121, 249; exit 1 when nothing answers within 3 s.
"""
import argparse
import os
import socket
import struct
import sys
import time

COOKIE = bytes.fromhex("63825363")


def request(client, transaction, kind):
    options = bytes([53, 1, kind, 60, 8]) + b"MSFT 5.0" + bytes([55, 7, 1, 6, 15, 54, 121, 249, 43, 255])
    return (struct.pack(">BBBBIHH", 1, 8, 6, 0, transaction, 0, 0) + socket.inet_aton(client) + bytes(12)
            + b"RAS \0\0".ljust(16, b"\0") + bytes(192) + COOKIE + options)


def read_options(octets):
    found, at = {}, 0
    while octets[at] != 255:
        if octets[at] == 0:
            at += 1
            continue
        code, length = octets[at], octets[at + 1]
        found[code] = found.get(code, b"") + octets[at + 2:at + 2 + length]
        at += 2 + length
    return found


def addresses(octets):
    return " ".join(socket.inet_ntoa(octets[i:i + 4]) for i in range(0, len(octets), 4))


def routes(octets):
    text, at = [], 0
    while at < len(octets):
        width = octets[at]
        size = (width + 7) // 8
        network = socket.inet_ntoa(octets[at + 1:at + 1 + size].ljust(4, b"\0"))
        router = socket.inet_ntoa(octets[at + 1 + size:at + 5 + size])
        text.append(f"{network}/{width} via {router}")
        at += 5 + size
    return ", ".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("client")
    parser.add_argument("destination")
    parser.add_argument("device")
    parser.add_argument("--type", type=int, default=8)
    arguments = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, arguments.device.encode())
        client.bind((arguments.client, 68))
        transaction = int.from_bytes(os.urandom(4), "big")
        client.sendto(request(arguments.client, transaction, arguments.type), (arguments.destination, 67))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            client.settimeout(max(0.01, end - time.monotonic()))
            try:
                answer, server = client.recvfrom(2000)
            except TimeoutError:
                break
            if answer[0] != 2 or struct.unpack(">I", answer[4:8])[0] != transaction or answer[236:240] != COOKIE:
                continue
            options = read_options(answer[240:])
            print(f"type {options[53][0]} from {server[0]} yiaddr {socket.inet_ntoa(answer[16:20])}")
            print(f"server {addresses(options[54])}")
            print(f"mask {addresses(options[1])}")
            print(f"dns {addresses(options.get(6, b''))}")
            print(f"domain {options.get(15, b'').decode()}")
            print(f"121 {routes(options.get(121, b''))}")
            print(f"249 {routes(options.get(249, b''))}")
            return 0
    print("no answer")
    return 1


if __name__ == "__main__":
    sys.exit(main())
