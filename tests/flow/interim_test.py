"""Interim responses and replies that come before the request is whole."""

import threading
import unittest

from support.flow import FlowTest
from support.waiting import PATIENCE, until


class Expect(FlowTest):
    def test_the_origins_100_reaches_a_client_that_waits(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.ask("POST", "/echo", [("Expect", "100-continue"), ("Content-Length", "4")])
        self.assertEqual(client.response_head().status, 100)
        client.send(b"body")
        self.assertEqual(client.response().body, b"body")

    def test_a_refusal_comes_without_the_body(self):
        def script(connection):
            connection.request_head()
            connection.send(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            connection.hold()

        client = self.client(self.proxy_to(self.script(script).url))
        client.ask("POST", "/", [("Expect", "100-continue"), ("Content-Length", "4")])
        response = client.response()
        self.assertEqual((response.status, response.body), (417, b"no"))

    def test_a_body_over_the_limit_is_refused_before_it_is_sent(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url, route='body_bytes = "1KiB"'))
        client.ask("POST", "/echo", [("Expect", "100-continue"), ("Content-Length", "2000")])
        self.assertEqual(client.response_head().status, 413)
        self.assertEqual(origin.requests, [])

    def test_other_expectations_are_not_ours_to_meet(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.ask("GET", "/", [("Expect", "miracles")])
        self.assertIn(client.response().status, (200, 400, 417))


class Interim(FlowTest):
    def test_early_hints_pass(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.ask(path="/hints")
        interim = []
        self.assertEqual(client.response(interim=interim).body, b"hinted")
        self.assertEqual([(r.status, r["Link"]) for r in interim], [(103, "</a.css>; rel=preload")])

    def test_early_hints_are_not_held_back(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            go.wait(PATIENCE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        go = threading.Event()
        client = self.client(self.proxy_to(self.script(script).url))
        client.ask()
        self.assertEqual(client.response_head().status, 103)
        go.set()
        self.assertEqual(client.response().status, 200)

    def test_a_client_of_http_1_0_gets_none(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.send(b"GET /hints HTTP/1.0\r\nHost: a.test\r\n\r\n")
        self.assertEqual(client.response_head().status, 200)

    def test_endless_interim_responses_end(self):
        def script(connection):
            connection.request()
            while True:
                connection.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)

        client = self.client(self.proxy_to(self.script(script).url, route='timeout = { response = "500ms" }'))
        client.ask()
        last = client.response_head()
        while last.status == 102:
            last = client.response_head()
        self.assertIn(last.status, (502, 504))


class EarlyReply(FlowTest):
    def test_a_reply_before_the_upload_is_done_reaches_the_client(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.ask("POST", "/early", [("Content-Length", "1000000")])
        client.send(b"x" * 1000)
        response = client.response()
        self.assertEqual((response.status, response.body), (413, b"too much"))

    def test_a_reply_streams_while_the_upload_goes_on(self):
        def script(connection):
            connection.request_head()
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.chunked(lambda data: connection.send(b"%x\r\n%s\r\n" % (len(data), data)))
            connection.send(b"0\r\n\r\n")

        client = self.client(self.proxy_to(self.script(script).url))
        client.ask("POST", "/", [("Transfer-Encoding", "chunked")])
        response = client.response_head()
        for word in (b"one", b"three", b"fifteen"):
            client.send(b"%x\r\n%s\r\n" % (len(word), word))
            self.assertEqual(client.until(word + b"\r\n"), b"%x\r\n%s\r\n" % (len(word), word))
        client.send(b"0\r\n\r\n")
        client.read_body(response)
        self.assertEqual(response.body, b"")

    def test_the_next_request_after_an_early_reply_does_not_meet_the_rest_of_the_body(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        client = self.client(proxy)
        client.ask("POST", "/early", [("Content-Length", "20000")])
        response = client.response()
        self.assertEqual(response.status, 413)
        try:
            client.send(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".ljust(20000, b" "))
        except OSError:
            pass  # the proxy may close rather than read what is left
        self.fetch(proxy, "/after")
        self.assertNotIn("/smuggled", [r.path for r in origin.requests])


class HalfClose(FlowTest):
    def test_a_client_that_shuts_its_sending_side_still_gets_the_answer(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.ask(path="/gated")
        client.half_close()
        origin.await_requests(1)
        origin.gate.set()
        self.assertEqual(client.response().body, b"through the gate")
        self.assertTrue(client.at_end())

    def test_a_client_that_resets_frees_the_server(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        client = self.client(proxy)
        client.ask(path="/gated")
        origin.await_requests(1)
        until(lambda: proxy.servers("app")[origin.url]["active"] == 1, "the exchange to be counted")
        client.reset()
        until(lambda: proxy.servers("app")[origin.url]["active"] == 0, "the exchange to be given up")
        origin.gate.set()


if __name__ == "__main__":
    unittest.main()
