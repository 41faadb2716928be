"""Bodies arrive whole and framed right, both ways, and messages without a body have none."""

import unittest

from support import wire
from support.flow import FlowTest
from support.origin import pattern


class RequestBodies(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        self.client_to = self.client(self.proxy_to(self.at.url))

    def test_with_a_length(self):
        for size in (0, 1, 4095, 65536, 1_000_000):
            data = pattern(size)
            self.client_to.ask("POST", "/echo", body=data)
            self.assertEqual(self.client_to.response().body, data)
            self.assertEqual(self.at.requests[-1]["Content-Length"], str(size))

    def test_in_chunks_of_every_kind(self):
        data = pattern(100_000)
        for size in (1000, 16384, 99_999, 100_000):
            self.client_to.ask("PUT", "/echo", [("Transfer-Encoding", "chunked")])
            for i in range(0, len(data), size):
                self.client_to.send(wire.chunk(data[i:i + size]))
            self.client_to.send(b"0\r\n\r\n")
            self.assertEqual(self.client_to.response().body, data)
            self.assertIsNone(self.at.requests[-1]["Content-Length"])
            self.assertEqual(self.at.requests[-1]["Transfer-Encoding"], "chunked")

    def test_chunks_cut_at_every_byte_with_extensions(self):
        self.client_to.ask("POST", "/echo", [("Transfer-Encoding", "chunked")])
        for byte in b'3;a="x;y"\r\nabc\r\n1\r\nd\r\n0\r\n\r\n':
            self.client_to.send(bytes([byte]))
        self.assertEqual(self.client_to.response().body, b"abcd")

    def test_a_client_that_leaves_half_way_is_not_completed(self):
        client = self.client(self.proxies[0])
        client.ask("POST", "/echo", [("Content-Length", "1000")])
        client.send(b"x" * 500)
        self.at.await_requests(1)
        client.reset()
        self.assertEqual(self.fetch(self.proxies[0], "/bytes/3").body, pattern(3))
        self.assertEqual(self.at.requests[0].body, b"", "the origin never saw the end of it")


class ResponseBodies(FlowTest):
    def setUp(self):
        super().setUp()
        self.client_to = self.client(self.proxy_to(self.origin().url))

    def test_with_a_length(self):
        for size in (0, 1, 16384, 300_000, 3_000_000):
            self.client_to.ask(path=f"/bytes/{size}")
            response = self.client_to.response()
            self.assertEqual(response["Content-Length"], str(size))
            self.assertEqual(response.body, pattern(size))

    def test_in_chunks(self):
        for size in (0, 9_999, 10_000, 1_000_000):
            self.client_to.ask(path=f"/chunked/{size}")
            response = self.client_to.response()
            self.assertEqual(response["Transfer-Encoding"], "chunked")
            self.assertEqual(response.body, pattern(size))

    def test_ended_by_the_close_of_the_origin(self):
        for size in (0, 1, 1_000_000):
            self.client_to.ask(path=f"/until-close/{size}")
            self.assertEqual(self.client_to.response().body, pattern(size))


class CutShort(FlowTest):
    """A body that the origin breaks off must look broken to the client: that is all the client can go by."""

    def cut(self, head, then=lambda connection: None):
        def script(connection):
            connection.request()
            connection.send(head)
            then(connection)

        # A retry would hide nothing here: the head has been passed on.
        client = self.client(self.proxy_to(self.script(script).url))
        client.ask()
        return client, client.response_head()

    def test_a_length_not_reached(self):
        client, response = self.cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 40)
        self.assertEqual(response.status, 200)
        with self.assertRaises(wire.Closed) as closed:
            client.read_body(response)
        self.assertEqual(closed.exception.rest, b"x" * 40)

    def test_chunks_without_the_last(self):
        client, response = self.cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        with self.assertRaises(wire.Closed):
            client.read_body(response)

    def test_a_reset_in_a_body_without_framing(self):
        client, response = self.cut(b"HTTP/1.1 200 OK\r\n\r\nsome", lambda c: c.reset())
        with self.assertRaises(wire.Closed):
            client.read_body(response)


class WithoutBody(FlowTest):
    def test_head_has_the_fields_and_no_body(self):
        client = self.client(self.proxy_to(self.origin().url))
        for path, length in (("/bytes/1234", "1234"), ("/chunked/10", None)):
            client.ask("HEAD", path)
            response = client.response("HEAD")
            self.assertEqual((response.status, response["Content-Length"]), (200, length))
        client.ask(path="/bytes/3")
        self.assertEqual(client.response().body, pattern(3), "the connection is still in step")

    def test_204_and_304(self):
        client = self.client(self.proxy_to(self.origin().url))
        for status in (204, 304):
            client.ask(path=f"/status/{status}")
            response = client.response()
            self.assertEqual(response.status, status)
            self.assertIsNone(response["Transfer-Encoding"])
        client.ask(path="/bytes/3")
        self.assertEqual(client.response().body, pattern(3))

    def test_a_304_may_tell_the_length_that_a_200_would_have(self):
        def script(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 5000\r\n\r\n")

        client = self.client(self.proxy_to(self.script(script).url))
        for _ in range(2):
            client.ask()
            self.assertEqual(client.response().status, 304)

    def test_bytes_after_a_204_end_the_origins_connection_not_the_clients(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            connection.hold()

        def good(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")

        client = self.client(self.proxy_to(self.script(script, good).url))
        client.ask()
        self.assertEqual(client.response().status, 204)
        client.ask()
        self.assertEqual(client.response().body, b"good")


class Trailers(FlowTest):
    def test_of_a_request(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.ask("POST", "/echo", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
        client.send(b"3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n")
        self.assertEqual(client.response().body, b"abc")
        self.assertEqual(origin.requests[0].trailers.get("X-Sum"), "3")

    def test_of_a_response(self):
        client = self.client(self.proxy_to(self.origin().url))
        client.ask(path="/trailers", fields=[("TE", "trailers"), ("Connection", "TE")])
        response = client.response()
        self.assertEqual((response.body, response.trailers.get("X-Sum")), (b"body", "4"))

    def test_fields_that_frame_or_route_are_no_trailers(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.ask("POST", "/echo", [("Transfer-Encoding", "chunked")])
        client.send(b"3\r\nabc\r\n0\r\nContent-Length: 3\r\nHost: other\r\nX-Good: 1\r\n\r\n")
        response = client.response()
        if response.status == 200:
            self.assertEqual(origin.requests[0].trailers.names(), ["x-good"])
        else:
            self.assertEqual(response.status, 400)


if __name__ == "__main__":
    unittest.main()
