"""WebSocket and other tunnels over HTTP/2 (RFC 8441): clients of it to servers of HTTP/1 and HTTP/2, and back."""

import asyncio
import socket
import threading
import unittest

import websockets

from support import h2
from support.certs import Authority
from support.flow import FlowTest
from support.h2 import DATA, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, number
from support.origin import pattern
from support.peers import NodeH2
from support.waiting import PATIENCE, SANITIZED
from support.websocket import CLOSE, WebSocketOrigin, message, parse

CLEAR = 'protocols = ["http/1.1", "h2c"]\n'
CONNECT_PROTOCOL = 8

# A server that takes tunnels: lines come back as they are, WebSocket's short messages in capitals.
ECHO = """(s, h) => {
  if (h[':method'] != 'CONNECT') { s.respond({':status': 200}); s.end(h[':method'] + ' by HTTP/2'); return; }
  if (h[':path'] == '/no') { s.respond({':status': 403}); s.end('no tunnel here'); return; }
  s.respond({':status': 200, 'x-protocol': h[':protocol'], 'x-key': String(h['sec-websocket-key'])});
  if (h[':protocol'] != 'websocket') return s.pipe(s);
  s.on('data', d => { const n = d[1] & 127, mask = d.subarray(2, 6), text = Buffer.from(d.subarray(6, 6 + n));
    for (let i = 0; i < n; i++) text[i] ^= mask[i % 4];
    const out = (d[0] & 15) == 1 ? Buffer.from(text.toString().toUpperCase()) : text;
    s.write(Buffer.concat([Buffer.from([d[0], n]), out])); if ((d[0] & 15) == 8) s.end(); });
}"""
TAKES = "settings: {enableConnectProtocol: true}"


class Tunnel:
    """A stream of a client of HTTP/2 by which a tunnel was asked for."""

    def __init__(self, client, stream=1, protocol=b"websocket", path=b"/chat", more=()):
        self.client, self.stream, self.held, self.ended = client, stream, b"", False
        self.room = {0: 65535, stream: 65535}
        fields = [(b":method", b"CONNECT"), (b":protocol", protocol), (b":scheme", b"http"), (b":authority", b"a.test"),
                  (b":path", path), (b"sec-websocket-version", b"13"), *more]
        client.send(frame(HEADERS, h2.END_HEADERS, stream, b"".join(h2.literal(n, v) for n, v in fields)))

    def opened(self):
        """The head of the reply."""
        while True:
            kind, _, stream, data = self.pull()
            if kind == HEADERS and stream == self.stream:
                return data

    def say(self, data, end=False):
        """Sends as much at a time as the proxy has room for."""
        while True:
            piece = data[:min(16384, *self.room.values())]
            data = data[len(piece):]
            if piece or end and not data:
                self.client.send(frame(DATA, END_STREAM if end and not data else 0, self.stream, piece))
                self.room = {stream: room - len(piece) for stream, room in self.room.items()}
            if not data:
                return
            if not piece:
                self.pull()

    def pull(self):
        """Takes the next frame; what came is held, and room made for as much more."""
        got = self.client.frame()
        if got is None:
            raise AssertionError("closed")
        kind, flags, stream, data = got
        if kind == WINDOW_UPDATE and stream in self.room:
            self.room[stream] += int.from_bytes(data, "big")
        if kind != DATA or stream != self.stream:
            return got
        self.ended = bool(flags & END_STREAM)
        self.held += data
        if data:
            more = number(len(data))
            self.client.send(frame(WINDOW_UPDATE, 0, 0, more), frame(WINDOW_UPDATE, 0, stream, more))
        return got

    def read(self, count):
        """So many bytes; fewer at the end."""
        while len(self.held) < count and not self.ended:
            self.pull()
        data, self.held = self.held[:count], self.held[count:]
        return data

    def hear(self):
        """The next WebSocket message: opcode and payload."""
        while (found := parse(self.held)) is None:
            self.pull()
        opcode, payload, self.held = found
        return opcode, payload


class H2TunnelTest(FlowTest):
    def client(self, proxy):
        client = h2.connect(proxy.address())
        self.addCleanup(client.close)
        return client

    def websocket_origin(self):
        origin = WebSocketOrigin()
        self.addCleanup(origin.close)
        return origin

    def node(self, handler=ECHO, options=TAKES, **more):
        node = NodeH2(handler, options=options, **more)
        self.addCleanup(node.close)
        return node


