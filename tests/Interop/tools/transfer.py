#!/usr/bin/env python3
"""TCP transfers with a checksum on both ends.

transfer.py serve ADDRESS PORT
transfer.py up|down ADDRESS PORT OCTETS                     exit 0 when both ends hold the same SHA-256
transfer.py up|down ADDRESS PORT OCTETS --rate BITS --stop FILE   repeats the block until FILE exists, at most 10 minutes
"""
import argparse
import hashlib
import os
import random
import socket
import sys
import threading
import time

CHUNK = 1 << 16


def blocks(seed, octets, rate=0):
    """Pseudo-random octets; with a rate (bit/s) never ahead of it."""
    source = random.Random(seed)
    begin, sent = time.monotonic(), 0
    while sent < octets:
        size = min(CHUNK, octets - sent)
        yield source.randbytes(size)
        sent += size
        if rate:
            ahead = begin + sent * 8 / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)


def line(stream):
    text = stream.readline(200)
    if not text.endswith(b"\n"):
        raise ConnectionError("connection ended early")
    return text.split()


def send(connection, seed, octets, rate):
    digest = hashlib.sha256()
    for block in blocks(seed, octets, rate):
        connection.sendall(block)
        digest.update(block)
    return digest.hexdigest()


def receive(stream, octets):
    digest = hashlib.sha256()
    while octets:
        block = stream.read(min(CHUNK, octets))
        if not block:
            raise ConnectionError(f"connection ended {octets} octets early")
        digest.update(block)
        octets -= len(block)
    return digest.hexdigest()


def answer(connection):
    connection.settimeout(60)
    with connection, connection.makefile("rb") as stream:
        while True:
            request = stream.readline(200)
            if not request:
                return
            verb, octets, seed, rate = request.split()
            if verb == b"up":
                digest = receive(stream, int(octets))
            else:
                digest = send(connection, int(seed), int(octets), int(rate))
            connection.sendall(digest.encode() + b"\n")


def guarded(connection):
    try:
        answer(connection)
    except OSError as error:
        print(f"transfer ended: {error}", file=sys.stderr)


def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family, backlog=64) as server:
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=guarded, args=(connection,), daemon=True).start()


def once(connection, stream, arguments, seed):
    connection.sendall(f"{arguments.verb} {arguments.octets} {seed} {arguments.rate}\n".encode())
    if arguments.verb == "up":
        ours = send(connection, seed, arguments.octets, arguments.rate)
    else:
        ours = receive(stream, arguments.octets)
    theirs = line(stream)[0].decode()
    if ours != theirs:
        print(f"checksums differ: {ours} here, {theirs} there")
        return False
    return True


def run(arguments):
    begin, total, seed = time.monotonic(), 0, int.from_bytes(os.urandom(4), "big")
    with socket.create_connection((arguments.address, arguments.port), timeout=20) as connection:
        connection.settimeout(arguments.patience)
        with connection.makefile("rb") as stream:
            while True:
                if not once(connection, stream, arguments, seed):
                    return 1
                total, seed = total + arguments.octets, seed + 1
                if not arguments.stop or os.path.exists(arguments.stop) or time.monotonic() - begin > 600:
                    break
    elapsed = time.monotonic() - begin
    print(f"{total} octets {arguments.verb} in {elapsed:.2f} s = {total * 8 / elapsed / 1e6:.0f} Mbit/s, checksums equal")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["serve", "up", "down"])
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("octets", type=int, nargs="?", default=0)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--stop")
    parser.add_argument("--patience", type=float, default=30)
    arguments = parser.parse_args()
    if arguments.verb == "serve":
        return serve(arguments.address, arguments.port)
    try:
        return run(arguments)
    except OSError as error:
        print(f"{arguments.verb}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
