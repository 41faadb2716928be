"""HTTP/1.1 as bytes, read strictly: what the test clients and the test origins share."""

import re
import socket
import struct

from support.waiting import PATIENCE

FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")


class Closed(Exception):
    """The peer closed (or reset) while more bytes were expected; holds those that came."""

    def __init__(self, rest=b""):
        super().__init__(f"closed after {rest[:200]!r}")
        self.rest = rest


class Malformed(Exception):
    """What came is not HTTP/1.1 as RFC 9112 writes it."""


class Fields(list):
    """Header fields in order, as (name, value) pairs of str."""

    def all(self, name):
        return [v for n, v in self if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    def names(self):
        return [n.lower() for n, _ in self]


def parse_fields(lines):
    fields = Fields()
    for line in lines:
        found = FIELD.fullmatch(line)
        if not found:
            raise Malformed(f"field line {line!r}")
        fields.append((found.group(1).decode(), found.group(2).decode("latin-1")))
    return fields


def parse_head(raw):
    """(start line, Fields) of a head with its empty line."""
    if not raw.endswith(b"\r\n\r\n"):
        raise Malformed(f"head {raw!r}")
    lines = raw[:-4].split(b"\r\n")
    if any(b"\n" in line or b"\r" in line for line in lines):
        raise Malformed(f"bare CR or LF in {raw!r}")
    return lines[0], parse_fields(lines[1:])


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Socket:
    """A socket with a read buffer; every wait is bounded."""

    def __init__(self, sock, patience=PATIENCE):
        self.sock = sock
        self.patience = patience
        self.sock.settimeout(patience)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        """Reads once into the buffer; False at the end."""
        try:
            data = self.sock.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            return False
        except socket.timeout:
            raise AssertionError(f"nothing came for {self.patience:g} s; before that: {self.buffer[-200:]!r}") from None
        self.buffer += data
        return bool(data)

    def take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise Closed(self.take(len(self.buffer)))
        return self.take(self.buffer.index(mark) + len(mark))

    def exactly(self, count):
        parts, got = [], 0
        while got < count:
            if not self.buffer and not self.more():
                raise Closed(b"".join(parts))
            part = self.take(count - got)
            parts.append(part)
            got += len(part)
        return b"".join(parts)

    def rest(self):
        """Everything up to the end of the connection."""
        while self.more():
            pass
        return self.take(len(self.buffer))

    def at_end(self):
        """Waits for the peer: True when it closes, False when it sends something instead."""
        return not self.buffer and not self.more()

    def head(self):
        return self.until(b"\r\n\r\n")

    def chunked(self, on_chunk=None):
        """(body, trailer Fields) of a chunked body."""
        parts = []
        while True:
            line = self.until(b"\r\n")
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}(?:;[^\r\n]*)?\r\n", line):
                raise Malformed(f"chunk size {line!r}")
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            data = self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Malformed("no CRLF after a chunk")
            parts.append(data)
            if on_chunk:
                on_chunk(data)
        lines = []
        while (line := self.until(b"\r\n")) != b"\r\n":
            lines.append(line[:-2])
        return b"".join(parts), parse_fields(lines)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST rather than FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    @property
    def closed(self):
        return self.sock.fileno() < 0

    def close(self):
        self.sock.close()
