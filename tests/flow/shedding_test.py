"""Who is closed when there is too much, and who is kept."""

import resource
import time
import unittest

from support import h2
from support.certs import Authority, openssl
from support.flow import FlowTest
from support.waiting import until
from support.wire import Closed


class Room(FlowTest):
    def start(self, serve="", limits="", **more):
        self.at = self.origin()
        return self.proxy_to(self.at.url, serve=f"workers = 1\n{serve}", top=f"[limits]\n{limits}", **more)

    def half(self, proxy):
        client = self.client(proxy)
        client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n")
        return client

    def test_idle_connections_make_room_for_new_ones_at_once(self):
        proxy = self.start("max_connections = 3")
        idle = [self.client(proxy) for _ in range(3)]
        for client in idle:
            client.ask()
            self.assertEqual(client.response().status, 200)
        for _ in range(4):
            self.assertEqual(self.fetch(proxy).status, 200)
        self.assertTrue(idle[0].at_end(), "the one that was idle longest has gone")
        until(lambda: proxy.status()["connections_shed"] >= 1, "the count")
        self.assertIn("rpx_connections_shed_total", str(proxy.control("GET", "/metrics")[1]))

    def test_those_of_http2_make_room_as_well_when_no_stream_is_open(self):
        proxy = self.start("max_connections = 3", listen='protocols = ["http/1.1", "h2c"]')
        idle = [h2.connect(proxy.address()) for _ in range(3)]
        for peer in idle:
            self.addCleanup(peer.close)
            peer.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, h2.head(path=b"/gated" if peer is idle[0] else b"/")))
        for peer in idle[1:]:
            peer.next(h2.DATA)
        until(lambda: proxy.status()["exchanges"] == 1, "one to be in progress")
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertIsNone(self.rest_of(idle[1]), "the one that was idle longest has gone")
        self.at.gate.set()
        self.assertIn(b"through the gate", idle[0].next(h2.DATA)[3])

    def rest_of(self, peer):
        """None once it is over; frames of its end may come first."""
        while peer.frame() is not None:
            pass

    def test_requests_in_progress_are_never_closed_for_others(self):
        proxy = self.start("max_connections = 2")
        busy = [self.client(proxy) for _ in range(2)]
        for client in busy:
            client.ask(path="/gated")
        until(lambda: len(self.at.requests) == 2, "both to be at the origin")
        late = self.client(proxy)
        late.ask()
        self.assertEqual(late.response().status, 503)
        self.at.gate.set()
        self.assertEqual([client.response().body for client in busy], [b"through the gate"] * 2)

    def test_heads_that_do_not_come_give_way_to_those_that_do(self):
        proxy = self.start("max_connections = 20", 'header_timeout = "30s"')
        slow = [self.half(proxy) for _ in range(20)]
        until(lambda: proxy.status()["connections_half_open"] >= 16, "half of a head from each")
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(sum(client.at_end() for client in slow[:1]), 1, "the oldest has gone")

    def test_past_a_share_the_oldest_half_open_connection_goes(self):
        proxy = self.start("max_connections = 40", 'half_open = "50%"\nheader_timeout = "30s"')
        slow = [self.half(proxy) for _ in range(25)]
        until(lambda: proxy.status()["connections_shed"] == 5, "five to be closed")
        self.assertEqual(proxy.status()["connections_half_open"], 20)
        for client in slow[5:]:
            client.send(b"\r\n")
            self.assertEqual(client.response().status, 200)
        until(lambda: proxy.status()["connections_half_open"] == 0, "nobody to be half open")

    def test_a_lag_that_nobody_has_is_no_overload(self):
        proxy = self.start(limits='overload = "1h"')
        self.assertEqual(self.fetch(proxy).status, 200)
        until(lambda: proxy.status()["lag_s"] > 0, "a measure")
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_in_an_overload_new_connections_are_told_to_come_back_and_those_that_are_there_are_served(self):
        proxy = self.start(limits='overload = "1ns"')  # everybody waits as long as that
        kept = self.client(proxy)
        kept.ask()
        self.assertEqual(kept.response().status, 200)
        until(lambda: self.fetch(proxy).status == 503, "the overload to be noticed")
        self.assertEqual(self.fetch(proxy)["Retry-After"], "1")
        kept.ask()
        self.assertEqual(kept.response().status, 200)
        self.logged(proxy, "overload: new connections are answered with 503")
        proxy.reload(self.config_to(self.at.url, top='[limits]\noverload = "0s"\n'))
        until(lambda: self.fetch(proxy).status == 200, "the overload to be over")


