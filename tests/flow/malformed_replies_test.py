"""Replies of servers that could be read in two ways never reach a client whole; odd ones with one meaning arrive clean.

Each case is what a server says to one request. A client either gets our error, or can tell that the reply was cut
short; and the next request is answered by the server it went to, not by what was left over.
"""

import unittest

from support import wire
from support.flow import FlowTest

NO_RETRY = "retry = { attempts = 0 }"
PART = b"HTTP/1.1 200 OK\r\nX-Origin: raw\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nX-Origin: raw\r\nContent-Length: 5\r\n\r\nhello"


def chunks(body, fields=b""):
    return PART + fields + b"Transfer-Encoding: chunked\r\n\r\n" + body


def line(status_line):
    return status_line + b"\r\nX-Origin: raw\r\nContent-Length: 5\r\n\r\nhello"


# name, what the server says before it closes.
REFUSED = [
    # Where does the body end? RFC 9112 sections 6.1 and 6.3.
    ("a length that is negative", PART + b"Content-Length: -5\r\n\r\nhello"),
    ("a length with a plus", PART + b"Content-Length: +5\r\n\r\nhello"),
    ("a hexadecimal length", PART + b"Content-Length: 0x5\r\n\r\nhello"),
    ("a length with a point", PART + b"Content-Length: 5.0\r\n\r\nhello"),
    ("a length beyond 64 bits", PART + b"Content-Length: 18446744073709551621\r\n\r\nhello"),
    ("a length with a no-break space", PART + b"Content-Length: 5\xa0\r\n\r\nhello"),
    ("lengths that differ", PART + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    ("a list of lengths that differ", PART + b"Content-Length: 5, 6\r\n\r\nhello"),
    ("fewer bytes than the length", PART + b"Content-Length: 10\r\n\r\nhello"),
    ("chunked twice", PART + b"Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ("chunked with a parameter", PART + b"Transfer-Encoding: chunked;a=b\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ("chunked with a control character", PART + b"Transfer-Encoding: \x0bchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ("a blank before the colon", PART + b"Transfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    # Chunks. RFC 9112 section 7.1.
    ("a chunk size with a plus", chunks(b"+5\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size with an underscore", chunks(b"0_5\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size with a NUL", chunks(b"5\0\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size beyond 63 bits", chunks(b"8000000000000000\r\nhello")),
    ("chunk lines that end in LF", chunks(b"5\nhello\n0\n\n")),
    ("a chunk longer than its size", chunks(b"5\r\nhelloX\r\n0\r\n\r\n")),
    ("an end in a chunk", chunks(b"5\r\nhel")),
    ("an end before the last chunk", chunks(b"5\r\nhello\r\n")),
    ("an end before the end of the trailers", chunks(b"5\r\nhello\r\n0\r\n")),
    # The status line and the fields. RFC 9112 sections 4 and 5.
    ("a status of two digits", line(b"HTTP/1.1 20 OK")),
    ("a status of four digits", line(b"HTTP/1.1 2000 OK")),
    ("a status of zeros", line(b"HTTP/1.1 000 OK")),
    ("a status with a letter", line(b"HTTP/1.1 200a OK")),
    ("a version in small letters", line(b"http/1.1 200 OK")),
    ("version 3.0", line(b"HTTP/3.0 200 OK")),
    ("another protocol", line(b"ICY 200 OK")),
    ("no status line", b"hello"),
    ("nothing", b""),
    ("an interim reply and no other", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ("a switch of protocols unasked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    ("a head cut short", b"HTTP/1.1 200 OK\r\nX-Or"),
    ("a NUL in a value", PART + b"X: a\0b\r\nContent-Length: 5\r\n\r\nhello"),
    ("a bare LF in a value", PART + b"X: a\nSet-Cookie: b=c\r\nContent-Length: 5\r\n\r\nhello"),
    ("a bare CR in a value", PART + b"X: a\rSet-Cookie: b=c\r\nContent-Length: 5\r\n\r\nhello"),
    ("a line without a colon", PART + b"nonsense\r\nContent-Length: 5\r\n\r\nhello"),
]

# name, what the server says: the body is always "hello".
CLEAN = [
    ("plain", HELLO),
    ("small letters", b"HTTP/1.1 200 OK\r\nx-origin: raw\r\ncontent-length: 5\r\n\r\nhello"),
    ("no reason", line(b"HTTP/1.1 200 ")),
    ("a body that ends with the connection", PART + b"\r\nhello"),
    ("HTTP/1.0", line(b"HTTP/1.0 200 OK")),
    ("CHUNKED", PART + b"Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ("chunk extensions", chunks(b'5;a="b;c"\r\nhello\r\n0;d\r\n\r\n')),
    ("padded chunk sizes", chunks(b"5  \r\nhello\r\n0\r\n\r\n")),
    ("trailers", chunks(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")),
    ("early hints, twice", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + HELLO),
    ("two replies to one request", HELLO + line(b"HTTP/1.1 404 Not Found")),
    ("rubbish behind the reply", HELLO + b"rubbish"),
]


class MalformedReplies(FlowTest):
    def setUp(self):
        super().setUp()
        self.raw = b""
        self.at = self.script(self.say)
        self.gate = self.proxy_to(self.at.url, upstream=NO_RETRY)

    def say(self, connection):
        connection.request()
        connection.send(self.raw)
        connection.half_close()
        connection.rest()

    def asked(self, raw, method="GET"):
        """What a client gets: the response, or None where it was cut short."""
        self.raw = raw
        client = self.client(self.gate)
        client.ask(method)
        try:
            return client.response(method)
        except wire.Closed:
            return None

    def test_what_is_ambiguous_or_broken_is_seen_to_be(self):
        for name, raw in REFUSED:
            with self.subTest(name):
                got = self.asked(raw)
                self.assertIn(got.status if got else 502, (502, 504), got)

    def test_what_has_one_meaning_arrives(self):
        for name, raw in CLEAN:
            with self.subTest(name):
                got = self.asked(raw)
                self.assertEqual((got.status, got.body, got["X-Origin"]), (200, b"hello", "raw"))

    def test_replies_without_a_body_keep_what_follows_to_themselves(self):
        for status in (b"204 No Content", b"304 Not Modified"):
            with self.subTest(status):
                got = self.asked(b"HTTP/1.1 " + status + b"\r\nX-Origin: raw\r\n\r\n" + HELLO)
                self.assertEqual((got.status, got.body), (int(status[:3]), b""))
        got = self.asked(HELLO, "HEAD")
        self.assertEqual((got.status, got["Content-Length"]), (200, "5"))

    def test_nobody_gets_what_was_left_over(self):
        self.raw = HELLO + line(b"HTTP/1.1 404 Not Found")
        client = self.client(self.gate)
        for _ in range(3):
            client.ask()
            self.assertEqual(client.response().status, 200)


if __name__ == "__main__":
    unittest.main()
