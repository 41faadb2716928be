"""Clients of HTTP/2 that attack: their connections end, it is counted, and those beside them are served."""

import re
import unittest

from support import h2
from support.flow import FlowTest
from support.h2 import CONTINUATION, DATA, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, head, \
    literal, number
from support.peers import curl
from support.waiting import SANITIZED, until

CLEAR = 'protocols = ["http/1.1", "h2c"]\n'
CALM = 11
GET, POST = END_STREAM | h2.END_HEADERS, h2.END_HEADERS
CANCEL = number(8)


class AttackTest(FlowTest):
    def start(self, *urls, **more):
        return self.proxy_to(*(urls or [self.origin().url]), listen=CLEAR, serve="workers = 1", **more)

    def raw(self, proxy):
        client = h2.connect(proxy.address())
        self.addCleanup(client.close)
        return client

    def floods(self, proxy, kind):
        text = proxy.control("GET", "/metrics")[1]
        return float(re.search(rf'^rpx_h2_floods_total{{kind="{kind}"}} (\S+)$', text, re.MULTILINE).group(1))

    def attack(self, proxy, kind, *frames, before=()):
        """Sends them, with a good client beside; the connection ends with the word for it, and it is counted."""
        good, bad = self.raw(proxy), self.raw(proxy)
        good.send(frame(HEADERS, GET, 1, head()))
        good.until(DATA, 1)
        bad.send(*before, *frames)
        self.assertEqual(bad.error(GOAWAY), CALM, kind)
        while bad.frame() is not None:
            pass
        good.send(frame(HEADERS, GET, 3, head()))
        good.until(DATA, 3)
        until(lambda: self.floods(proxy, kind) == 1, f"a count of {kind}")
        until(lambda: f"a flood of {kind}" in proxy.text("stderr"), "a word of it in the log")


class Floods(AttackTest):
    def test_resets(self):
        proxy = self.start(top='[limits]\nh2_resets = "20/s"')
        frames = [one for n in range(1, 200, 2) for one in (frame(HEADERS, GET, n, head()), frame(RST_STREAM, 0, n, CANCEL))]
        self.attack(proxy, "resets", *frames)

    def test_resets_that_the_proxy_is_made_to_send(self):
        proxy = self.start(self.script(lambda connection: connection.hold()).url, self.origin().url, top='[limits]\nh2_resets = "20/s"')
        bad = self.raw(proxy)
        for n in range(1, 200, 2):
            bad.send(frame(HEADERS, POST, n, head(b"POST", more=[(b"Upper", b"x")])))
        self.assertEqual(bad.error(GOAWAY), CALM)
        until(lambda: self.floods(proxy, "resets") == 1, "a count")

    def test_streams_beyond_what_is_allowed(self):
        proxy = self.start(self.script(lambda connection: connection.hold()).url, top='[limits]\nh2_streams = 4\nh2_resets = "20/s"')
        bad = self.raw(proxy)
        # Who has not heard of the limit is refused (RFC 9113 section 8.7); too often is too often.
        bad.send(*[frame(HEADERS, POST, n, head(b"POST")) for n in range(1, 200, 2)])
        self.assertEqual(bad.error(GOAWAY), CALM)

    def test_settings_pings_priorities_and_frames_of_no_meaning(self):
        for kind, one in (("settings", frame(SETTINGS)), ("pings", frame(PING, 0, 0, bytes(8))),
                          ("other", frame(PRIORITY, 0, 1, number(3) + b"\x10")), ("other", frame(0x99, 0, 0))):
            self.attack(self.start(), kind, *[one] * 3000)

    def test_empty_frames_and_frames_of_padding(self):
        post = frame(HEADERS, POST, 1, head(b"POST"))
        for one in (frame(DATA, 0, 1), frame(DATA, 8, 1, b"\x03...")):
            self.attack(self.start(), "empty", *[one] * 3000, before=[post])

    def test_windows(self):
        self.attack(self.start(), "windows", *[frame(WINDOW_UPDATE, 0, 0, number(1))] * 5000)

    def test_continuations(self):
        more = [frame(CONTINUATION, 0, 1, literal(b"x-a", b"y" * 100))] * 200
        self.attack(self.start(), "continuations", *more, before=[frame(HEADERS, END_STREAM, 1, head())])

    def test_few_bytes_that_stand_for_many_fields(self):
        # A field of 3,000 bytes is put into the table and then named by one byte, 4,000 times.
        field = b"\x40\x01x\x7f\xb9\x16" + b"y" * 3000
        self.attack(self.start(), "fields", frame(HEADERS, GET, 1, head() + field + b"\xbe" * 4000))

    def test_attackers_are_banned_by_the_rule_for_too_many_requests(self):
        rule = '[[ban]]\nwhen = { status = [429], count = 3, within = "1m" }\nfor = "1h"\nanyone = true\n'
        proxy = self.start(top=rule)
        for n in range(3):
            bad = self.raw(proxy)
            bad.send(*[frame(PING, 0, 0, bytes(8))] * 3000)
            while bad.frame() is not None:
                pass
            until(lambda n=n: self.floods(proxy, "pings") == n + 1, "a count")
        until(lambda: proxy.control("GET", "/v1/blocklist")[1]["items"], "the ban")
        self.assertEqual(proxy.control("GET", "/v1/blocklist")[1]["items"][0]["prefix"], "127.0.0.1/32")


