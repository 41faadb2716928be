"""Replies are compressed for clients that take it, say so rightly, and stay the same bytes once decoded."""

import gzip
import os
import shutil
import subprocess
import unittest
import zlib

from support.flow import FlowTest
from support.origin import dead_address, pattern
from support.waiting import until

HTML = ("Content-Type", "text/html; charset=utf-8")
CURL_CODINGS = [c for c in ("gzip", "br", "zstd") if shutil.which("curl")
                and (c == "gzip" or {"br": "brotli", "zstd": "zstd"}[c] in
                     subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split())]


class Compression(FlowTest):
    def setUp(self):
        super().setUp()
        self.body = pattern(50_000)
        self.fields = [HTML]
        self.in_chunks = False
        self.at = self.origin()
        self.at.answer_page = self.page
        self.through = self.proxy_to(self.at.url, route='compress = "default"')
        self.client_to = self.client(self.through)

    def page(self, connection, request):
        if self.in_chunks:
            pieces = [self.body[i:i + 9999] for i in range(0, len(self.body), 9999)]
            self.at.reply_chunked(connection, request, pieces, fields=self.fields)
        else:
            self.at.reply(connection, self.body, fields=self.fields, request=request)

    def ask(self, accept="gzip", method="GET", fields=()):
        accepted = [("Accept-Encoding", accept)] if accept is not None else []
        self.client_to.ask(method, "/page", [*accepted, *fields])
        return self.client_to.response(method)

    def test_a_whole_body_has_its_new_length(self):
        response = self.ask()
        self.assertEqual(response["Content-Encoding"], "gzip")
        self.assertEqual(response["Content-Length"], str(len(response.body)))
        self.assertEqual(response["Vary"], "Accept-Encoding")
        self.assertLess(len(response.body), len(self.body) // 2)
        self.assertEqual(gzip.decompress(response.body), self.body)

    def test_bodies_of_any_size_and_framing(self):
        for self.in_chunks in (False, True):
            for size in (1024, 16_383, 300_000, 2_000_000):
                self.body = pattern(size)
                response = self.ask()
                self.assertEqual(response["Content-Encoding"], "gzip", size)
                self.assertEqual(gzip.decompress(response.body), self.body)

    def test_curl_reads_every_coding(self):
        for coding in CURL_CODINGS:
            for size in (2000, 60_000, 3_000_000):
                self.body = pattern(size)
                got = subprocess.run(["curl", "-sS", "-D", "-", "--compressed", "-H", f"Accept-Encoding: {coding}",
                                      self.through.url + "/page"], capture_output=True, check=True).stdout
                head, body = got.split(b"\r\n\r\n", 1)
                self.assertIn(f"Content-Encoding: {coding}".encode(), head)
                self.assertEqual(body, self.body)

    def test_the_client_decides(self):
        for accept, coding in ((None, None), ("gzip;q=0", None), ("identity", None), ("br, gzip", "br"),
                               ("gzip, br;q=0.5, zstd;q=0.1", "gzip"), ("*", "zstd"), ("deflate", None)):
            response = self.ask(accept)
            self.assertEqual(response["Content-Encoding"], coding, accept)
            self.assertEqual(response["Vary"], "Accept-Encoding")
            if coding is None:
                self.assertEqual(response.body, self.body)

    def test_what_is_left_as_it_is(self):
        noise = os.urandom(40_000)
        for fields, body in (([("Content-Type", "image/png")], self.body), ([], self.body), ([HTML], b"short"),
                             ([HTML], noise), ([HTML, ("Cache-Control", "no-transform")], self.body),
                             ([HTML, ("Content-Encoding", "br")], self.body),
                             ([HTML, ("Content-Digest", "sha-256=:x:")], self.body)):
            self.fields, self.body = fields, body
            response = self.ask()
            self.assertEqual(response.body, body)
            self.assertEqual(response["Content-Length"], str(len(body)))
            self.assertEqual(response["Content-Encoding"], dict(fields).get("Content-Encoding"))

    def test_tags_become_weak_and_ranges_go(self):
        self.fields = [HTML, ("ETag", '"v1"'), ("Accept-Ranges", "bytes"), ("Vary", "Cookie")]
        response = self.ask()
        self.assertEqual(response["ETag"], 'W/"v1"')
        self.assertIsNone(response["Accept-Ranges"])
        self.assertEqual(response["Vary"], "Cookie, Accept-Encoding")
        response = self.ask(accept=None)
        self.assertEqual((response["ETag"], response["Accept-Ranges"]), ('"v1"', "bytes"))

    def test_head_partial_and_not_modified(self):
        self.fields = [HTML, ("ETag", '"v1"')]
        response = self.ask(method="HEAD")
        self.assertEqual((response["Content-Length"], response["ETag"]), (None, 'W/"v1"'))
        self.assertEqual(self.ask(method="HEAD", accept=None)["Content-Length"], str(len(self.body)))
        self.at.answer_page = lambda connection, request: self.at.reply(
            connection, status="304 Not Modified", fields=[("ETag", '"v1"')], request=request)
        self.assertEqual(self.ask()["ETag"], 'W/"v1"')
        self.assertEqual(self.ask(fields=[("If-None-Match", 'W/"v1"')])["ETag"], 'W/"v1"')
        self.assertEqual(self.ask(fields=[("If-None-Match", '"v1"')])["ETag"], '"v1"')
        self.at.answer_page = lambda connection, request: self.at.reply(
            connection, b"x" * 5000, status="206 Partial Content", request=request,
            fields=[HTML, ("Content-Range", "bytes 0-4999/9000")])
        self.assertEqual(self.ask().body, b"x" * 5000)

    def test_events_pass_as_they_happen(self):
        self.client_to.ask(path="/sse", fields=[("Accept-Encoding", "gzip")])
        head = self.client_to.response_head()
        self.assertEqual(head["Content-Encoding"], "gzip")
        inflate = zlib.decompressobj(31)
        for i in range(20):
            event = b"data: %d\n\n" % i
            self.at.events.put(event)
            got = b""
            while got != event:
                size = int(self.client_to.until(b"\r\n"), 16)
                got += inflate.decompress(self.client_to.exactly(size + 2)[:-2])
                self.assertTrue(event.startswith(got))
        self.at.events.put(None)

    def test_old_clients_get_a_body_that_ends_with_the_connection(self):
        self.in_chunks = True
        client = self.client(self.through)
        client.send(b"GET /page HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        head, body = client.rest().split(b"\r\n\r\n", 1)
        self.assertIn(b"Content-Encoding: gzip", head)
        self.assertEqual(gzip.decompress(body), self.body)

    def test_a_reply_cut_short_stays_cut_short(self):
        def cut(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900000\r\n\r\n" + self.body)
            connection.reset()

        at = self.script(cut)
        client = self.client(self.proxy_to(at.url, route='compress = "default"'))
        client.ask(path="/", fields=[("Accept-Encoding", "gzip")])
        self.assertNotIn(b"\r\n0\r\n\r\n", client.rest())

    def test_it_is_counted(self):
        self.ask()
        self.ask("br")
        status = self.through.control("GET", "/v1/status")[1]["compressed"]
        self.assertEqual((status["gzip"]["replies"], status["gzip"]["plain_bytes"]), (1, len(self.body)))
        self.assertLess(status["br"]["coded_bytes"], len(self.body))
        self.assertGreater(status["br"]["seconds"], 0)
        self.assertIn('rpx_encoded_seconds_total{coding="br"}', self.through.control("GET", "/metrics")[1])
        self.assertEqual(status["zstd"]["replies"], 0)


class OtherRoutes(FlowTest):
    def test_a_fixed_reply_is_coded_too(self):
        proxy = self.proxy('[[listen]]\naddress = "127.0.0.1:0"\n[compress.fast]\nmin_size = "10B"\nencodings = ["gzip"]\n'
                           '[defaults]\ncompress = "fast"\n[[route]]\n'
                           f'respond = {{ body = "{"abc " * 500}", headers = {{ "Content-Type" = "text/plain" }} }}\n')
        client = self.client(proxy)
        for method in ("GET", "HEAD"):
            client.ask(method, fields=[("Accept-Encoding", "gzip")])
            response = client.response(method)
            self.assertEqual(response["Content-Encoding"], "gzip")
            self.assertLess(int(response["Content-Length"]), 200)
            if method == "GET":
                self.assertEqual(gzip.decompress(response.body), b"abc " * 500)

    def test_it_is_on_without_a_word_in_the_file(self):
        at = self.origin()
        at.answer_page = lambda connection, request: at.reply(connection, pattern(9000), fields=[HTML], request=request)
        client = self.client(self.proxy_to(at.url))
        client.ask(path="/page", fields=[("Accept-Encoding", "gzip")])
        response = client.response()
        self.assertEqual((response["Content-Encoding"], gzip.decompress(response.body)), ("gzip", pattern(9000)))

    def test_pages_of_our_own_are_coded_too(self):
        page = "<html>" + "Nobody is at home. " * 200 + "</html>"
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        at = self.origin()
        proxy = self.proxy('[[listen]]\naddress = "127.0.0.1:0"\n[defaults]\nerrors = { "502" = "no.html", "404" = "no.html" }\n'
                           f'[[route]]\npath = "/dead/*"\nupstream = "{dead}"\n[[route]]\nupstream = "{at.url}"\n',
                           files={"no.html": page})
        client = self.client(proxy)
        # Our own error, and the page in place of what the server says of its own.
        for path, status in (("/dead/x", 502), ("/status/404", 404)):
            for method in ("GET", "HEAD"):
                client.ask(method, path, fields=[("Accept-Encoding", "br, gzip;q=0.9")])
                response = client.response(method)
                self.assertEqual((response.status, response["Content-Encoding"]), (status, "br"))
                self.assertLess(int(response["Content-Length"]), len(page) // 4)
                self.assertEqual(response["Vary"], "Accept-Encoding")
            client.ask("GET", path, fields=[("Accept-Encoding", "gzip")])
            self.assertEqual(gzip.decompress(client.response().body).decode(), page)
            client.ask("GET", path)
            self.assertEqual(client.response().body.decode(), page)

    def test_levels_may_go_by_the_load(self):
        at = self.origin()
        at.answer_page = lambda connection, request: at.reply(connection, pattern(90000), fields=[HTML], request=request)
        client = self.client(self.proxy_to(at.url, top='[compress.default]\nlevel = "auto"'))
        for coding in ("gzip", "br", "zstd"):
            client.ask(path="/page", fields=[("Accept-Encoding", coding)])
            response = client.response()
            self.assertEqual(response["Content-Encoding"], coding)
            if coding == "gzip":
                self.assertEqual(gzip.decompress(response.body), pattern(90000))

    def test_nothing_is_coded_where_that_is_off(self):
        at = self.origin()
        at.answer_page = lambda connection, request: at.reply(connection, pattern(9000), fields=[HTML], request=request)
        client = self.client(self.proxy_to(at.url, route='compress = ""'))
        client.ask(path="/page", fields=[("Accept-Encoding", "gzip")])
        response = client.response()
        self.assertEqual((response["Content-Encoding"], response["Vary"], response.body), (None, None, pattern(9000)))

    def test_a_reload_turns_it_on(self):
        at = self.origin()
        at.answer_page = lambda connection, request: at.reply(connection, pattern(9000), fields=[HTML], request=request)
        proxy = self.proxy_to(at.url, route='compress = ""')
        proxy.write_config(self.config_to(at.url, route='compress = "default"'))
        proxy.reload()

        def coded():
            client = self.client(proxy)
            client.ask(path="/page", fields=[("Accept-Encoding", "zstd")])
            return client.response()["Content-Encoding"] == "zstd"

        until(coded, "a compressed reply")


if __name__ == "__main__":
    unittest.main()
