#!/usr/bin/env python3
"""A RADIUS responder that misbehaves in one way.

faulty_radius.py ADDRESS PORT SECRET no-message-authenticator   Access-Accept, correctly authenticated, but no Message-Authenticator
faulty_radius.py ADDRESS PORT SECRET bad-authenticator          a Message-Authenticator, a wrong Response Authenticator
faulty_radius.py ADDRESS PORT SECRET bad-message-authenticator  a wrong Message-Authenticator under a right Response Authenticator
"""
import hashlib
import hmac
import os
import socket
import struct
import sys

ACCESS_ACCEPT = 2
EAP_MESSAGE = 79
MESSAGE_AUTHENTICATOR = 80


def reply(request, secret, mode):
    identifier, authenticator = request[1], request[4:20]
    eap_success = struct.pack("!BBH", 3, 1, 4)
    attributes = bytes([EAP_MESSAGE, 2 + len(eap_success)]) + eap_success
    if mode != "no-message-authenticator":
        attributes = bytes([MESSAGE_AUTHENTICATOR, 18]) + bytes(16) + attributes
    header = struct.pack("!BBH", ACCESS_ACCEPT, identifier, 20 + len(attributes))
    if mode != "no-message-authenticator":
        value = hmac.digest(secret, header + authenticator + attributes, "md5")
        if mode == "bad-message-authenticator":
            value = bytes(16)
        attributes = attributes[:2] + value + attributes[18:]
    response = hashlib.md5(header + authenticator + attributes + secret).digest()
    if mode == "bad-authenticator":
        response = os.urandom(16)
    return header + response + attributes


def main():
    address, port, secret, mode = sys.argv[1:5]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        print("ready", flush=True)
        while True:
            request, peer = server.recvfrom(4096)
            if len(request) < 20 or request[0] != 1:
                continue
            server.sendto(reply(request, secret.encode(), mode), peer)
            print("answered", flush=True)


if __name__ == "__main__":
    main()
