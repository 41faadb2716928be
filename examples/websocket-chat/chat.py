"""A chat room: whatever one says, everybody hears. python3 chat.py [PORT]"""

import asyncio
import sys

import websockets

people = set()


async def join(socket):
    people.add(socket)
    try:
        async for words in socket:
            websockets.broadcast(people, words)
    finally:
        people.remove(socket)


async def main(port):
    async with websockets.serve(join, "127.0.0.1", port) as server:
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Future()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9000))
