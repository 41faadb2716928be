"""Origins: servers whose behaviour the test decides, on a port of the kernel's choice.

ScriptedOrigin runs one Python function a connection and so can misbehave in any way. Origin speaks
HTTP/1.1 well and answers by path (see Origin.ANSWERS). Both keep what they were asked.
"""

import json
import queue
import re
import socket
import threading

from support import wire
from support.waiting import PATIENCE, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def pattern(count):
    """`count` bytes that differ from place to place, so that a shifted or doubled piece shows."""
    unit = b"".join(b"%07d\n" % i for i in range(8192))
    return (unit * (count // len(unit) + 1))[:count]


class Request:
    def __init__(self, raw, connection):
        self.raw_head = raw
        start, self.fields = wire.parse_head(raw)
        found = re.fullmatch(rb"([!-~]+) ([!-~]+) HTTP/1\.([01])", start)
        if not found:
            raise wire.Malformed(f"request line {start!r}")
        self.method, self.target = found.group(1).decode(), found.group(2).decode()
        self.version = int(found.group(3))
        self.path = self.target.split("?")[0]
        self.connection = connection
        self.body = b""
        self.trailers = wire.Fields()

    def __getitem__(self, name):
        return self.fields.get(name)

    def has_body(self):
        return self["Transfer-Encoding"] is not None or self["Content-Length"] not in (None, "0")


class Connection(wire.Socket):
    """One accepted connection as a script sees it."""

    def __init__(self, sock, number, origin):
        super().__init__(sock, PATIENCE * 10)  # a kept connection may be idle for the whole of a test
        self.number = number
        self.origin = origin

    def request_head(self):
        request = Request(self.head(), self.number)
        self.origin.note(request)
        return request

    def read_body(self, request, on_piece=None):
        length, coding = request["Content-Length"], request["Transfer-Encoding"]
        if coding is not None:
            if length is not None or coding != "chunked":
                raise wire.Malformed(f"framing {request.raw_head!r}")
            request.body, request.trailers = self.chunked(on_piece)
        elif length is not None:
            request.body = self.exactly(int(length))
            if on_piece:
                on_piece(request.body)

    def hold(self):
        """Waits until the test ends."""
        self.origin.hold()

    def request(self):
        """One whole request."""
        request = self.request_head()
        self.read_body(request)
        return request


class ScriptedOrigin:
    """Runs scripts[i](connection) for the i-th connection, the last one for all later ones.

    A script ends by returning (the connection is then closed) or by closing or resetting it itself. An exception
    other than wire.Closed is kept in `errors` and raised again by close().
    """

    def __init__(self, *scripts, unix=None, ipv6=False, address=None, backlog=512):
        self.scripts = scripts
        self.requests = []
        self.connections = []
        self.errors = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
            self.url = f"unix:{unix}"
        else:
            self.listener = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(address or ("::1" if ipv6 else "127.0.0.1", 0))
            self.host, self.port = self.listener.getsockname()[:2]
            self.url = f"http://[{self.host}]:{self.port}" if ipv6 else f"http://{self.host}:{self.port}"
        self.listener.listen(backlog)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                number = len(self.connections)
                connection = Connection(sock, number, self)
                self.connections.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            self.serve(connection)
        except (wire.Closed, OSError):
            pass
        except Exception as error:  # pylint: disable=broad-except  # shown by close()
            if not self.released.is_set():
                self.errors.append(error)
        finally:
            connection.close()

    def serve(self, connection):
        self.scripts[min(connection.number, len(self.scripts) - 1)](connection)

    def note(self, request):
        with self.lock:
            self.requests.append(request)

    def hold(self):
        """For scripts: waits until the test ends (or calls release)."""
        self.released.wait(PATIENCE * 3)

    def release(self):
        self.released.set()

    def await_requests(self, count):
        until(lambda: len(self.requests) >= count, f"{count} requests at the origin; it has {len(self.requests)}")
        return self.requests[:count]

    def kill(self):
        """Closes the listener and every connection; what the proxy sees of a server that died."""
        self.released.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in list(self.connections):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.kill()
        if self.errors:
            raise self.errors[0]


class Origin(ScriptedOrigin):
    """Answers by the first segment of the path; `name` is in every answer's X-Origin."""

    def __init__(self, name="origin", **place):
        self.name = name
        self.events = queue.Queue()  # what /sse sends, one bytes an event; None ends the stream
        self.gate = threading.Event()  # what /gated waits for
        super().__init__(**place)

    def serve(self, connection):
        while True:
            request = connection.request_head()
            if request["Expect"] == "100-continue":
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            name = request.path.lstrip("/").split("/")[0]
            answer = getattr(self, "answer_" + name.replace("-", "_"), self.answer_default)
            if name not in ("early", "swallow"):
                connection.read_body(request)
            answer(connection, request)
            if request["Connection"] == "close":
                return

    def reply(self, connection, body=b"", status="200 OK", fields=(), request=None):
        head = [f"HTTP/1.1 {status}", f"X-Origin: {self.name}", *(f"{n}: {v}" for n, v in fields)]
        if not status.startswith(("204", "304", "1")):
            head.append(f"Content-Length: {len(body)}")
        without = status.startswith(("204", "304")) or (request and request.method == "HEAD")
        connection.send("\r\n".join([*head, "", ""]).encode("latin-1") + (b"" if without else body))

    def reply_chunked(self, connection, request, pieces, fields=(), trailers=()):
        head = ["HTTP/1.1 200 OK", f"X-Origin: {self.name}", "Transfer-Encoding: chunked",
                *(f"{n}: {v}" for n, v in fields)]
        connection.send("\r\n".join([*head, "", ""]).encode())
        if request.method == "HEAD":
            return
        for piece in pieces:
            connection.send(wire.chunk(piece))
        connection.send(b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n")

    def answer_default(self, connection, request):
        """/anything: what was asked, as JSON."""
        seen = {"method": request.method, "target": request.target, "fields": list(request.fields),
                "body": request.body.decode("latin-1"), "trailers": list(request.trailers), "origin": self.name,
                "connection": connection.number}
        self.reply(connection, json.dumps(seen).encode(), fields=[("Content-Type", "application/json")], request=request)

    def answer_bytes(self, connection, request):
        """/bytes/N: N bytes with a Content-Length."""
        self.reply(connection, pattern(int(request.path.split("/")[2])), request=request)

    def answer_chunked(self, connection, request):
        """/chunked/N: N bytes in chunks of 10,000."""
        data = pattern(int(request.path.split("/")[2]))
        self.reply_chunked(connection, request, [data[i:i + 10000] for i in range(0, len(data), 10000)])

    def answer_until_close(self, connection, request):
        """/until-close/N: N bytes ended by the end of the connection."""
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + pattern(int(request.path.split("/")[2])))
        raise wire.Closed()

    def answer_echo(self, connection, request):
        """/echo: the body as it came."""
        self.reply(connection, request.body, fields=[("Content-Type", request["Content-Type"] or "text/plain")],
                   request=request)

    def answer_status(self, connection, request):
        """/status/N: an empty answer of that status."""
        self.reply(connection, status=f"{request.path.split('/')[2]} As Asked", request=request)

    def answer_trailers(self, connection, request):
        self.reply_chunked(connection, request, [b"body"], fields=[("Trailer", "X-Sum")], trailers=[("X-Sum", "4")])

    def answer_sse(self, connection, _request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (event := self.events.get(timeout=PATIENCE)) is not None:
            connection.send(wire.chunk(event))
        connection.send(b"0\r\n\r\n")

    def answer_gated(self, connection, request):
        """/gated: answers once the test has set `gate`."""
        if not self.gate.wait(PATIENCE * 3):
            raise wire.Closed()
        self.reply(connection, b"through the gate", request=request)

    def answer_hints(self, connection, request):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        self.reply(connection, b"hinted", request=request)

    def answer_early(self, connection, request):
        """/early: refuses an upload without reading it."""
        self.reply(connection, b"too much", status="413 Content Too Large", fields=[("Connection", "close")], request=request)
        connection.half_close()
        connection.rest()
        raise wire.Closed()

    def answer_upgrade(self, connection, request):
        """/upgrade: switches to a protocol that echoes lines; /upgrade/no refuses."""
        if request.path.endswith("/no") or request["Upgrade"] is None:
            self.reply(connection, b"no upgrade here", status="403 Forbidden", request=request)
            return
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                        + request["Upgrade"].encode() + b"\r\n\r\n")
        while True:
            connection.send(b"echo " + connection.until(b"\n"))


def dead_address():
    """("127.0.0.1", port) where nobody listens: bound, so that nobody else gets it, but never listening."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, f"http://127.0.0.1:{sock.getsockname()[1]}"
