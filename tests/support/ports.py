"""Ports for programs that have to be told theirs before they bind it."""

import socket

HELD = []


def free_port():
    """A TCP port of 127.0.0.1 on which nobody listens, and which is given to nobody else as long as this process lives: it stays
    bound, which keeps nobody from it who asks for just that one with SO_REUSEADDR, as servers do."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    HELD.append(sock)
    return sock.getsockname()[1]
