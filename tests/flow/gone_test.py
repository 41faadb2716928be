"""Clients that go away while their request waits: most close, which from here looks like the end of their sending side."""

import glob
import signal
import unittest

from support.flow import FlowTest
from support.origin import OK, dead_address
from support.waiting import until

LOG = '[log]\naccess = "access.log"\n'
ALWAYS = '[limits]\nanswer_half_closed = "always"\n'
NEVER = '[limits]\nanswer_half_closed = "never"\n'
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def answer(connection):
    while True:
        connection.request()
        connection.send(OK)


class Gone(FlowTest):
    def waiting(self, proxy, request=GET, others=0):
        """A client whose request waits, as those of `others` do."""
        client = self.client(proxy)
        client.send(request)
        until(lambda: [c["state"] for c in proxy.control("GET", "/v1/connections")[1]["items"]].count("waiting") == others + 1,
              "it waits")
        return client

    def check_given_up(self, proxy, client):
        """It closes, and its request ends; what the log says of it."""
        client.close()
        until(lambda: proxy.status()["exchanges"] == 0, "its exchange ends")
        line = proxy.access_log(1)[0]
        self.assertEqual((line["status"], line["reason"]), (0, "closed"))

    def check_answered(self, client):
        self.assertEqual(client.response().status, 200)
        self.assertTrue(client.at_end())

    def dead(self, top=LOG):
        self.sock, url = dead_address()
        self.addCleanup(self.sock.close)
        return self.proxy_to(url, upstream='hold = "1h"', top=top)

    def revive(self):
        address = self.sock.getsockname()
        self.sock.close()
        return self.script(answer, address=address)

    def test_a_client_that_closes_is_not_held(self):
        proxy = self.dead()
        self.check_given_up(proxy, self.waiting(proxy))

    def test_a_client_that_has_closed_before_it_waits_is_not_held(self):
        proxy = self.dead()
        client = self.client(proxy)
        client.send(GET)
        client.half_close()
        self.check_given_up(proxy, client)

    def test_one_that_has_sent_a_body_is_not_held(self):
        proxy = self.dead()
        self.check_given_up(proxy, self.waiting(proxy, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"))

    def test_one_that_only_closes_its_side_is_held_where_that_is_wanted(self):
        proxy = self.dead(ALWAYS)
        client = self.waiting(proxy)
        client.half_close()
        # Another one tells that the end has been seen: loops take events in turn.
        self.revive()
        self.check_answered(client)

    def queued(self, top):
        self.server = self.origin()
        proxy = self.proxy_to(f'{{ url = "{self.server.url}", max_connections = 1 }}', upstream='connect = { queue = "1h" }',
                              top=top)
        self.first = self.client(proxy)
        self.first.ask(path="/gated")
        self.server.await_requests(1)
        return proxy

    def test_a_client_that_closes_leaves_the_queue(self):
        proxy = self.queued(LOG)
        client = self.waiting(proxy, others=1)
        client.close()
        until(lambda: proxy.status()["exchanges"] == 1, "its exchange ends")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "closed")
        self.server.gate.set()
        self.assertEqual(self.first.response().status, 200)
        self.assertEqual(len(self.server.requests), 1)

    def test_one_that_only_closes_its_side_stays_in_the_queue_where_that_is_wanted(self):
        proxy = self.queued(ALWAYS)
        client = self.waiting(proxy, others=1)
        client.half_close()
        self.server.gate.set()
        self.check_answered(client)

    def test_a_client_that_closes_does_not_wait_for_a_pause_before_another_try(self):
        bad = self.script(lambda c: (c.request(), c.send(b"HTTP/1.1 503 Busy\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n")))
        proxy = self.proxy_to(bad.url, upstream='retry = { retry_after = "1h", on = ["503"] }', top=LOG)
        self.check_given_up(proxy, self.waiting(proxy))

    def test_a_client_that_closes_does_not_wait_for_its_rate(self):
        at = self.origin()
        proxy = self.proxy_to(at.url, route='rate_limit = ["slow"]',
                              top=f'{LOG}[rate_limit.slow]\nrate = "1/h"\nburst = 3\ndelay = true')
        self.assertEqual(self.fetch(proxy).status, 200)
        client = self.waiting(proxy)
        client.close()
        until(lambda: proxy.status()["exchanges"] == 0, "its exchange ends")
        self.assertEqual(sorted(line["reason"] for line in proxy.access_log(2)), ["", "closed"])
        self.assertEqual(len(at.requests), 1)

    def guarded(self, top):
        self.guard = self.script(lambda c: (c.request(), c.hold(), c.send(b"HTTP/1.1 204 Yes\r\n\r\n")))
        return self.proxy_to(self.origin().url, route='access = "sso"', top=top +
                             f'[access.sso]\nforward_auth = {{ url = "{self.guard.url}/", timeout = "1h" }}')

    def test_a_client_that_closes_does_not_wait_for_forward_auth(self):
        proxy = self.guarded(LOG)
        client = self.client(proxy)
        client.send(GET)
        self.guard.await_requests(1)
        self.check_given_up(proxy, client)

    def test_one_that_only_closes_its_side_waits_for_forward_auth_where_that_is_wanted(self):
        proxy = self.guarded(ALWAYS)
        client = self.client(proxy)
        client.send(GET)
        self.guard.await_requests(1)
        client.half_close()
        self.guard.release()
        self.check_answered(client)

    def slow(self, top, request=GET):
        self.server = self.script(lambda c: (c.request(), c.hold(), c.send(OK)))
        proxy = self.proxy_to(self.server.url, top=top)
        client = self.client(proxy)
        client.send(request)
        self.server.await_requests(1)
        return proxy, client

    def test_a_server_answers_one_that_has_closed_its_side_unless_that_is_not_wanted(self):
        for top in (LOG, ALWAYS):
            _, client = self.slow(top)
            client.half_close()
            self.server.release()
            self.check_answered(client)
        for request in (GET, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"):
            proxy, client = self.slow(LOG + NEVER, request)
            self.check_given_up(proxy, client)
            self.server.release()

    def test_one_that_resets_after_its_body_frees_the_server(self):
        proxy, client = self.slow(LOG, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        client.reset()
        until(lambda: proxy.status()["exchanges"] == 0, "its exchange ends")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "reset")


class InLine(FlowTest):
    def threads(self, proxy):
        """The states that its threads are in."""
        states = set()
        for path in glob.glob(f"/proc/{proxy.process.pid}/task/*/stat"):
            with open(path, encoding="ascii") as f:
                states.add(f.read().rsplit(") ", 1)[1][0])
        return states

    def test_connections_that_are_reset_while_they_stand_in_line_cost_no_request(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, serve="workers = 1")
        proxy.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: self.threads(proxy) == {"T"}, "all of it to stand still")
            for _ in range(20):
                client = self.client(proxy)
                client.send(GET)
                client.reset()
        finally:
            proxy.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.fetch(proxy, "/bytes/5").status, 200)
        # The first may find nobody before it, and is not looked at.
        self.assertLessEqual(len(origin.requests), 2)
        until(lambda: proxy.status()["connections"] == 0, "no connection is left")


if __name__ == "__main__":
    unittest.main()
