#!/usr/bin/env python3
"""Who is seen: a TCP server that tells each client the address it comes from.

  peer_address.py serve PORT        prints "ready"
  peer_address.py ask ADDRESS PORT  prints what the server says; fails after two seconds
"""
import socket
import sys

if sys.argv[1] == "serve":
    server = socket.create_server(("0.0.0.0", int(sys.argv[2])), backlog=16)
    print("ready", flush=True)
    while True:
        connection, peer = server.accept()
        with connection:
            connection.sendall(peer[0].encode())
else:
    with socket.create_connection((sys.argv[2], int(sys.argv[3])), 2) as connection:
        connection.settimeout(2)
        print(connection.recv(64).decode())
