"""WebSocket peers: an origin that echoes, and its frames by hand (RFC 6455 section 5.2)."""

import asyncio
import threading

import websockets

from support.waiting import PATIENCE

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def message(text, opcode=TEXT):
    """One masked frame of a client."""
    size = len(text)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big") if size < 65536 else \
        b"\xff" + size.to_bytes(8, "big")
    mask = b"\x11\x22\x33\x44"
    return bytes([0x80 | opcode]) + length + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text))


def parse(data):
    """(opcode, payload, rest) of the first frame of a server; None when it is not whole."""
    if len(data) < 2:
        return None
    size, at = data[1], 2
    if size >= 126:
        at = 4 if size == 126 else 10
        size = int.from_bytes(data[2:at], "big")
    return (data[0] & 15, data[at:at + size], data[at + size:]) if len(data) >= at + size else None


class WebSocketOrigin:
    """The websockets package as an origin on a thread of its own; echoes in upper case."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def echo(socket):
            async for message in socket:
                await socket.send(message.upper())

        async def serve():
            self.server = await websockets.serve(echo, "127.0.0.1", 0, max_size=None)
            started.set()
            await self.server.wait_closed()

        self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(serve()), daemon=True)
        self.thread.start()
        assert started.wait(PATIENCE)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.thread.join(PATIENCE)
