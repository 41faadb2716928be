"""Coded bodies that are broken, lie or grow without end are told apart early, and cost no memory."""

import gzip
import subprocess
import unittest
import zlib

from support import wire
from support.flow import FlowTest
from support.origin import pattern

JSON = ("Content-Type", "application/json")
RULES = '[compress.undo]\ndecompress_requests = true\ndecompress_replies = true\n[limits]\nbody_bytes = "300MiB"'
MEGABYTE = bytes(1 << 20)


def gzip_bomb(megabytes):
    """So many MiB of zeros in a thousandth of them."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(coder.compress(MEGABYTE) for _ in range(megabytes)) + coder.flush()


def zstd_bomb(megabytes):
    return subprocess.run(["zstd", "-19", "-c"], input=MEGABYTE * megabytes, capture_output=True, check=True).stdout


class Requests(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        self.through = self.proxy_to(self.at.url, top=RULES + '\n[log]\naccess = "access.log"', route='compress = "undo"')

    def send(self, body, coding="gzip", chunked=False):
        client = self.client(self.through)
        fields = [JSON, ("Content-Encoding", coding)]
        if chunked:
            client.ask("POST", "/echo", [*fields, ("Transfer-Encoding", "chunked")])
            try:
                client.send(wire.chunk(body) + b"0\r\n\r\n")
            except OSError:
                pass  # refused before we had said it all
        else:
            client.ask("POST", "/echo", fields, body)
        return client.response().status

    def whole(self):
        return [r for r in self.at.requests if r.body]

    def test_bombs_are_refused_without_filling_memory(self):
        before = self.through.memory()[1]
        nested = gzip.compress(gzip_bomb(200), 9)
        for name, body, coding in (("gzip", gzip_bomb(200), "gzip"), ("zstd", zstd_bomb(200), "zstd"),
                                   ("one in the other", nested, "gzip, gzip")):
            for chunked in (False, True):
                with self.subTest(name, chunked=chunked):
                    self.assertEqual(self.send(body, coding, chunked), 413)
        self.assertEqual(self.whole(), [])
        self.assertLess(self.through.memory()[1] - before, 48 << 20)
        self.assertIn("body_too_large", {line["reason"] for line in self.through.access_log(6)})

    def test_what_it_is_said_to_be_it_has_to_be(self):
        body = gzip.compress(pattern(9000))
        for name, sent, coding in (("text", pattern(9000), "gzip"), ("gzip for br", body, "br"), ("gzip for zstd", body, "zstd"),
                                   ("cut short", body[:-9], "gzip"), ("a bad sum", body[:-8] + bytes(8), "gzip"),
                                   ("more behind it", body + b"rubbish", "gzip"), ("one coding less", body, "gzip, gzip")):
            for chunked in (False, True):
                with self.subTest(name, chunked=chunked):
                    self.assertEqual(self.send(sent, coding, chunked), 400)
        self.assertEqual(self.whole(), [])

    def test_unknown_codings_and_too_many_are_refused(self):
        for coding in ("compress", "gzip, pack200", "aes128gcm", "gzip, gzip, gzip, gzip"):
            self.assertEqual(self.send(gzip.compress(b"x"), coding), 415)


class Replies(FlowTest):
    def setUp(self):
        super().setUp()
        self.body, self.coding = b"", "gzip"
        self.at = self.origin()
        self.at.answer_page = lambda connection, request: self.at.reply(
            connection, self.body, fields=[JSON, ("Content-Encoding", self.coding)], request=request)
        self.through = self.proxy_to(self.at.url, top=RULES, route='compress = "undo"', upstream="retry = { attempts = 0 }")

    def outcome(self, accept=None):
        """The status, or "cut" where the reply can be seen to be no whole one."""
        client = self.client(self.through)
        client.ask("GET", "/page", [("Accept-Encoding", accept)] if accept else [])
        try:
            return client.response().status
        except wire.Closed:
            return "cut"

    def test_what_is_no_such_coding_is_the_servers_fault(self):
        for body, coding in ((pattern(9000), "gzip"), (gzip.compress(pattern(9000)), "br"), (b"short", "zstd")):
            self.body, self.coding = body, coding
            self.assertEqual(self.outcome(), 502)

    def test_a_bomb_is_cut_and_memory_stays(self):
        before = self.through.memory()[1]
        self.body = gzip_bomb(200)
        self.assertIn(self.outcome(), ("cut", 502))
        self.assertLess(self.through.memory()[1] - before, 48 << 20)

    def test_who_takes_the_coding_gets_it_unread(self):
        self.body = pattern(9000)
        self.assertEqual(self.outcome("gzip"), 200)

    def test_codings_we_do_not_know_pass_as_they_are(self):
        self.body, self.coding = b"whatever", "exotic"
        self.assertEqual(self.outcome(), 200)

    def test_a_body_that_is_damaged_late_is_cut(self):
        coded = gzip.compress(pattern(3_000_000))
        self.body = coded[:-8] + bytes(8)
        self.assertEqual(self.outcome(), "cut")


class Pauses(FlowTest):
    def test_what_has_come_so_far_can_be_read_when_the_server_pauses(self):
        parts = [pattern(3000), b"and the rest " * 400]

        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(b"".join(parts)))
            connection.send(parts[0])
            connection.hold()
            connection.send(parts[1])

        at = self.script(script)
        client = self.client(self.proxy_to(at.url))
        client.ask(fields=[("Accept-Encoding", "gzip")])
        self.assertEqual(client.response_head()["Content-Encoding"], "gzip")
        inflate = zlib.decompressobj(31)
        got = b""
        while len(got) < len(parts[0]):
            got += inflate.decompress(client.exactly(int(client.until(b"\r\n"), 16) + 2)[:-2])
        self.assertEqual(got, parts[0])
        at.release()
        while (size := int(client.until(b"\r\n"), 16)) > 0:
            got += inflate.decompress(client.exactly(size + 2)[:-2])
        self.assertEqual(got, b"".join(parts))


if __name__ == "__main__":
    unittest.main()
