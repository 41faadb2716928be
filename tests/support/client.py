"""A client that writes exactly the bytes a test says and reads what comes back strictly."""

import re
import socket
from urllib.parse import urlsplit

from support import wire

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9]\d\d) ([^\r\n]*)")


class Response:
    def __init__(self, status, reason, fields, raw_head):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.raw_head = raw_head
        self.body = b""
        self.trailers = wire.Fields()

    def __getitem__(self, name):
        return self.fields.get(name)

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class Client(wire.Socket):
    """One connection to `target`: an URL, (host, port), or a path for a Unix socket."""

    def __init__(self, target, receive_buffer=None, source=None):
        address = target
        if isinstance(target, str) and target.startswith("http://"):
            parts = urlsplit(target)
            address = (parts.hostname, parts.port)
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            sock.bind((source, 0))
        sock.settimeout(10)
        sock.connect(address)
        super().__init__(sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, method="GET", path="/", fields=(), body=None, host="origin.test"):
        """Writes a request; a `body` of bytes gets a Content-Length."""
        lines = [f"{method} {path} HTTP/1.1"]
        names = [n.lower() for n, _ in fields]
        if host is not None and "host" not in names:
            lines.append(f"Host: {host}")
        lines += [f"{n}: {v}" for n, v in fields]
        if body is not None and "content-length" not in names:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def response_head(self):
        raw = self.head()
        start, fields = wire.parse_head(raw)
        found = STATUS_LINE.fullmatch(start)
        if not found:
            raise wire.Malformed(f"status line {start!r}")
        return Response(int(found.group(1)), found.group(2).decode("latin-1"), fields, raw)

    def response(self, method="GET", interim=None):
        """One whole response; interim ones are skipped, or kept in the list `interim`."""
        response = self.response_head()
        while 100 <= response.status < 200 and response.status != 101:
            if interim is not None:
                interim.append(response)
            response = self.response_head()
        self.read_body(response, method)
        return response

    def read_body(self, response, method="GET"):
        if method == "HEAD" or response.status in (101, 204, 304):
            return
        length, coding = response["Content-Length"], response["Transfer-Encoding"]
        if coding is not None:
            if length is not None:
                raise wire.Malformed("both Content-Length and Transfer-Encoding")
            if coding != "chunked":
                raise wire.Malformed(f"Transfer-Encoding: {coding}")
            response.body, response.trailers = self.chunked()
        elif length is not None:
            response.body = self.exactly(int(length))
        else:
            response.body = self.rest()


def fetch(target, path="/", method="GET", fields=(), body=None, host="origin.test"):
    """One request on a connection of its own."""
    with Client(target) as client:
        client.ask(method, path, [*fields, ("Connection", "close")], body, host)
        return client.response(method)
