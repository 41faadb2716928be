"""Bounds on what a client may send and on how long it may take."""

import time
import unittest

from support.flow import FlowTest
from support.waiting import PATIENCE, until


class Sizes(FlowTest):
    def status_of(self, raw, limits):
        client = self.client(self.proxy_to(self.at.url, top=f"[limits]\n{limits}"))
        client.send(raw)
        return client.response_head().status

    def setUp(self):
        super().setUp()
        self.at = self.origin()

    def test_a_target_that_is_too_long_is_414(self):
        raw = b"GET /%s HTTP/1.1\r\nHost: a.test\r\n\r\n"
        self.assertEqual(self.status_of(raw % (b"x" * 100), 'uri_bytes = "100B"'), 414)
        self.assertEqual(self.status_of(raw % (b"x" * 99), 'uri_bytes = "100B"'), 200)

    def test_a_head_that_is_too_large_is_431(self):
        raw = b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Large: %s\r\n\r\n"
        self.assertEqual(self.status_of(raw % (b"x" * 2000), 'header_bytes = "1KiB"'), 431)
        self.assertEqual(self.status_of(raw % (b"x" * 500), 'header_bytes = "1KiB"'), 200)

    def test_too_many_fields_are_431(self):
        raw = b"GET / HTTP/1.1\r\nHost: a.test\r\n%s\r\n"
        self.assertEqual(self.status_of(raw % b"".join(b"X-%d: 1\r\n" % i for i in range(10)), "headers = 10"), 431)
        self.assertEqual(self.status_of(raw % b"".join(b"X-%d: 1\r\n" % i for i in range(9)), "headers = 10"), 200)

    def test_a_body_announced_too_large_is_413_and_reaches_nobody(self):
        raw = b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\n0123456789X"
        self.assertEqual(self.status_of(raw, 'body_bytes = "10B"'), 413)
        self.assertEqual(self.at.requests, [])

    def test_a_body_that_grows_too_large_is_413(self):
        raw = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n"
        self.assertEqual(self.status_of(raw, 'body_bytes = "11B"'), 413)
        self.assertEqual([r.body for r in self.at.requests if r.body], [], "the origin never saw the end of it")

    def test_a_route_may_widen_the_body(self):
        proxy = self.proxy_to(self.at.url, top='[limits]\nbody_bytes = "10B"', route='body_bytes = "100B"')
        self.assertEqual(self.fetch(proxy, "/echo", method="POST", body=b"x" * 100).status, 200)
        self.assertEqual(self.fetch(proxy, "/echo", method="POST", body=b"x" * 101).status, 413)

    def test_trailers_have_a_limit(self):
        raw = (b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
               + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 100) for i in range(50)) + b"\r\n")
        self.assertIn(self.status_of(raw, 'header_bytes = "1KiB"'), (400, 431))


class Times(FlowTest):
    def start(self, limits):
        self.at = self.origin()
        return self.proxy_to(self.at.url, top=f"[limits]\n{limits}")

    def test_a_head_that_does_not_end_is_408(self):
        client = self.client(self.start('header_timeout = "300ms"'))
        client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n")
        begun = time.monotonic()
        self.assertEqual(client.response_head().status, 408)
        self.assertGreater(time.monotonic() - begun, 0.2)

    def test_a_byte_now_and_then_buys_no_time(self):
        client = self.client(self.start('header_timeout = "400ms"'))
        client.sock.settimeout(0.05)
        begun = time.monotonic()
        answer = b""
        head = b"GET / HTTP/1.1\r\nX: " + b"x" * 4000
        for byte in head:  # ends by the answer, long before the 200 s that this head would take
            client.send(bytes([byte]))
            try:
                answer = client.sock.recv(1000)
                break
            except TimeoutError:
                continue
        self.assertTrue(answer.startswith(b"HTTP/1.1 408"), answer)
        self.assertLess(time.monotonic() - begun, PATIENCE)

    def test_a_client_that_says_nothing_is_let_go(self):
        client = self.client(self.start('header_timeout = "200ms"'))
        got = client.rest()
        self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 408"), got)

    def test_a_body_that_stops_is_408(self):
        client = self.client(self.start('body_timeout = "200ms"'))
        client.ask("POST", "/echo", [("Content-Length", "100")])
        client.send(b"some")
        self.assertEqual(client.response_head().status, 408)

    def test_a_body_that_trickles_is_too_slow(self):
        client = self.client(self.start('body_timeout = "5s"\nmin_body_rate = "10KB/s"'))
        client.ask("POST", "/echo", [("Content-Length", "1000000")])
        client.sock.settimeout(0.1)
        begun = time.monotonic()
        answer = b""
        while not answer and time.monotonic() - begun < PATIENCE:
            client.send(b"x")
            try:
                answer = client.sock.recv(1000)
            except TimeoutError:
                continue
        self.assertTrue(answer.startswith(b"HTTP/1.1 408"), answer)

    def test_a_client_that_takes_nothing_is_cut_off(self):
        proxy = self.start('write_timeout = "300ms"')
        client = self.client(proxy, receive_buffer=8192)
        client.ask(path="/bytes/50000000")
        until(lambda: proxy.status()["connections"] == 0, "the client to be cut off")


class Connections(FlowTest):
    def test_a_client_may_have_so_many(self):
        proxy = self.proxy_to(self.origin().url, top="[limits]\nconnections_per_client = 3", serve="workers = 2")
        held = []
        for _ in range(3):
            held.append(self.client(proxy))
            held[-1].ask()
            self.assertEqual(held[-1].response().status, 200)
        extra = self.client(proxy)
        try:
            extra.ask()
        except OSError:
            pass
        got = extra.rest()
        self.assertTrue(got == b"" or got.startswith((b"HTTP/1.1 429", b"HTTP/1.1 503")), got)
        held[0].close()

        def served():
            client = self.client(proxy)
            try:
                client.ask()
                return client.rest() if client.at_end() else client.response().status == 200
            except OSError:
                return False

        until(served, "a place to be free again")

    def test_others_are_not_counted_along(self):
        proxy = self.proxy_to(self.origin().url, top="[limits]\nconnections_per_client = 1")
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
            client = self.client(proxy, source=source)
            client.ask()
            self.assertEqual(client.response().status, 200)

    def test_past_max_connections_new_ones_wait_or_are_refused(self):
        proxy = self.proxy_to(self.origin().url, serve="workers = 1\nmax_connections = 2")
        first, second = self.client(proxy), self.client(proxy)
        for client in (first, second):
            client.ask()
            self.assertEqual(client.response().status, 200)
        third = self.client(proxy)
        try:
            third.ask()
        except OSError:
            pass
        first.close()
        second.close()

        def answered():
            client = self.client(proxy)
            try:
                client.ask()
                return not client.at_end() and client.response().status == 200
            except OSError:
                return False

        until(answered, "a place to be free again")
        self.assertLessEqual(proxy.status()["connections"], 2)


if __name__ == "__main__":
    unittest.main()
