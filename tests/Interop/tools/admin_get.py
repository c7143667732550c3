"""admin_get.py SOCKET PATH: what the admin API answers; a fraction of the command line's work where processors are emulated."""
import socket
import sys

one = socket.socket(socket.AF_UNIX)
one.connect(sys.argv[1])
one.sendall(f"GET {sys.argv[2]} HTTP/1.0\r\nHost: headend\r\n\r\n".encode())
answer = b"".join(iter(lambda: one.recv(65536), b""))
head, _, body = answer.partition(b"\r\n\r\n")
if b" 200 " not in head.partition(b"\r\n")[0]:
    sys.exit(1)
sys.stdout.buffer.write(body)
