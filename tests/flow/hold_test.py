"""Requests that wait for a server to come back; tiers of servers; when few are well; pauses before another try."""

import threading
import time
import unittest

from support.flow import FlowTest
from support.origin import OK, ScriptedOrigin, dead_address
from support.waiting import until


def answer(connection):
    while True:
        connection.request()
        connection.send(OK)


class Busy:
    """Answers 503 with Retry-After to the first `count` requests."""

    def __init__(self, count, after="1", status=b"503 Busy"):
        self.left, self.after, self.status = count, after.encode(), status

    def __call__(self, connection):
        while True:
            connection.request()
            if self.left:
                self.left -= 1
                connection.send(b"HTTP/1.1 " + self.status + b"\r\nRetry-After: " + self.after
                                + b"\r\nContent-Length: 0\r\n\r\n")
            else:
                connection.send(OK)


class Hold(FlowTest):
    def ask_beside(self, proxy, count=1, path="/x", **more):
        """Requests in threads; the list that their replies go into."""
        replies = []

        def ask():
            replies.append(self.fetch(proxy, path, **more))

        self.threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        self.addCleanup(lambda: [thread.join() for thread in self.threads])
        return replies

    def test_requests_wait_for_a_server_that_is_started_again(self):
        sock, url = dead_address()
        proxy = self.proxy_to(url, upstream='hold = "30s"')
        replies = self.ask_beside(proxy, 20)
        until(lambda: proxy.servers("app")[url]["failures"] > 2, "it is looked for again and again")
        self.assertEqual(replies, [])
        address = sock.getsockname()
        sock.close()
        origin = ScriptedOrigin(answer, address=address)
        self.addCleanup(origin.close)
        until(lambda: len(replies) == 20, "replies")
        self.assertEqual({reply.status for reply in replies}, {200})
        # One of those who wait looks for it at a time: far fewer tries than requests and looks.
        self.assertLess(proxy.servers("app")[url]["failures"], 60)

    def test_posts_wait_too_as_nothing_was_sent(self):
        sock, url = dead_address()
        proxy = self.proxy_to(url, upstream='hold = "30s"')
        replies = self.ask_beside(proxy, 3, method="POST", body=b"x" * 1000)
        until(lambda: proxy.servers("app")[url]["failures"] > 0, "a try")
        address = sock.getsockname()
        sock.close()
        origin = ScriptedOrigin(answer, address=address)
        self.addCleanup(origin.close)
        until(lambda: len(replies) == 3, "replies")
        self.assertEqual({reply.status for reply in replies}, {200})
        self.assertEqual([r.body for r in origin.requests], [b"x" * 1000] * 3)

    def test_an_end_of_patience_and_too_many(self):
        sock, url = dead_address()
        self.addCleanup(sock.close)
        proxy = self.proxy_to(url, upstream='hold = "300ms"\nconnect = { max_pending = 2 }')
        begun = time.monotonic()
        replies = self.ask_beside(proxy, 6)
        until(lambda: len(replies) == 6, "replies")
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        self.assertEqual({reply.status for reply in replies}, {502, 503})

    def test_maintenance_of_all_servers_is_waited_for(self):
        origin = self.script(answer)
        proxy = self.proxy_to(origin.url, upstream='hold = "30s"')
        path = f"/v1/upstreams/app/servers/{origin.url.replace(':', '%3A').replace('/', '%2F')}"
        proxy.control("PATCH", path, {"state": "maint", "force": True})
        replies = self.ask_beside(proxy, 5)
        until(lambda: len([c for c in proxy.control("GET", "/v1/connections")[1]["items"] if c["state"] == "waiting"])
              == 5, "requests wait")
        self.assertEqual(origin.requests, [])
        proxy.control("PATCH", path, {"state": "ready"})
        until(lambda: len(replies) == 5, "replies")
        self.assertEqual({reply.status for reply in replies}, {200})

    def test_a_client_that_goes_away_does_not_wait(self):
        sock, url = dead_address()
        self.addCleanup(sock.close)
        proxy = self.proxy_to(url, upstream='hold = "1h"')
        client = self.client(proxy)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: proxy.status()["exchanges"] == 1, "it waits")
        client.reset()
        until(lambda: proxy.status()["exchanges"] == 0, "its exchange ends")

    def test_tcp_connections_are_held_too(self):
        sock, url = dead_address()
        proxy = self.proxy('[[listen]]\naddress = "127.0.0.1:0"\nmode = "tcp"\nupstream = "db"\n\n[upstream.db]\n'
                           f'servers = ["{url.replace("http", "tcp")}"]\nhold = "30s"\n')
        client = self.client(proxy)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: proxy.servers("db")[url.replace("http", "tcp")]["failures"] > 1, "tries")
        address = sock.getsockname()
        sock.close()
        origin = ScriptedOrigin(answer, address=address)
        self.addCleanup(origin.close)
        self.assertEqual(client.response().status, 200)