class Stalls(AttackTest):
    def large(self):
        def script(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000))

        return self.script(script).url

    def test_a_window_that_stays_shut_is_given_up(self):
        proxy = self.start(self.large(), top='[limits]\nwrite_timeout = "300ms"')
        client = self.raw(proxy)
        client.send(frame(HEADERS, GET, 1, head()))
        self.assertEqual(client.error(RST_STREAM, 1), 2)
        client.send(frame(PING, 0, 0, bytes(8)))
        client.until(PING)

    def test_many_stalled_streams_hold_little_and_let_go_of_it(self):
        proxy = self.start(self.large(), top='[limits]\nwrite_timeout = "4s"\n')
        before = proxy.memory()[0]
        clients = []
        for _ in range(2):
            client = h2.connect(proxy.address(), h2.setting(4, 0))
            self.addCleanup(client.close)
            client.until(SETTINGS)
            client.send(frame(SETTINGS, h2.ACK), *[frame(HEADERS, GET, n, head()) for n in range(1, 100, 2)])
            clients.append(client)
        until(lambda: proxy.status()["exchanges"] == 100, "100 stalled replies")
        self.assertEqual(curl("-s", "-o", "/dev/null", "-w", "%{size_download}", proxy.url).stdout, b"1000000")
        grown = proxy.memory()[0] - before
        if not SANITIZED:  # a sanitizer keeps freed memory for a while
            self.assertLess(grown, 100 * (64 << 10))
        until(lambda: proxy.status()["exchanges"] == 0, "them to be given up")
        for client in clients:
            client.send(frame(PING, 0, 0, bytes(8)))
            client.until(PING)

    def test_a_head_that_never_ends(self):
        proxy = self.start(top='[limits]\nheader_timeout = "300ms"')
        client = self.raw(proxy)
        client.send(frame(HEADERS, 1, 1, head()))
        while client.frame() is not None:
            pass


class Malformed(AttackTest):
    def test_requests_lose_their_stream_alone(self):
        client = self.raw(self.start())
        bad = [head(more=[(b"Upper", b"x")]), head(more=[(b"connection", b"close")]), head(path=b"no-slash"),
               head(more=[(b"transfer-encoding", b"chunked")]), head(more=[(b"te", b"gzip")]), head(more=[(b"x", b"a\r\nb: c")]),
               head(more=[(b":path", b"/twice")]), literal(b":method", b"GET"), head(more=[(b"x y", b"1")])]
        for n, block in enumerate(bad):
            client.send(frame(HEADERS, GET, 2 * n + 1, block))
            self.assertEqual(client.error(RST_STREAM, 2 * n + 1), 1, block)
        client.send(frame(HEADERS, GET, 99, head()))
        client.until(HEADERS, 99)

    def test_heads_that_are_too_large_are_answered(self):
        client = self.raw(self.start(top="[limits]\nheaders = 20\n"))
        client.send(frame(HEADERS, GET, 1, head(more=[(b"x-%d" % n, b"y") for n in range(30)])))
        self.assertIn(b"431", client.until(DATA))

    def test_frames_that_break_the_protocol_end_their_connection(self):
        ended = [frame(HEADERS, GET, 1, head()), frame(DATA, 0, 1, b"x")]
        for frames, code in ((ended, 5), ([frame(HEADERS, GET, 5, head()), frame(HEADERS, GET, 3, head())], 1),
                             ([frame(HEADERS, POST, 1, head(b"POST")), frame(DATA, 8, 1, b"\x09-")], 1),
                             ([frame(HEADERS, GET, 2, head())], 1), ([frame(DATA, 0, 1, b"x")], 1),
                             ([frame(PING, 0, 0, b"short")], 6), ([frame(SETTINGS, 0, 3)], 1),
                             ([frame(CONTINUATION, 4, 1, head())], 1), ([frame(h2.PUSH_PROMISE, 4, 1, number(2))], 1),
                             ([frame(HEADERS, GET, 1, b"\x80")], 9), ([frame(WINDOW_UPDATE, 0, 0, number(0))], 1)):
            proxy = self.start()
            client = self.raw(proxy)
            client.send(*frames)
            self.assertEqual(client.error(GOAWAY), code, frames)
            until(lambda p=proxy: "HTTP/2 connection ended" in p.text("stderr"), "a line in the log")


if __name__ == "__main__":
    unittest.main()