class Descriptors(FlowTest):
    """Of 160 descriptors, 32 are kept back; a proxy that does nothing has some fifty."""

    def start(self):
        self.at = self.origin()
        proxy = self.proxy_to(self.at.url, serve="workers = 1")
        resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (160, 160))
        return proxy

    def test_idle_connections_make_room_for_new_ones_and_for_whoever_asks_for_a_status(self):
        proxy = self.start()
        clients = [self.client(proxy) for _ in range(150)]
        for client in clients:
            client.ask()
            self.assertEqual(client.response().status, 200)
        status = proxy.status()
        self.assertGreaterEqual(status["connections_shed"], 20)
        self.assertEqual(status["connections_refused"], 0)

    def test_requests_in_progress_keep_theirs_and_new_connections_are_refused(self):
        proxy = self.start()
        clients = []

        def is_settled():
            return len(self.at.requests) + proxy.status()["connections_refused"] == len(clients)

        while proxy.status()["connections_refused"] < 3:
            self.assertLess(len(clients), 160)
            clients.append(self.client(proxy))
            clients[-1].ask(path="/gated")
            until(is_settled, "the request to arrive or be refused")
        self.at.gate.set()
        got = [client.response() for client in clients]
        # Which ones depends on whether a question for the status has a descriptor at that moment.
        self.assertEqual([one["Retry-After"] for one in got if one.status == 503], ["1"] * 3)
        self.assertEqual({one.status for one in got}, {200, 503})
        self.assertGreater(len(got), 20)
        until(lambda: self.fetch(proxy).status == 200, "room")


class SlowReaders(FlowTest):
    def read_slowly(self, limits):
        """A client that takes next to nothing of a large reply; the reason of the log line."""
        proxy = self.proxy_to(self.origin().url, route='compress = ""', serve="workers = 1",
                              top=f'[log]\naccess = "access.log"\n[limits]\n{limits}')
        client = self.client(proxy, receive_buffer=4096)
        client.ask(path="/bytes/20000000")
        begun = time.monotonic()
        while time.monotonic() - begun < 9 and not proxy.text("access.log"):
            try:
                client.exactly(10)
            except Closed:
                break
            time.sleep(0.2)
        return proxy.access_log(1)[0]["reason"]

    def test_a_client_that_takes_a_few_bytes_now_and_then_is_given_up(self):
        self.assertEqual(self.read_slowly('min_reply_rate = "1MB/s"\nwrite_timeout = "1h"'), "write_timeout")

    def test_a_client_that_is_fast_enough_gets_it_all(self):
        proxy = self.proxy_to(self.origin().url, route='compress = ""', top='[limits]\nmin_reply_rate = "1KB/s"')
        self.assertEqual(len(self.fetch(proxy, "/bytes/3000000").body), 3000000)


class Bandwidth(FlowTest):
    def time_of(self, proxy, path):
        begun = time.monotonic()
        reply = self.fetch(proxy, path)
        self.assertEqual(reply.status, 200)
        self.assertEqual(len(reply.body), 300000)
        return time.monotonic() - begun

    def test_replies_of_a_route_are_no_faster_than_it_says(self):
        for top, path in (("", "/bytes/300000"), ("", "/chunked/300000"), ('[cache.c]\nmemory = "1MiB"\ndefault_ttl = "1h"', "/bytes/300000")):
            proxy = self.proxy_to(self.origin().url, top=top, route='compress = ""\nbandwidth = "300KB/s"' + ('\ncache = "c"' if top else ""))
            for _ in range(2 if top else 1):
                self.assertGreater(self.time_of(proxy, path), 0.6, path)

    def test_the_replies_of_a_client_share_what_it_has(self):
        proxy = self.proxy_to(self.origin().url, route='compress = ""', top='[limits]\nbandwidth_per_client = "600KB/s"')
        clients = [self.client(proxy) for _ in range(2)]
        begun = time.monotonic()
        for client in clients:
            client.ask(path="/bytes/300000")
        for client in clients:
            self.assertEqual(len(client.response().body), 300000)
        self.assertGreater(time.monotonic() - begun, 0.6)


class Handshakes(FlowTest):
    def test_a_client_may_only_begin_so_many(self):
        authority = Authority(self.folder())
        proxy = self.proxy(f"""[[listen]]
            name = "web"
            address = "127.0.0.1:0"
            tls = true
            {authority.issue("a", "DNS:a.test")}
            [limits]
            handshakes_per_client = "2/s"
            [[route]]
            respond = {{ status = 200 }}
            """)
        host, port = proxy.address()

        def shakes():
            try:
                openssl("s_client", "-connect", f"{host}:{port}", "-quiet", stdin="GET / HTTP/1.0\r\n\r\n")
                return True
            except AssertionError:
                return False

        begun = time.monotonic()
        got = [shakes() for _ in range(12)]
        took = time.monotonic() - begun
        # Two at once, then two more a second.
        self.assertGreaterEqual(got.count(True), 2)
        self.assertLessEqual(got.count(True), 3 + 2 * took)
        self.assertEqual(proxy.status()["connections_refused"], got.count(False))


if __name__ == "__main__":
    unittest.main()
