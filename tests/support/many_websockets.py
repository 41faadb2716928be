"""Many WebSockets at once, held by one thread: clients of a proxy, and the servers behind it. Frames of the clients are masked
with zeros, so that what a server sends back is what it got, but for its head (RFC 6455 section 5.2)."""

import asyncio
import base64
import hashlib
import threading

from support.waiting import PATIENCE

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(b"sixteen bytes...")
ACCEPT = base64.b64encode(hashlib.sha1(KEY + GUID).digest())


class Echo(asyncio.Protocol):
    """A server's side of one connection."""

    def __init__(self, place):
        self.place, self.held, self.open = place, b"", False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.held += data
        if not self.open:
            if b"\r\n\r\n" not in self.held:
                return
            self.held = self.held.split(b"\r\n\r\n", 1)[1]
            self.open = True
            self.place.count += 1
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n")
        while len(self.held) >= 2 and len(self.held) >= (size := 6 + (self.held[1] & 127)):
            self.transport.write(bytes([self.held[0], size - 6]) + self.held[6:size])
            self.held = self.held[size:]

    def connection_lost(self, _why):
        self.place.count -= self.open


class Place:
    """A server; `count` are the WebSockets that it has."""

    count = 0
    url = ""


class Client(asyncio.Protocol):
    """A client's side of one connection."""

    def __init__(self, crowd):
        self.crowd, self.held, self.open, self.lost = crowd, b"", False, False
        self.answer = crowd.loop.create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n")

    def data_received(self, data):
        self.held += data
        if not self.open and b"\r\n\r\n" in self.held:
            head, self.held = self.held.split(b"\r\n\r\n", 1)
            self.open = head.startswith(b"HTTP/1.1 101 ")
            self.tell(head)
        if self.open and len(self.held) >= 2 and len(self.held) >= (size := 2 + self.held[1]):
            text, self.held = self.held[2:size], self.held[size:]
            self.tell(text)

    def connection_lost(self, _why):
        self.lost = True
        self.tell(b"")

    def tell(self, what):
        if not self.answer.done():
            self.answer.set_result(what)

    async def says(self, text):
        """Whether what it says comes back."""
        if self.lost or not self.open:
            return False
        self.answer = self.crowd.loop.create_future()
        self.transport.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        return await asyncio.wait_for(self.answer, PATIENCE * 2) == text


class Crowd:
    """`servers` places to connect to, and clients of whatever is in front of them. Everything is closed with it."""

    AT_ONCE = 100  # connections that are being made

    def __init__(self, servers):
        self.loop = asyncio.new_event_loop()
        self.clients = []
        self.places = [Place() for _ in range(servers)]
        self.listeners = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.do(self.listen())

    def do(self, task):
        return asyncio.run_coroutine_threadsafe(task, self.loop).result(PATIENCE * 5)

    async def listen(self):
        for place in self.places:
            server = await self.loop.create_server(lambda place=place: Echo(place), "127.0.0.1", 0, backlog=1024)
            place.url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            self.listeners.append(server)

    def connect(self, count, host, port):
        """Opens `count` more WebSockets at the proxy."""

        async def some(number):
            for _ in range(number):
                _, client = await self.loop.create_connection(lambda: Client(self), host, port)
                self.clients.append(client)
                await asyncio.wait_for(client.answer, PATIENCE)

        async def every():
            await asyncio.gather(*(some(count // self.AT_ONCE + (n < count % self.AT_ONCE)) for n in range(self.AT_ONCE)))

        self.do(every())

    def lost(self, text=b"hello"):
        """How many do not get back what they say, all of them saying it at once."""

        async def every():
            return await asyncio.gather(*(client.says(text) for client in self.clients), return_exceptions=True)

        return sum(answer is not True for answer in self.do(every()))

    def close_clients(self):
        async def every():
            for client in self.clients:
                client.transport.abort()

        self.do(every())

    def close(self):
        self.close_clients()

        async def every():
            for listener in self.listeners:
                listener.close()
            await asyncio.sleep(0)

        self.do(every())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()
