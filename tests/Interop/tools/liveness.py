#!/usr/bin/env python3
"""Times the answers to a client's liveness checks: liveness.py DEVICE GATEWAY SECONDS

Watches the client's own packets on a raw socket: an IKE request (INFORMATIONAL, RFC 7296 1.4) from the client and the response with the
same SPIs and message id. Prints "within N ms: slowest of M" when every answer came within 100 ms, "late ..." otherwise.
"""
import socket
import struct
import sys
import time

INFORMATIONAL = 37
RESPONSE = 0x20


def ike(frame):
    """(from address, SPIs and message id, is a response) of an INFORMATIONAL message over UDP/IPv4, else None."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    header = 14 + (frame[14] & 15) * 4
    source, destination = struct.unpack_from("!HH", frame, header)
    message = frame[header + 8:]
    if 4500 in (source, destination):
        if message[:4] != bytes(4):
            return None
        message = message[4:]
    elif 500 not in (source, destination):
        return None
    if len(message) < 28 or message[18] != INFORMATIONAL:
        return None
    return socket.inet_ntoa(frame[26:30]), message[:16] + message[20:24], bool(message[19] & RESPONSE)


def main():
    device, gateway, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    asked, times = {}, []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
        wire.bind((device, 0))
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                seen = ike(wire.recv(65535))
            except TimeoutError:
                break
            if seen is None:
                continue
            source, key, response = seen
            now = time.monotonic()
            if source != gateway and not response:
                asked.setdefault(key, now)
            elif source == gateway and response and key in asked:
                times.append((now - asked.pop(key)) * 1000)
    overdue = [k for k, t in asked.items() if time.monotonic() - t > 0.1]
    good = times and max(times) <= 100 and not overdue
    print(f"{'within' if good else 'late or unanswered:'} {max(times, default=0):.1f} ms at the slowest of {len(times)}, {len(overdue)} unanswered")


if __name__ == "__main__":
    main()
