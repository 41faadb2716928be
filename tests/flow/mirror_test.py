"""Copies of requests for servers that only watch, and clients that never notice."""

import time
import unittest

from support.flow import FlowTest
from support.origin import OK, dead_address
from support.waiting import until


def silent(connection):
    """Takes a request and never says a word."""
    connection.request()
    connection.hold()


class Mirror(FlowTest):
    def mirrored(self, main, shadow, options="", route="", upstream="", **more):
        return self.proxy_to(main, upstream=upstream, top=f'[upstream.shadow]\nservers = ["{shadow}"]\n',
                             route=f'mirror = {{ upstream = "shadow"{options} }}\n{route}', **more)

    def counts(self, proxy):
        status = proxy.status()
        return tuple(status[name] for name in ("mirrored", "mirror_failed", "mirror_dropped"))

    def test_a_copy_is_what_the_server_gets_and_its_reply_goes_nowhere(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url, route='request_headers = { set = { "X-Added" = "by-us" } }')
        reply = self.fetch(proxy, "/bytes/5?q=1", fields=[("X-Own", "mine"), ("Cookie", "a=b")])
        self.assertEqual((reply.status, reply["X-Origin"], len(reply.body)), (200, "main", 5))
        copy, original = shadow.await_requests(1)[0], main.requests[0]
        self.assertEqual((copy.method, copy.target), ("GET", "/bytes/5?q=1"))
        for name in ("Host", "X-Own", "Cookie", "X-Added", "X-Request-Id", "X-Forwarded-For"):
            self.assertEqual(copy[name], original[name], name)
        until(lambda: self.counts(proxy) == (1, 0, 0), "the count of one copy")
        self.assertEqual(proxy.servers("shadow")[shadow.url]["requests"], 1)

    def test_bodies_of_both_framings_are_copied_whole(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url)
        data = b"0123456789" * 4000
        self.assertEqual(self.fetch(proxy, "/echo", method="POST", body=data).body, data)
        until(lambda: self.counts(proxy) == (1, 0, 0), "the first copy, which nobody else waits for")
        client = self.client(proxy)
        client.send(b"POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        main.await_requests(2)
        client.send(b"4\r\nlast\r\n0\r\n\r\n")
        self.assertEqual(client.response("POST").body, b"firstlast")
        until(lambda: self.counts(proxy) == (2, 0, 0), "two copies")
        self.assertEqual([r.body for r in shadow.requests], [data, b"firstlast"])
        self.assertEqual(shadow.requests[1]["Content-Length"], "9")

    def test_a_body_over_the_bound_is_not_copied_and_the_client_does_not_notice(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url, options=', body = "1KiB"')
        data = b"x" * 5000
        self.assertEqual(self.fetch(proxy, "/echo", method="POST", body=data).body, data)
        client = self.client(proxy)
        client.send(b"POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"1388\r\n" + data + b"\r\n0\r\n\r\n")
        self.assertEqual(client.response("POST").body, data)
        self.assertEqual(self.counts(proxy), (0, 0, 2))
        self.assertEqual(shadow.requests, [])

    def test_a_mirror_that_is_silent_slows_nobody_and_copies_beyond_its_limit_are_dropped(self):
        main, shadow = self.origin("main"), self.script(silent)
        proxy = self.mirrored(main.url, shadow.url, options=', timeout = "20s", max_pending = 3',
                              serve="workers = 1\ngrace = \"1s\"")
        client = self.client(proxy)
        begun = time.monotonic()
        for _ in range(10):
            client.ask("GET", "/bytes/1")
            self.assertEqual(client.response().status, 200)
        self.assertLess(time.monotonic() - begun, 15, "nobody waited for a mirror")
        self.assertEqual(self.counts(proxy), (0, 0, 7))
        shadow.await_requests(3)

    def test_a_copy_that_takes_too_long_is_given_up_and_makes_room_for_others(self):
        main, shadow = self.origin("main"), self.script(silent)
        proxy = self.mirrored(main.url, shadow.url, options=', timeout = "50ms", max_pending = 1', serve="workers = 1")
        for n in range(3):
            self.assertEqual(self.fetch(proxy, "/bytes/1").status, 200)
            until(lambda n=n: self.counts(proxy) == (0, n + 1, 0), f"copy {n + 1} given up")

    def test_a_mirror_that_is_dead_costs_nothing_but_a_count(self):
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        main = self.origin("main")
        proxy = self.mirrored(main.url, dead)
        for _ in range(5):
            self.assertEqual(self.fetch(proxy, "/echo", method="POST", body=b"data").body, b"data")
        until(lambda: self.counts(proxy)[1] == 5, "five copies that failed")

    def test_percent_is_the_share_of_requests_that_are_copied(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url, options=", percent = 30, max_pending = 1000")
        client = self.client(proxy)
        for _ in range(400):
            client.ask("GET", "/bytes/1")
            client.response()
        until(lambda: self.counts(proxy)[0] == len(shadow.requests), "every copy answered")
        # Six standard deviations of 400 draws around 120.
        self.assertTrue(65 <= len(shadow.requests) <= 175, len(shadow.requests))
        self.assertEqual(self.counts(proxy)[1:], (0, 0))

    def test_zero_percent_copies_nothing(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url, options=", percent = 0")
        for _ in range(20):
            self.fetch(proxy, "/bytes/1")
        self.assertEqual((shadow.requests, self.counts(proxy)), ([], (0, 0, 0)))

    def test_connections_to_the_mirror_are_kept(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url, serve="workers = 1")
        for n in range(6):
            self.fetch(proxy, "/bytes/2000")
            until(lambda n=n: self.counts(proxy)[0] == n + 1, "the copy answered")
        self.assertEqual(len(shadow.connections), 1)

    def test_a_client_that_goes_away_in_the_middle_of_its_body_leaves_no_half_copy(self):
        def swallow(connection):
            connection.request_head()
            connection.hold()

        main, shadow = self.script(swallow), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url)
        client = self.client(proxy)
        client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf")
        main.await_requests(1)
        client.reset()
        until(lambda: self.counts(proxy) == (0, 0, 1), "the copy dropped")
        self.assertEqual(shadow.requests, [])

    def test_the_session_cookie_of_the_upstream_is_not_for_the_mirror(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url, upstream='sticky = { cookie = "rpx" }')
        self.fetch(proxy, "/bytes/1", fields=[("Cookie", "a=b; rpx=0123; c=d")])
        self.assertEqual(shadow.await_requests(1)[0]["Cookie"], "a=b; c=d")

    def test_a_reload_in_between_harms_no_copy(self):
        main, shadow = self.origin("main"), self.origin("shadow")
        proxy = self.mirrored(main.url, shadow.url)
        for _ in range(10):
            self.fetch(proxy, "/bytes/1")
            self.assertEqual(proxy.reload()[0], 200)
        until(lambda: sum(self.counts(proxy)) == 10, "ten copies")
        self.assertEqual(self.counts(proxy), (10, 0, 0))

    def test_an_upgrade_is_not_copied(self):
        def switch(connection):
            connection.request_head()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")

        main, shadow = self.script(switch), self.script(lambda c: (c.request(), c.send(OK)))
        proxy = self.mirrored(main.url, shadow.url)
        client = self.client(proxy)
        client.ask(fields=[("Connection", "upgrade"), ("Upgrade", "echo")])
        self.assertEqual(client.response_head().status, 101)
        self.assertEqual((shadow.requests, self.counts(proxy)), ([], (0, 0, 0)))


if __name__ == "__main__":
    unittest.main()
