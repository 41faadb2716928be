"""HTTP/2 frame by frame: a peer that says what the test wants, as a client or as a server."""

import socket

from support.waiting import PATIENCE

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM, END_HEADERS, ACK = 1, 4, 1
REFUSED = 7


def number(value, count=4):
    return value.to_bytes(count, "big")


def frame(kind, flags=0, stream=0, payload=b""):
    return number(len(payload), 3) + bytes([kind, flags]) + number(stream) + payload


def literal(name, value):
    """A field as HPACK has it without indexing or compression."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(method=b"GET", path=b"/", more=(), scheme=b"http", authority=b"a.test"):
    fields = [(b":method", method), (b":scheme", scheme), (b":authority", authority), (b":path", path), *more]
    return b"".join(literal(n, v) for n, v in fields)


def reply(status=b"200", more=()):
    return b"".join(literal(n, v) for n, v in [(b":status", status), *more])


def setting(identifier, value):
    return number(identifier, 2) + number(value)


def answer(stream, body=b"ok", status=b"200"):
    """A whole reply."""
    return frame(HEADERS, END_HEADERS, stream, reply(status)) + frame(DATA, END_STREAM, stream, body)


class Peer:
    """One end of a connection, frame by frame. Waits as long as its socket does."""

    def __init__(self, sock):
        self.sock = sock
        self.held = b""

    def close(self):
        self.sock.close()

    def send(self, *frames):
        try:
            self.sock.sendall(b"".join(frames))
        except OSError:
            pass  # what it answered is what matters

    def take(self, count):
        """So many bytes; None when they do not come before the end."""
        while len(self.held) < count:
            try:
                more = self.sock.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                return None
            self.held += more
        bytes_, self.held = self.held[:count], self.held[count:]
        return bytes_

    def frame(self):
        """The next frame: kind, flags, stream, payload; None at the end."""
        start = self.take(9)
        payload = None if start is None else self.take(int.from_bytes(start[:3], "big"))
        return None if payload is None else (start[3], start[4], int.from_bytes(start[5:9], "big"), payload)

    def next(self, kind, stream=None):
        """The next frame of that kind."""
        while True:
            got = self.frame()
            if got is None:
                raise AssertionError(f"closed before a frame {kind}")
            if got[0] == kind and (stream is None or got[2] == stream):
                return got

    def until(self, kind, stream=None):
        """Its payload."""
        return self.next(kind, stream)[3]

    def error(self, kind, stream=None):
        payload = self.until(kind, stream)
        return int.from_bytes(payload[4:8] if kind == GOAWAY else payload[:4], "big")


def connect(address, *settings):
    """A client at `address` whose opening is said."""
    peer = Peer(socket.create_connection(address, timeout=PATIENCE))
    peer.send(PREFACE, frame(SETTINGS, 0, 0, b"".join(settings)))
    return peer


def serve(connection, *settings):
    """The server's end of a scripted origin's `connection`, the openings exchanged."""
    peer = Peer(connection.sock)
    if peer.take(len(PREFACE)) != PREFACE:
        raise AssertionError("no client of HTTP/2")
    peer.send(frame(SETTINGS, 0, 0, b"".join(settings)))
    return peer