class Tiers(FlowTest):
    def test_a_tier_is_used_when_the_one_before_it_is_gone(self):
        origins = [self.origin(str(i)) for i in range(3)]
        rows = [f'{{ url = "{o.url}", priority = {2 - i} }}' for i, o in enumerate(origins)]
        spare = self.origin("spare")
        proxy = self.proxy_to(f'{{ url = "{spare.url}", backup = true }}', *rows)

        def who():
            return {self.fetch(proxy, "/x")["X-Origin"] for _ in range(6)}

        for index in (2, 1, 0):
            self.assertEqual(who(), {str(index)})
            origins[index].kill()
        self.assertEqual(who(), {"spare"})

    def test_with_too_few_well_all_are_used(self):
        class Patient:
            ill = False

            def __call__(self, connection):
                while True:
                    request = connection.request()
                    good = request.path != "/healthz" or not self.ill
                    connection.send(OK if good else b"HTTP/1.1 500 Ill\r\nContent-Length: 0\r\n\r\n")

        patients = [Patient() for _ in range(4)]
        origins = [self.script(p) for p in patients]
        proxy = self.proxy_to(*(o.url for o in origins), upstream='panic = "50%"', serve="workers = 1",
                              top='[upstream.app.health]\npath = "/healthz"\ninterval = "100ms"\nfall = 1\n')

        def served():
            before = [sum(1 for r in o.requests if r.path == "/x") for o in origins]
            for _ in range(8):
                self.assertEqual(self.fetch(proxy, "/x").status, 200)
            return [sum(1 for r in o.requests if r.path == "/x") - b for o, b in zip(origins, before)]

        def down():
            return [row["state"] for row in proxy.servers("app").values()].count("down")

        patients[0].ill = patients[1].ill = True
        until(lambda: down() == 2, "two are down")
        self.assertEqual(served(), [0, 0, 4, 4])
        patients[2].ill = True
        until(lambda: down() == 3, "three are down")
        self.assertEqual(served(), [2, 2, 2, 2])


class Pauses(FlowTest):
    def test_a_retry_after_is_waited_for_where_there_is_no_other(self):
        origin = self.script(Busy(1))
        proxy = self.proxy_to(origin.url, upstream='retry = { retry_after = "5s" }')
        begun = time.monotonic()
        self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertGreaterEqual(time.monotonic() - begun, 1)
        self.assertEqual(len(origin.requests), 2)

    def test_others_go_elsewhere_meanwhile(self):
        busy, good = self.script(Busy(1, "60", b"429 Slower")), self.script(answer)
        proxy = self.proxy_to(busy.url, good.url, serve="workers = 1",
                              upstream='retry = { retry_after = "2m", on = ["429"] }')
        for _ in range(6):
            self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertEqual(len(busy.requests), 1)

    def test_too_long_or_not_asked_for_is_passed_on(self):
        for upstream in ('retry = { retry_after = "10s" }', ""):
            origin = self.script(Busy(1, "11"))
            proxy = self.proxy_to(origin.url, upstream=upstream)
            reply = self.fetch(proxy, "/x")
            self.assertEqual((reply.status, reply["Retry-After"]), (503, "11"))

    def test_a_backoff_comes_before_each_try(self):
        origins = [self.script(Busy(1, "9")) for _ in range(3)]
        proxy = self.proxy_to(*(o.url for o in origins), upstream='retry = { backoff = "200ms", attempts = 2 }')
        begun = time.monotonic()
        self.assertEqual(self.fetch(proxy, "/x").status, 503)
        # At least half of 200 and of 400 ms.
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)


class Repeated(FlowTest):
    def reset_once(self, connection):
        if connection.number == 0:
            connection.request()
            connection.reset()
            return
        answer(connection)

    def post(self, body=b"x", fields=(), **more):
        origin = self.script(self.reset_once)
        other = self.script(self.reset_once, answer)
        proxy = self.proxy_to(origin.url, other.url, serve="workers = 1", **more)
        reply = self.fetch(proxy, "/x", method="POST", body=body, fields=list(fields))
        bodies = [r.body for o in (origin, other) for r in o.requests]
        return reply.status, bodies

    def test_a_post_with_an_idempotency_key_is(self):
        status, bodies = self.post(fields=[("Idempotency-Key", '"a1"')], upstream='retry = { attempts = 9 }')
        self.assertEqual(status, 502)  # both have failed it
        self.assertEqual(len(bodies), 2)
        self.assertEqual(len(self.post()[1]), 1)
        off = 'retry = { idempotency_key = false }'
        self.assertEqual(len(self.post(fields=[("Idempotency-Key", "a")], upstream=off)[1]), 1)

    def test_bodies_in_many_pieces_are_sent_again_up_to_the_bound(self):
        body = bytes(range(256)) * 2000

        def once(connection):
            if connection.number == 0:
                head = connection.request_head()
                connection.exactly(300_000)
                connection.reset()
                return head
            return answer(connection)

        for most, status in (("1MiB", 200), ("100KiB", 502)):
            origin, other = self.script(once), self.script(answer)
            proxy = self.proxy_to(f'{{ url = "{origin.url}", weight = 1000 }}', other.url, serve="workers = 1",
                                  upstream=f'retry = {{ replay = "{most}" }}')
            client = self.client(proxy)
            client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:200_000])
            origin.await_requests(1)
            client.send(body[200_000:])
            self.assertEqual(client.response().status, status)
            if status == 200:
                self.assertEqual(other.requests[0].body, body)


if __name__ == "__main__":
    unittest.main()
