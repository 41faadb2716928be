"""WebSocket and other upgrades become tunnels; what is no upgrade does not."""

import asyncio
import threading
import unittest

import websockets

from support.flow import FlowTest
from support.waiting import PATIENCE, until
from support.websocket import WebSocketOrigin


class WebSocket(FlowTest):
    def start(self, **more):
        origin = WebSocketOrigin()
        self.addCleanup(origin.close)
        proxy = self.proxy_to(origin.url, **more)
        return proxy, proxy.url.replace("http://", "ws://") + "/chat"

    def test_messages_of_all_sizes_go_both_ways(self):
        _, url = self.start()

        async def talk():
            async with websockets.connect(url, max_size=None, open_timeout=PATIENCE) as socket:
                for size in (0, 1, 125, 126, 65535, 65536, 2_000_000):
                    await socket.send("a" * size)
                    self.assertEqual(await socket.recv(), "A" * size)
                await socket.ping()

        asyncio.run(asyncio.wait_for(talk(), PATIENCE * 2))

    def test_many_at_once(self):
        proxy, url = self.start()

        async def one(i):
            async with websockets.connect(url, open_timeout=PATIENCE) as socket:
                for _ in range(5):
                    await socket.send(f"hello {i}")
                    self.assertEqual(await socket.recv(), f"HELLO {i}")

        async def all_of_them():
            await asyncio.gather(*(one(i) for i in range(50)))

        asyncio.run(asyncio.wait_for(all_of_them(), PATIENCE * 2))
        until(lambda: proxy.status()["connections"] == 0, "the connections to be over")

    def test_the_clients_close_reaches_the_origin_and_comes_back(self):
        _, url = self.start()

        async def talk():
            socket = await websockets.connect(url, open_timeout=PATIENCE)
            await socket.close(4001, "enough")
            return socket.close_code

        self.assertEqual(asyncio.run(asyncio.wait_for(talk(), PATIENCE)), 4001)


class Upgrade(FlowTest):
    ASK = [("Connection", "Upgrade"), ("Upgrade", "lines")]

    def test_bytes_sent_along_with_the_request_are_not_lost(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.send(b"GET /upgrade HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\nearly\n")
        response = client.response_head()
        self.assertEqual((response.status, response["Upgrade"], response["Connection"].lower()), (101, "lines", "upgrade"))
        self.assertEqual(client.until(b"\n"), b"echo early\n")
        client.send(b"later\n")
        self.assertEqual(client.until(b"\n"), b"echo later\n")

    def test_a_refused_upgrade_leaves_an_ordinary_connection(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.ask(path="/upgrade/no", fields=self.ASK)
        self.assertEqual(client.response().body, b"no upgrade here")
        client.ask(path="/bytes/4")
        self.assertEqual(len(client.response().body), 4)

    def test_bytes_behind_a_refused_upgrade_are_a_request_or_nothing(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.send(b"GET /upgrade/no HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"
                    b"GET /bytes/2 HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.assertEqual(client.response().status, 403)
        self.assertEqual(len(client.response().body), 2)
        self.assertEqual([r.path for r in origin.requests], ["/upgrade/no", "/bytes/2"])

    def test_a_101_that_nobody_asked_for_is_a_bad_gateway(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
            connection.hold()

        client = self.client(self.proxy_to(self.script(script).url))
        client.ask()
        self.assertEqual(client.response_head().status, 502)

    def test_upgrade_without_connection_upgrade_is_dropped(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.ask(path="/x", fields=[("Upgrade", "h2c")])
        self.assertEqual(client.response().status, 200)
        self.assertIsNone(origin.requests[0]["Upgrade"])

    def test_each_side_may_end_the_tunnel(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbye")

        client = self.client(self.proxy_to(self.script(script).url))
        client.ask(fields=[("Connection", "Upgrade"), ("Upgrade", "x")])
        self.assertEqual(client.response_head().status, 101)
        self.assertEqual(client.rest(), b"bye")

        ended = threading.Event()

        def until_end(connection):
            connection.request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            self.assertEqual(connection.rest(), b"last words")
            ended.set()

        client = self.client(self.proxy_to(self.script(until_end).url))
        client.ask(fields=[("Connection", "Upgrade"), ("Upgrade", "x")])
        client.response_head()
        client.send(b"last words")
        client.close()
        self.assertTrue(ended.wait(PATIENCE))

    def test_a_silent_tunnel_ends_after_its_idle_time(self):
        client = self.client(self.proxy_to(self.origin().url, route='timeout = { idle = "300ms" }'))
        client.ask(path="/upgrade", fields=self.ASK)
        client.response_head()
        self.assertTrue(client.at_end())


class ServerSentEvents(FlowTest):
    def test_each_event_arrives_before_the_next_is_sent(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.ask(path="/sse")
        response = client.response_head()
        self.assertEqual(response["Content-Type"], "text/event-stream")
        for i in range(20):
            origin.events.put(b"data: %d\n\n" % i)
            self.assertIn(b"data: %d\n\n" % i, client.until(b"\n\n\r\n"))
        origin.events.put(None)
        self.assertEqual(client.until(b"0\r\n\r\n"), b"0\r\n\r\n")

    def test_a_client_that_leaves_lets_the_origin_know(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        client = self.client(proxy)
        client.ask(path="/sse")
        client.response_head()
        client.close()
        # A client may shut its sending side and go on reading, so only an event that it does not take tells.

        def given_up():
            origin.events.put(b"data: x\n\n")
            return proxy.servers("app")[origin.url]["active"] == 0

        until(given_up, "the stream to be given up")
        origin.events.put(None)


class Refused(FlowTest):
    def test_connect_and_trace_are_not_for_a_reverse_proxy(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        for line in (b"CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443", b"TRACE / HTTP/1.1\r\nHost: a.test"):
            client = self.client(proxy)
            client.send(line + b"\r\n\r\n")
            self.assertIn(client.response_head().status, (400, 405, 501))
        self.assertEqual(origin.requests, [])


if __name__ == "__main__":
    unittest.main()
