"""Connections that live on: between client and proxy, between proxy and origin, pipelined."""

import unittest

from support.client import Client
from support.flow import FlowTest
from support.waiting import until


class KeepAlive(FlowTest):
    def test_many_requests_share_one_connection_on_both_sides(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, serve="workers = 1")
        client = self.client(proxy)
        for i in range(20):
            client.ask(path=f"/bytes/{i * 100}")
            self.assertEqual(len(client.response().body), i * 100)
        self.assertEqual({r.connection for r in origin.requests}, {0})

    def test_connections_of_different_clients_share_a_kept_one(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, serve="workers = 1")
        for _ in range(5):
            with Client(proxy.address()) as client:
                client.ask()
                client.response()
        self.assertEqual(len(origin.connections), 1)

    def test_connection_close_is_honoured_and_answered(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        client.ask(fields=[("Connection", "close")])
        self.assertEqual(client.response()["Connection"], "close")
        self.assertTrue(client.at_end())

    def test_the_origins_close_does_not_end_the_clients_connection(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        for _ in range(3):
            client.ask(path="/until-close/1000")
            response = client.response()
            self.assertEqual((len(response.body), response["Transfer-Encoding"]), (1000, "chunked"))
            self.assertIsNone(response["Connection"])

    def test_http_1_0_gets_a_close_unless_it_asks_to_stay(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        client.send(b"GET /bytes/3 HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
        response = client.response()
        self.assertEqual(response["Connection"].lower(), "keep-alive")
        client.send(b"GET /chunked/30000 HTTP/1.0\r\nHost: a.test\r\n\r\n")
        response = client.response()
        self.assertIsNone(response["Transfer-Encoding"], "HTTP/1.0 knows no chunks")
        self.assertEqual(len(response.body), 30000)
        self.assertTrue(client.at_end())

    def test_an_idle_client_is_let_go_after_keepalive(self):
        proxy = self.proxy_to(self.origin().url, top='[limits]\nkeepalive = "200ms"')
        client = self.client(proxy)
        client.ask()
        client.response()
        self.assertTrue(client.at_end())

    def test_a_request_body_that_was_not_asked_for_does_not_become_a_request(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        client = self.client(proxy)
        inner = b"GET /inner HTTP/1.1\r\nHost: a.test\r\n\r\n"
        client.ask("GET", "/outer", body=inner)
        client.response()
        client.ask("GET", "/after")
        client.response()
        self.assertEqual([r.path for r in origin.requests], ["/outer", "/after"])


class Pipelining(FlowTest):
    def test_answers_come_in_the_order_of_the_requests(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        for i in range(50):
            client.ask(path=f"/bytes/{i}")
        for i in range(50):
            self.assertEqual(len(client.response().body), i)

    def test_a_slow_first_answer_holds_back_the_second(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        client = self.client(proxy)
        client.ask(path="/gated")
        client.ask(path="/bytes/5")
        origin.await_requests(1)
        self.assertEqual([r.path for r in origin.requests][:1], ["/gated"])
        origin.gate.set()
        self.assertEqual(client.response().body, b"through the gate")
        self.assertEqual(len(client.response().body), 5)

    def test_requests_with_bodies_and_pieces_cut_anywhere(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        one = b"POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody"
        two = b"POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        everything = (one + two) * 3
        for i in range(0, len(everything), 7):
            client.send(everything[i:i + 7])
        for _ in range(3):
            self.assertEqual(client.response().body, b"body")
            self.assertEqual(client.response().body, b"abcde")

    def test_the_rest_after_connection_close_is_not_served(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        client = self.client(proxy)
        client.send(b"GET /one HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\nGET /two HTTP/1.1\r\nHost: a.test\r\n\r\n")
        client.response()
        self.assertTrue(client.at_end())
        self.assertEqual([r.path for r in origin.requests], ["/one"])

    def test_an_empty_line_between_requests_is_taken(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        client.send(b"GET /bytes/1 HTTP/1.1\r\nHost: a.test\r\n\r\n\r\nGET /bytes/2 HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.assertEqual([len(client.response().body) for _ in range(2)], [1, 2])


class KeptConnections(FlowTest):
    def test_idle_connections_to_the_origin_are_closed_after_connect_idle(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, upstream='connect = { idle = "200ms" }')
        self.fetch(proxy)
        until(lambda: origin.connections[0].closed, "the kept connection to be closed")
        self.assertEqual(proxy.servers("app")[origin.url]["idle"], 0)
        self.fetch(proxy)
        self.assertEqual(len(origin.connections), 2)

    def test_keepalive_zero_keeps_none(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, upstream="connect = { keepalive = 0 }")
        for _ in range(3):
            self.fetch(proxy)
        self.assertEqual(len(origin.connections), 3)


if __name__ == "__main__":
    unittest.main()