class FromH2(H2TunnelTest):
    def test_the_settings_offer_it(self):
        client = self.client(self.proxy_to(self.origin().url, listen=CLEAR))
        settings = client.until(SETTINGS)
        self.assertIn(h2.setting(CONNECT_PROTOCOL, 1), [settings[n:n + 6] for n in range(0, len(settings), 6)])

    def test_messages_of_all_sizes_go_both_ways_beside_requests(self):
        proxy = self.proxy_to(self.websocket_origin().url, listen=CLEAR, top='[log]\naccess = "access.log"')
        client = self.client(proxy)
        tunnel = Tunnel(client)
        self.assertIn(b"\x88", tunnel.opened()[:1])  # :status 200, indexed
        for size in (0, 1, 125, 126, 65535, 65536, 300_000):
            text = b"a" * size
            tunnel.say(message(text))
            self.assertEqual(tunnel.hear(), (1, text.upper()), size)
        tunnel.say(message(b"\x0f\xa1enough", CLOSE))
        self.assertEqual(tunnel.hear(), (CLOSE, b"\x0f\xa1enough"))
        self.assertEqual(tunnel.read(1), b"")
        tunnel.say(b"", end=True)
        line, = proxy.access_log(1)
        self.assertEqual((line["status"], line["protocol"], line["reason"]), (200, "HTTP/2.0", ""))

    def test_several_tunnels_share_a_connection(self):
        client = self.client(self.proxy_to(self.websocket_origin().url, listen=CLEAR))
        for stream in (1, 3, 5):
            tunnel = Tunnel(client, stream)
            tunnel.opened()
            tunnel.say(message(b"hello %d" % stream))
            self.assertEqual(tunnel.hear(), (1, b"HELLO %d" % stream))

    def test_what_no_server_agrees_to_is_refused(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, listen=CLEAR, top='[[route]]\nname = "own"\npath = "/own"\nrespond = { body = "x" }\n')
        client = self.client(proxy)
        for stream, path, protocol, told in ((1, b"/upgrade/no", b"lines", b"no upgrade here"), (3, b"/bytes/3", b"lines", b"502"),
                                             (5, b"/own", b"lines", b"405"), (7, b"/upgrade", b"h2c", b"400"),
                                             (9, b"/upgrade", b"websocket", b"502")):
            tunnel = Tunnel(client, stream, protocol, path)
            tunnel.opened()
            self.assertIn(told, client.until(DATA, stream), path)
        self.assertEqual(origin.requests[0]["Upgrade"], "lines")

    def test_each_side_may_end_it(self):
        ended = threading.Event()

        def leaves(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbye")

        def listens(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            self.assertEqual(connection.rest(), b"last words")
            ended.set()

        def resets(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            connection.sock.recv(1)  # else the reset may overtake the head
            connection.reset()

        tunnel = Tunnel(self.client(self.proxy_to(self.script(leaves).url, listen=CLEAR)), protocol=b"x")
        tunnel.opened()
        self.assertEqual(tunnel.read(10), b"bye")
        tunnel = Tunnel(self.client(self.proxy_to(self.script(listens).url, listen=CLEAR)), protocol=b"x")
        tunnel.opened()
        tunnel.say(b"last words", end=True)
        self.assertTrue(ended.wait(PATIENCE))
        client = self.client(self.proxy_to(self.script(resets).url, listen=CLEAR))
        tunnel = Tunnel(client, protocol=b"x")
        tunnel.opened()
        tunnel.say(b"x")
        self.assertEqual(client.error(RST_STREAM, 1), 8)

    def test_a_client_that_resets_its_stream_ends_the_servers_connection(self):
        gone = threading.Event()

        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            try:
                while connection.sock.recv(1):
                    pass
            except ConnectionError:
                pass
            gone.set()

        client = self.client(self.proxy_to(self.script(script).url, listen=CLEAR))
        Tunnel(client, protocol=b"x").opened()
        client.send(frame(RST_STREAM, 0, 1, number(8)))
        self.assertTrue(gone.wait(PATIENCE))

    def test_silence_ends_it_and_talk_of_one_side_keeps_it(self):
        proxy = self.proxy_to(self.websocket_origin().url, listen=CLEAR, route='timeout = { idle = "500ms" }',
                              top='[log]\naccess = "access.log"')
        client = self.client(proxy)
        tunnel = Tunnel(client)
        tunnel.opened()
        tunnel.say(message(b"x"))
        self.assertEqual(tunnel.hear(), (1, b"X"))
        self.assertEqual(client.error(RST_STREAM, 1), 8)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "idle_timeout")

    def test_a_side_that_does_not_read_holds_the_other_up(self):
        def floods(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            connection.send(pattern(3_000_000))
            connection.close()

        proxy = self.proxy_to(self.script(floods).url, listen=CLEAR)
        before = proxy.memory()[0]
        tunnel = Tunnel(self.client(proxy), protocol=b"x")
        tunnel.opened()
        # The window is 65,535 bytes: until it is opened no more comes, and little is held for it.
        got = b""
        while len(got) < 65535:
            got += tunnel.client.until(DATA, 1)
        self.assertEqual(len(got), 65535)
        if not SANITIZED:  # a sanitizer keeps freed memory for a while
            self.assertLess(proxy.memory()[0] - before, 4 << 20)
        tunnel.client.send(frame(WINDOW_UPDATE, 0, 0, number(4_000_000)), frame(WINDOW_UPDATE, 0, 1, number(4_000_000)))
        self.assertEqual(got + tunnel.read(3_000_000 - 65535), pattern(3_000_000))

    def test_a_stop_tells_of_the_end_and_lets_the_tunnel_go_on_for_its_grace(self):
        proxy = self.proxy_to(self.websocket_origin().url, listen=CLEAR, serve='workers = 1\ngrace = "20s"')
        client = self.client(proxy)
        tunnel = Tunnel(client)
        tunnel.opened()
        stopping = threading.Thread(target=proxy.stop)
        stopping.start()
        self.assertEqual(int.from_bytes(client.until(GOAWAY)[:4], "big"), 0x7fffffff)
        tunnel.say(message(b"still here"))
        self.assertEqual(tunnel.hear(), (1, b"STILL HERE"))
        tunnel.say(message(b"\x03\xe8", CLOSE))
        self.assertEqual(tunnel.hear()[0], CLOSE)
        tunnel.say(b"", end=True)
        stopping.join()


class ToH2(H2TunnelTest):
    def to(self, *urls, protocol="h2c", upstream="", **more):
        return self.proxy_to(*urls, upstream=f'protocol = "{protocol}"\n{upstream}', listen=CLEAR, **more)

    def test_a_websocket_client_of_http1(self):
        proxy = self.to(self.node().url)

        async def talk():
            async with websockets.connect(proxy.url.replace("http:", "ws:") + "/chat", open_timeout=PATIENCE) as client:
                await client.send("hello")
                self.assertEqual(await client.recv(), "HELLO")
                self.assertEqual((client.response_headers["x-protocol"], client.response_headers["x-key"]), ("websocket", "undefined"))

        asyncio.run(asyncio.wait_for(talk(), PATIENCE * 2))
        self.assertEqual(self.fetch(proxy).body, b"GET by HTTP/2")

    def test_a_large_tunnel_of_http1_and_its_ends(self):
        proxy = self.to(self.node().url)
        client = FlowTest.client(self, proxy)
        client.ask(fields=[("Connection", "Upgrade"), ("Upgrade", "lines")])
        response = client.response_head()
        self.assertEqual((response.status, response["Upgrade"], response["x-protocol"]), (101, "lines", "lines"))
        data = pattern(1_000_000)
        sender = threading.Thread(target=lambda: (client.sock.sendall(data), client.sock.shutdown(socket.SHUT_WR)))
        sender.start()
        self.assertEqual(client.rest(), data)
        sender.join()

    def test_both_sides_speak_http2(self):
        client = self.client(self.to(self.node().url))
        tunnel = Tunnel(client)
        tunnel.opened()
        tunnel.say(message(b"hello"))
        self.assertEqual(tunnel.hear(), (1, b"HELLO"))
        tunnel.say(message(b"\x03\xe8", CLOSE))
        self.assertEqual(tunnel.hear()[0], CLOSE)
        self.assertEqual(tunnel.read(1), b"")

    def test_a_servers_no_is_passed_on(self):
        proxy = self.to(self.node().url)
        client = FlowTest.client(self, proxy)
        client.ask(path="/no", fields=[("Connection", "Upgrade"), ("Upgrade", "lines")])
        response = client.response()
        self.assertEqual((response.status, response.body), (403, b"no tunnel here"))

    def test_a_server_that_does_not_take_it(self):
        proxy = self.to(self.node(options="").url, top='[log]\naccess = "access.log"')
        client = FlowTest.client(self, proxy)
        client.ask(fields=[("Connection", "Upgrade"), ("Upgrade", "lines")])
        self.assertEqual(client.response().status, 502)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "upgrade_failed")
        self.assertEqual(self.fetch(proxy).body, b"GET by HTTP/2")

    def test_where_the_protocol_is_auto_the_upgrade_goes_over_http1(self):
        ca = Authority(self.folder())
        ca.issue("server", "DNS:localhost,IP:127.0.0.1")
        both = NodeH2("(s, h) => { s.respond({':status': 200}); s.end('h2'); }",
                      tls=(ca.path("server.pem"), ca.path("server.key")), more="""
server.on('upgrade', (request, socket) => { socket.write('HTTP/1.1 101 X\\r\\nConnection: Upgrade\\r\\nUpgrade: lines\\r\\n\\r\\n');
  socket.pipe(socket); });""")
        self.addCleanup(both.close)
        proxy = self.to(both.url, protocol="auto", upstream=f'tls = {{ ca = "{ca.pem}" }}\n')
        self.assertEqual(self.fetch(proxy).body, b"h2")
        client = FlowTest.client(self, proxy)
        client.ask(fields=[("Connection", "Upgrade"), ("Upgrade", "lines")])
        self.assertEqual(client.response_head().status, 101)
        client.send(b"over HTTP/1\n")
        self.assertEqual(client.until(b"\n"), b"over HTTP/1\n")


if __name__ == "__main__":
    unittest.main()
