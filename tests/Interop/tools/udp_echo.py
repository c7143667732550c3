#!/usr/bin/env python3
"""A numbered UDP echo stream that counts every loss and every duplicate.

udp_echo.py serve ADDRESS PORT
udp_echo.py count ADDRESS PORT --rate N (--stop FILE | --packets N)    prints "sent S lost L duplicated D", exit 0 when L = D = 0
"""
import argparse
import os
import select
import socket
import struct
import sys
import time


def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        server.bind((address, port))
        print("ready", flush=True)
        while True:
            packet, peer = server.recvfrom(2048)
            server.sendto(packet, peer)


def count(arguments):
    family = socket.AF_INET6 if ":" in arguments.address else socket.AF_INET
    seen, sent, duplicated, gone = set(), 0, 0, 0
    begin = time.monotonic()
    finished = None
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        client.connect((arguments.address, arguments.port))
        while True:
            now = time.monotonic()
            if finished is None and ((arguments.packets and sent >= arguments.packets)
                                     or (arguments.stop and os.path.exists(arguments.stop)) or now - begin > 600):
                finished = now
            if finished is None and now >= begin + sent / arguments.rate:
                try:
                    client.send(struct.pack("!Q", sent) + bytes(arguments.size - 8))
                except OSError:  # no route for a moment is a loss like any other
                    gone += 1
                sent += 1
                continue
            if finished is not None and (len(seen) == sent or now > finished + 2):
                break
            wait = 0.1 if finished is not None else min(0.1, max(0.0, begin + sent / arguments.rate - now))
            if not select.select([client], [], [], wait)[0]:
                continue
            try:
                number = struct.unpack("!Q", client.recv(2048)[:8])[0]
            except OSError:
                continue
            if number in seen:
                duplicated += 1
            seen.add(number)
    missing = sorted(set(range(sent)) - seen)
    print(f"sent {sent} lost {len(missing)} duplicated {duplicated}" + (f" first missing {missing[:5]}" if missing else ""))
    return 0 if sent and not missing and not duplicated else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["serve", "count"])
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--packets", type=int, default=0)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--stop")
    arguments = parser.parse_args()
    return serve(arguments.address, arguments.port) if arguments.verb == "serve" else count(arguments)


if __name__ == "__main__":
    sys.exit(main())
