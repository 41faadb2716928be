"""What another try can save, and what must not be tried twice."""

import unittest

from support.flow import FlowTest
from support.origin import OK, dead_address
from support.wire import Closed


def answer(connection):
    while True:
        connection.request()
        connection.send(OK)


def answer_once(connection):
    """One answer on a connection that claims to stay open, then the end."""
    connection.request()
    connection.send(OK)


def reset_on_request(connection):
    connection.request_head()
    connection.reset()


def unavailable(connection):
    while True:
        connection.request()
        connection.send(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")


class StaleLease(FlowTest):
    """A kept connection that the origin closed meanwhile is not the client's business."""

    def test_closed_while_idle(self):
        origin = self.script(answer_once)
        proxy = self.proxy_to(origin.url, serve="workers = 1", upstream="retry = { attempts = 0 }")
        client = self.client(proxy)
        for _ in range(10):
            client.ask()
            self.assertEqual(client.response().status, 200)

    def test_closed_just_as_the_next_request_arrives(self):
        def rude(connection):
            connection.request()
            connection.send(OK)
            connection.request_head()
            connection.reset()  # after reading the second head: what a server does whose idle time just ran out

        origin = self.script(rude)
        proxy = self.proxy_to(origin.url, serve="workers = 1")
        client = self.client(proxy)
        for _ in range(10):
            client.ask()
            self.assertEqual(client.response().status, 200)

    def test_a_post_over_a_stale_lease_is_never_sent_twice(self):
        def rude(connection):
            connection.request()
            connection.send(OK)
            connection.request_head()
            connection.reset()

        origin = self.script(rude, answer)
        proxy = self.proxy_to(origin.url, serve="workers = 1")
        client = self.client(proxy)
        client.ask("GET")
        client.response()
        client.ask("POST", "/pay", body=b"1")
        self.assertIn(client.response().status, (200, 502))
        # Either the proxy noticed before sending (one POST arrived, on a new connection) or it gave up after one.
        self.assertEqual(len([r for r in origin.requests if r.method == "POST"]), 1)


class Failover(FlowTest):
    def test_a_server_that_refuses_connections_is_passed_over(self):
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        origin = self.origin("alive")
        proxy = self.proxy_to(dead, origin.url)
        for method, body in (("GET", None), ("POST", b"data")):
            for _ in range(6):
                response = self.fetch(proxy, "/echo", method=method, body=body)
                self.assertEqual((response.status, response["X-Origin"]), (200, "alive"))
        rows = proxy.servers("app")
        self.assertGreater(rows[dead]["failures"], 0)

    def test_a_reset_before_the_answer_is_tried_elsewhere_for_a_get(self):
        proxy = self.proxy_to(self.script(reset_on_request).url, self.origin("good").url)
        for _ in range(6):
            self.assertEqual(self.fetch(proxy, "/bytes/1")["X-Origin"], "good")

    def test_but_not_for_a_post(self):
        bad = self.script(reset_on_request)
        good = self.origin("good")
        proxy = self.proxy_to(bad.url, good.url, serve="workers = 1")
        statuses = sorted(self.fetch(proxy, "/echo", method="POST", body=b"x").status for _ in range(4))
        self.assertIn(502, statuses)
        self.assertEqual(len(bad.requests) + len(good.requests), 4, "each POST reached one server")

    def test_a_put_is_sent_again_with_its_whole_body(self):
        data = b"0123456789" * 500
        good = self.origin("good")
        proxy = self.proxy_to(self.script(lambda c: (c.request(), c.reset())).url, good.url, serve="workers = 1")
        for _ in range(4):
            self.assertEqual(self.fetch(proxy, "/echo", method="PUT", body=data).body, data)

    def test_a_status_on_the_list_is_tried_elsewhere(self):
        proxy = self.proxy_to(self.script(unavailable).url, self.origin("good").url)
        for _ in range(6):
            self.assertEqual(self.fetch(proxy, "/bytes/1").status, 200)

    def test_when_all_say_503_the_client_gets_the_servers_own_answer(self):
        proxy = self.proxy_to(self.script(unavailable).url, self.script(unavailable).url, route="hide_origin = false")
        response = self.fetch(proxy)
        self.assertEqual((response.status, response.body), (503, b"busy"))

    def test_a_status_off_the_list_is_the_answer(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, self.origin().url, upstream='retry = { on = ["connect"] }')
        self.assertEqual(self.fetch(proxy, "/status/503").status, 503)

    def test_attempts_bound_the_number_of_servers_asked(self):
        origins = [self.script(reset_on_request) for _ in range(5)]
        proxy = self.proxy_to(*(o.url for o in origins), upstream="retry = { attempts = 1 }")
        self.assertEqual(self.fetch(proxy).status, 502)
        self.assertEqual(sum(len(o.requests) for o in origins), 2)

    def test_attempts_zero_tries_once(self):
        origins = [self.script(reset_on_request) for _ in range(2)]
        proxy = self.proxy_to(*(o.url for o in origins), upstream="retry = { attempts = 0 }")
        self.assertEqual(self.fetch(proxy).status, 502)
        self.assertEqual(sum(len(o.requests) for o in origins), 1)

    def test_nothing_is_tried_again_once_the_answer_has_begun(self):
        def half(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

        good = self.origin("good")
        proxy = self.proxy_to(self.script(half).url, good.url, serve="workers = 1", upstream='balance = "round_robin"')
        broken = 0
        for _ in range(4):
            client = self.client(proxy)
            client.ask(path="/bytes/10", fields=[("Connection", "close")])
            response = client.response_head()
            broken += len(client.rest()) != int(response["Content-Length"])
        self.assertEqual((broken, len(good.requests)), (2, 2))

    def test_a_reply_that_breaks_before_its_first_byte_is_tried_elsewhere_or_cut(self):
        def head_only(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

        proxy = self.proxy_to(self.script(head_only).url, self.origin("good").url, serve="workers = 1")
        for _ in range(10):
            client = self.client(proxy)
            client.ask(path="/chunked/5000")
            response = client.response_head()
            self.assertEqual(response.status, 200, "an error page would be the worst of the three")
            try:
                client.read_body(response)
                self.assertEqual(response["X-Origin"], "good")
            except Closed:
                self.assertIsNone(response["X-Origin"], "the head had been passed on before the end was known")

    def test_the_log_tells_the_tries(self):
        proxy = self.proxy_to(self.script(reset_on_request).url, self.origin("good").url, serve="workers = 1",
                              top='[log]\naccess = "access.log"')
        for _ in range(2):
            self.fetch(proxy)
        self.assertEqual(sorted(line["tries"] for line in proxy.access_log(2)), [1, 2])


if __name__ == "__main__":
    unittest.main()
