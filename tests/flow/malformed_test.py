"""Requests that two readers could read in two ways are refused; odd ones that have one meaning arrive clean.

Each case is sent whole and then byte by byte, with an innocent request behind it. What arrives at the origin is
read strictly (support/wire.py) and with a lenient eye: no byte of a smuggled request may be seen there.
"""

import unittest

from support.flow import FlowTest
from support.wire import Closed

NEXT = b"GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n"


def get(line=b"GET /x HTTP/1.1", *fields, host=b"Host: a.test\r\n"):
    return line + b"\r\n" + host + b"".join(f + b"\r\n" for f in fields) + b"\r\n"


def post(*fields, body=b""):
    return get(b"POST /x HTTP/1.1", *fields) + body


def chunked(body, *fields):
    return post(b"Transfer-Encoding: chunked", *fields, body=body)


# name, bytes. Every one must be answered once, with 400 or 505, and then the connection ends.
REFUSED = [
    # Where does the body end? RFC 9112 sections 6.1 and 6.3.
    ("length and coding together", chunked(b"0\r\n\r\n", b"Content-Length: 5")),
    ("coding and length in the other order", post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("two lengths that differ", post(b"Content-Length: 5", b"Content-Length: 6", body=b"helloX")),
    ("a list of lengths that differ", post(b"Content-Length: 5, 6", body=b"helloX")),
    ("a negative length", post(b"Content-Length: -1")),
    ("a length with a plus", post(b"Content-Length: +5", body=b"hello")),
    ("a hexadecimal length", post(b"Content-Length: 0x5", body=b"hello")),
    ("a length with an inner blank", post(b"Content-Length: 1 0", body=b"helloworld")),
    ("a length with a decimal point", post(b"Content-Length: 5.0", body=b"hello")),
    ("a length beyond 64 bits", post(b"Content-Length: 18446744073709551621", body=b"hello")),
    ("an empty length", post(b"Content-Length: ")),
    ("a length with a unit", post(b"Content-Length: 5;", body=b"hello")),
    ("a length in quotes", post(b'Content-Length: "5"', body=b"hello")),
    ("a length with an exponent", post(b"Content-Length: 5e0", body=b"hello")),
    ("a length with an underscore", post(b"Content-Length: 5_0", body=b"hello")),
    ("a length behind a no-break space", post(b"Content-Length: \xa05", body=b"hello")),
    ("a length and an empty one", post(b"Content-Length: 5", b"Content-Length:", body=b"hello")),
    ("three lengths, the last of which differs", post(b"Content-Length: 5, 5, 6", body=b"helloX")),
    ("a coding that is not ours", post(b"Transfer-Encoding: gzip", body=b"0\r\n\r\n")),
    ("chunked, but not last", post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n")),
    ("chunked twice", post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n")),
    ("chunked twice in two lines", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("identity", post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n")),
    ("almost chunked", post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n")),
    ("chunked with a control character", post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")),
    ("chunked in quotes", post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n")),
    ("chunked with a weight", post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n")),
    ("chunked with a NUL", post(b"Transfer-Encoding: chunked\0", body=b"0\r\n\r\n")),
    ("chunked in two words", post(b"Transfer-Encoding: chun ked", body=b"0\r\n\r\n")),
    ("chunked behind a byte order mark", post(b"Transfer-Encoding: \xef\xbb\xbfchunked", body=b"0\r\n\r\n")),
    ("chunked with a Kelvin sign", post("Transfer-Encoding: chun\u212aed".encode(), body=b"0\r\n\r\n")),
    ("trailers for a coding", post(b"Transfer-Encoding: trailers", body=b"0\r\n\r\n")),
    ("chunked, then gzip in another line", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", body=b"0\r\n\r\n")),
    ("an empty coding", post(b"Transfer-Encoding: ", body=b"0\r\n\r\n")),
    ("chunks from HTTP/1.0", get(b"POST /x HTTP/1.0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    # Chunks. RFC 9112 section 7.1.
    ("a chunk size that is no number", chunked(b"zz\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size with 0x", chunked(b"0x5\r\nhello\r\n0\r\n\r\n")),
    ("a negative chunk size", chunked(b"-1\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size with a blank before it", chunked(b" 5\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size beyond 64 bits", chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n")),
    ("an empty chunk size", chunked(b"\r\nhello\r\n0\r\n\r\n")),
    ("a chunk line that ends in LF", chunked(b"5\nhello\r\n0\r\n\r\n")),
    ("a chunk line with a bare CR", chunked(b"5\rX\r\nhello\r\n0\r\n\r\n")),
    ("a chunk longer than its size", chunked(b"5\r\nhelloworld\r\n0\r\n\r\n")),
    ("chunk data that ends in LF", chunked(b"5\r\nhello\n0\r\n\r\n")),
    ("an extension with a bare LF", chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size behind a NUL", chunked(b"\x005\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size with a suffix", chunked(b"5L\r\nhello\r\n0\r\n\r\n")),
    ("a chunk size of two words", chunked(b"5 5\r\nhello\r\n0\r\n\r\n")),
    ("an extension in quotes with a bare CR", chunked(b'5;a="b\rc"\r\nhello\r\n0\r\n\r\n')),
    ("an extension with a NUL", chunked(b"5;a=\0\r\nhello\r\n0\r\n\r\n")),
    ("chunk data that ends in LF CR", chunked(b"5\r\nhello\n\r0\r\n\r\n")),
    ("a trailer without a name", chunked(b"0\r\n: y\r\n\r\n")),
    ("a trailer without a colon", chunked(b"0\r\nGET /next HTTP/1.1\r\n\r\n")),
    ("a trailer with a NUL", chunked(b"0\r\nX: a\0b\r\n\r\n")),
    ("a trailer with a blank before the colon", chunked(b"0\r\nX : y\r\n\r\n")),
    ("a trailer that is folded", chunked(b"0\r\nX: y\r\n z\r\n\r\n")),
    # Lines and fields. RFC 9112 sections 2.2, 3 and 5.
    ("lines that end in LF", b"GET /x HTTP/1.1\nHost: a.test\n\n"),
    ("a field line that ends in LF", b"GET /x HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n"),
    ("a bare CR in a value", get(b"GET /x HTTP/1.1", b"X: a\rb")),
    ("a NUL in a value", get(b"GET /x HTTP/1.1", b"X: a\0b")),
    ("a blank before the colon", get(b"GET /x HTTP/1.1", b"Content-Length : 5")),
    ("a tab before the colon", get(b"GET /x HTTP/1.1", b"X\t: y")),
    ("a folded line", get(b"GET /x HTTP/1.1", b"X: a\r\n b")),
    ("a first field line that starts with a blank", b"GET /x HTTP/1.1\r\n Host: a.test\r\nHost: a.test\r\n\r\n"),
    ("a line without a colon", get(b"GET /x HTTP/1.1", b"nonsense")),
    ("a field without a name", get(b"GET /x HTTP/1.1", b": y")),
    ("a name with a quote", get(b"GET /x HTTP/1.1", b'X"Y: z')),
    ("a name beyond ASCII", get(b"GET /x HTTP/1.1", b"X\xc3\xa9: z")),
    ("a request line with two blanks", get(b"GET  /x HTTP/1.1")),
    ("a request line with a tab", get(b"GET\t/x HTTP/1.1")),
    ("a request line with a third word", get(b"GET /x y HTTP/1.1")),
    ("a request line without a version", get(b"GET /x")),
    ("a request line that starts with a blank", get(b" GET /x HTTP/1.1")),
    ("a method that is no token", get(b"G(T /x HTTP/1.1")),
    ("version 1.2", get(b"GET /x HTTP/1.2")),
    ("version 2.0", get(b"GET /x HTTP/2.0")),
    ("a version in small letters", get(b"GET /x http/1.1")),
    ("version 1.10", get(b"GET /x HTTP/1.10")),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    # Host and target. RFC 9112 section 3.2.
    ("no host", get(b"GET /x HTTP/1.1", host=b"")),
    ("two hosts", get(b"GET /x HTTP/1.1", b"Host: b.test")),
    ("two hosts that agree", get(b"GET /x HTTP/1.1", b"Host: a.test")),
    ("a host with a path", get(b"GET /x HTTP/1.1", host=b"Host: a.test/y\r\n")),
    ("a host with a user", get(b"GET /x HTTP/1.1", host=b"Host: u@a.test\r\n")),
    ("a host with a blank", get(b"GET /x HTTP/1.1", host=b"Host: a.test b\r\n")),
    ("a host with a port that is none", get(b"GET /x HTTP/1.1", host=b"Host: a.test:99999\r\n")),
    ("a port with a sign", get(host=b"Host: a.test:+80\r\n")),
    ("two ports", get(host=b"Host: a.test:80:80\r\n")),
    ("a port of blanks", get(host=b"Host: a.test: 80\r\n")),
    ("a list of hosts", get(host=b"Host: a.test, b.test\r\n")),
    ("a host with a query", get(host=b"Host: a.test?x\r\n")),
    ("an URL for a host", get(host=b"Host: http://a.test\r\n")),
    ("an IPv6 address without brackets", get(host=b"Host: ::1\r\n")),
    ("an IPv6 address with one bracket", get(host=b"Host: [::1\r\n")),
    ("an IPv6 address that is none", get(host=b"Host: [1:2:3:4:5:6:7:8:9]\r\n")),
    ("an IPv6 address with a zone", get(host=b"Host: [fe80::1%25eth0]\r\n")),
    ("an IPv4 address in brackets", get(host=b"Host: [127.0.0.1]\r\n")),
    ("two hosts from HTTP/1.0", get(b"GET /x HTTP/1.0", b"Host: a.test")),
    ("an absolute target with a user", get(b"GET http://u:p@a.test/x HTTP/1.1")),
    ("an absolute target with a bad port", get(b"GET http://a.test:x/x HTTP/1.1")),
    ("an absolute target without a host", get(b"GET http:///x HTTP/1.1")),
    ("an absolute target beside a bad host", get(b"GET http://a.test/x HTTP/1.1", host=b"Host: a/b\r\n")),
    ("an authority for a target", get(b"GET a.test:80 HTTP/1.1")),
    ("an asterisk for GET", get(b"GET * HTTP/1.1")),
    ("an asterisk and more", get(b"OPTIONS *x HTTP/1.1")),
    ("a target without a slash", get(b"GET x HTTP/1.1")),
    ("a target of another scheme", get(b"GET file:///etc/passwd HTTP/1.1")),
    ("a target with a fragment", get(b"GET /x#y HTTP/1.1")),
    ("a target above the root", get(b"GET /../../etc/passwd HTTP/1.1")),
    ("a target above the root, encoded", get(b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1")),
    ("an encoded NUL", get(b"GET /x%00y HTTP/1.1")),
    ("an escape that is none", get(b"GET /x%zz HTTP/1.1")),
    ("an escape cut short", get(b"GET /x%2 HTTP/1.1")),
    ("a backslash", get(b"GET /x\\..\\y HTTP/1.1")),
    ("an encoded backslash", get(b"GET /x%5c..%5cy HTTP/1.1")),
    ("a control character in the target", get(b"GET /x\x01y HTTP/1.1")),
    ("a byte beyond ASCII in the target", get(b"GET /x\xff HTTP/1.1")),
]

# name, bytes, head line and body that must arrive. Odd or ordinary, but with one meaning.
CLEAN = [
    ("plain", get(), b"GET /x HTTP/1.1", b""),
    ("a value with blanks around", get(b"GET /x HTTP/1.1", b"X: \t y \t"), b"GET /x HTTP/1.1", b""),
    ("an empty value", get(b"GET /x HTTP/1.1", b"X:"), b"GET /x HTTP/1.1", b""),
    ("CHUNKED", post(b"Transfer-Encoding: CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"), b"POST /x HTTP/1.1", b"hello"),
    ("chunk sizes with zeros and capitals", chunked(b"00005\r\nhello\r\nA\r\n0123456789\r\n000\r\n\r\n"), b"POST /x HTTP/1.1",
     b"hello0123456789"),
    ("a body on GET", get(b"GET /x HTTP/1.1", b"Content-Length: 5") + b"hello", b"GET /x HTTP/1.1", b"hello"),
    ("a length of nothing", post(b"Content-Length: 0"), b"POST /x HTTP/1.1", b""),
    ("an unknown method", get(b"BREW /x HTTP/1.1"), b"BREW /x HTTP/1.1", b""),
    ("an absolute target", get(b"GET http://a.test/x HTTP/1.1"), b"GET /x HTTP/1.1", b""),
    ("an absolute target without a path", get(b"GET http://a.test HTTP/1.1"), b"GET / HTTP/1.1", b""),
    ("an absolute target in capitals", get(b"GET HTTP://A.TEST/x HTTP/1.1"), b"GET /x HTTP/1.1", b""),
    ("an IPv6 host with a port", get(host=b"Host: [::1]:8080\r\n"), b"GET /x HTTP/1.1", b""),
    ("TE with what it may hold", get(b"GET /x HTTP/1.1", b"TE: trailers", b"Connection: TE"), b"GET /x HTTP/1.1", b""),
    ("commas in Connection", get(b"GET /x HTTP/1.1", b"Connection: ,, keep-alive ,"), b"GET /x HTTP/1.1", b""),
    ("bytes beyond ASCII in a value", get(b"GET /x HTTP/1.1", b"X: \xc3\xa4\xff"), b"GET /x HTTP/1.1", b""),
    ("chunk extensions", chunked(b'5;a="b;c\\"d" ; e\r\nhello\r\n0;f=g\r\n\r\n'), b"POST /x HTTP/1.1", b"hello"),
    ("an asterisk", get(b"OPTIONS * HTTP/1.1"), b"OPTIONS * HTTP/1.1", b""),
    ("dot segments", get(b"GET /a/b/../../x HTTP/1.1"), b"GET /x HTTP/1.1", b""),
    ("an empty line first", b"\r\n" + get(), b"GET /x HTTP/1.1", b""),
    ("a body that looks like a request", post(b"Content-Length: %d" % len(NEXT), body=NEXT), b"POST /x HTTP/1.1", NEXT),
]


class Malformed(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        self.gate = self.proxy_to(self.at.url, top="[limits]\nconnections_per_client = 0\nheader_timeout = \"60s\"")

    def statuses(self, raw, piecewise):
        """Statuses of the answers on one connection, up to its end (after a "/next" was answered we end it)."""
        client = self.client(self.gate)
        try:
            for piece in ([bytes([b]) for b in raw + NEXT] if piecewise else [raw + NEXT]):
                client.send(piece)
        except OSError:
            pass  # closed before we had said it all
        try:
            client.half_close()
        except OSError:
            pass
        got = []
        try:
            while not client.at_end():
                got.append(client.response().status)
        except Closed:
            pass
        client.close()
        return got

    def test_what_is_ambiguous_is_refused(self):
        for name, raw in REFUSED:
            for piecewise in (False, True):
                with self.subTest(name, piecewise=piecewise):
                    got = self.statuses(raw, piecewise)
                    self.assertEqual(len(got), 1, f"{got}: one refusal, and nothing of what came behind")
                    self.assertIn(got[0], (400, 505))
                    self.assertNotIn("/next", [r.path for r in self.at.requests])
        whole = [r.raw_head for r in self.at.requests if r.body or not r.has_body()]
        self.assertEqual(whole, [], "nothing of these reached the origin whole")

    def test_what_has_one_meaning_arrives(self):
        for name, raw, line, body in CLEAN:
            for piecewise in (False, True):
                with self.subTest(name, piecewise=piecewise):
                    before = len(self.at.requests)
                    got = self.statuses(raw, piecewise)
                    self.assertEqual(got, [200, 200])
                    mine, after = self.at.requests[before:]
                    self.assertEqual((mine.raw_head.split(b"\r\n")[0], mine.body, after.path), (line, body, "/next"))

    def test_the_proxy_survives_noise(self):
        noise = bytes(range(256)) * 8
        for start in (b"", b"GET ", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"):
            self.statuses(start + noise, False)
        self.assertEqual(self.fetch(self.gate).status, 200)


if __name__ == "__main__":
    unittest.main()
