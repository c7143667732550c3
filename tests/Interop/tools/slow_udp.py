#!/usr/bin/env python3
"""Passes UDP between clients and a server and holds back each answer: slow_udp.py LISTEN PORT SERVER PORT DELAYFILE

DELAYFILE holds the seconds, read anew for each answer.
"""
import heapq
import select
import socket
import sys
import time


def delay(path):
    try:
        with open(path, encoding="ascii") as file:
            return float(file.read() or 0)
    except (OSError, ValueError):
        return 0.0


def main():
    listen, port, server, server_port, path = sys.argv[1:]
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    front.bind((listen, int(port)))
    by_client, by_socket, waiting, serial = {}, {}, [], 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, answer, client = heapq.heappop(waiting)
            front.sendto(answer, client)
        timeout = waiting[0][0] - now if waiting else 1
        for ready in select.select([front, *by_socket], [], [], timeout)[0]:
            try:
                packet, source = ready.recvfrom(4096)
            except ConnectionError:
                continue  # the server is down
            if ready is front:
                if source not in by_client:
                    back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    back.bind((listen, 0))
                    back.connect((server, int(server_port)))
                    by_client[source] = back
                    by_socket[back] = source
                try:
                    by_client[source].send(packet)
                except ConnectionError:
                    pass
            else:
                serial += 1
                heapq.heappush(waiting, (time.monotonic() + delay(path), serial, packet, by_socket[ready]))


main()
