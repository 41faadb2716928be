"""A stored reply is coded once for each coding, better when there is time, and stays right in every form."""

import gzip
import random
import unittest

from support.flow import FlowTest
from support.origin import pattern
from support.waiting import until

HTML = ("Content-Type", "text/html")


class FormsTest(FlowTest):
    cache = ""

    def setUp(self):
        super().setUp()
        chance = random.Random(1)
        words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10))) for _ in range(2000)]
        self.body = " ".join(chance.choice(words) for _ in range(9000)).encode()
        self.fields = [HTML, ("Cache-Control", "max-age=60"), ("ETag", '"v1"'), ("Last-Modified", "Sat, 01 Nov 2025 00:00:00 GMT")]
        self.at = self.origin()
        self.at.answer_page = self.page
        self.config = (f'[[listen]]\naddress = "127.0.0.1:0"\n[cache.static]\n{self.cache}\n[compress.default]\n'
                       'level = { gzip = 1, br = 1, zstd = 1 }\n[[route]]\ncache = "static"\n'
                       f'upstream = "{self.at.url}"\n')
        self.through = self.proxy(self.config)
        self.talk = self.client(self.through)

    def page(self, connection, request):
        if request["If-None-Match"] == '"v1"':
            self.at.reply(connection, status="304 Not Modified", fields=self.fields, request=request)
        else:
            self.at.reply(connection, self.body, fields=self.fields, request=request)

    def ask(self, accept="gzip", method="GET", fields=(), path="/page"):
        accepted = [("Accept-Encoding", accept)] if accept else []
        self.talk.ask(method, path, [*accepted, *fields])
        return self.talk.response(method)

    def coded(self, coding="gzip"):
        """How many replies were coded while their clients waited."""
        return self.through.status()["compressed"][coding]["replies"]

    def stored(self):
        return self.through.control("GET", "/v1/cache/static")[1]["bytes"]

    def best(self, accept="gzip"):
        """Asks until the form is the best there will be."""
        first = len(self.ask(accept).body)
        return until(lambda: (got := self.ask(accept)) and len(got.body) < first and got, "a better form")


class Forms(FormsTest):
    def test_it_is_coded_once_and_better_when_there_is_time(self):
        quick = self.ask()
        self.assertEqual(gzip.decompress(quick.body), self.body)
        better = self.best()
        self.assertEqual(gzip.decompress(better.body), self.body)
        self.assertEqual((better["Content-Encoding"], better["Content-Length"], better["ETag"], better["Vary"]),
                         ("gzip", str(len(better.body)), 'W/"v1"', "Accept-Encoding"))
        coded = self.coded()
        for _ in range(5):
            self.assertEqual(self.ask().body, better.body)
        self.assertEqual(self.coded(), coded, "nothing was coded again")
        self.assertEqual(len(self.at.requests), 1)

    def test_every_coding_has_its_own(self):
        plain = self.ask(None)
        self.assertEqual((plain.body, plain["Content-Encoding"], plain["ETag"]), (self.body, None, '"v1"'))
        before = self.stored()
        sizes = {coding: len(self.best(coding).body) for coding in ("gzip", "br", "zstd")}
        self.assertEqual(len(set(sizes.values())), 3)
        self.assertGreaterEqual(self.stored(), before + sum(sizes.values()))
        self.assertEqual(self.ask(None).body, self.body)
        self.assertEqual(self.through.control("POST", "/v1/cache/static/purge", {"all": True})[0], 200)
        self.assertEqual(self.stored(), 0)

    def test_conditions_hold_for_the_form_the_client_has(self):
        self.best()
        for tag in ('W/"v1"', '"v1"'):
            confirmed = self.ask(fields=[("If-None-Match", tag)])
            self.assertEqual((confirmed.status, confirmed["ETag"]), (304, tag))
        self.assertEqual(self.ask(fields=[("If-None-Match", '"v2"')])["Content-Encoding"], "gzip")

    def test_parts_are_of_the_body_as_it_is(self):
        self.best()
        part = self.ask(fields=[("Range", "bytes=10-19")])
        self.assertEqual((part.status, part["Content-Encoding"], part["ETag"], part.body), (206, None, '"v1"', self.body[10:20]))
        self.assertEqual(part["Content-Range"], f"bytes 10-19/{len(self.body)}")
        # A weak tag cannot vouch for bytes (RFC 9110 section 13.1.5): the whole is sent, in the client's coding.
        whole = self.ask(fields=[("Range", "bytes=10-19"), ("If-Range", 'W/"v1"')])
        self.assertEqual((whole.status, gzip.decompress(whole.body)), (200, self.body))
        strong = self.ask(fields=[("Range", "bytes=0-4"), ("If-Range", '"v1"')])
        self.assertEqual((strong.status, strong.body), (206, self.body[:5]))

    def test_head_tells_the_length_of_the_form(self):
        best = self.best()
        head = self.ask(method="HEAD")
        self.assertEqual((head["Content-Length"], head["Content-Encoding"], head["ETag"]),
                         (str(len(best.body)), "gzip", 'W/"v1"'))
        self.assertEqual(self.ask(None, method="HEAD")["Content-Length"], str(len(self.body)))

    def test_a_confirmed_reply_keeps_its_forms(self):
        best = self.best()
        coded = self.coded()
        self.assertEqual(self.through.control("POST", "/v1/cache/static/purge", {"all": True, "soft": True})[0], 200)
        again = self.ask()
        self.assertEqual(again.body, best.body)
        self.assertEqual((self.coded(), len(self.at.requests)), (coded, 2))

    def test_what_does_not_shrink_is_tried_once(self):
        self.body = random.Random(1).randbytes(5000)
        for _ in range(4):
            got = self.ask()
            self.assertIsNone(got["Content-Encoding"])
            self.assertTrue(got.body == self.body)
        self.assertEqual(self.coded(), 0)

    def test_large_bodies_too(self):
        self.body = pattern(1_500_000)
        self.assertEqual(gzip.decompress(self.ask().body), self.body)
        whole = until(lambda: (got := self.ask()) and got["Content-Length"] and got, "the form made in the background")
        self.assertEqual(gzip.decompress(whole.body), self.body)


class OnDisk(FormsTest):
    """What was made once is there after a restart, in a memory that has not seen it."""

    def setUp(self):
        self.cache = f'disk = {{ path = "{self.folder()}/disk", size = "64MiB" }}'
        super().setUp()

    def written(self):
        text = self.through.control("GET", "/metrics")[1]
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("rpx_cache_disk_written_bytes_total{"))

    def restart(self):
        self.talk.close()
        self.through.stop()
        self.through = self.proxy(self.config)
        self.talk = self.client(self.through)

    def test_every_form_is_served_after_a_restart_without_coding_again(self):
        before = {}
        for coding in ("gzip", "br", "zstd"):
            written = self.written()
            before[coding] = self.best(coding).body
            until(lambda: self.written() - written >= len(before[coding]), "the form on the disk")
        self.restart()
        for coding, body in before.items():
            again = self.ask(coding)
            self.assertEqual((again.status, again["Content-Encoding"], again["ETag"]), (200, coding, 'W/"v1"'))
            self.assertTrue(again.body == body, coding)
            self.assertEqual(self.coded(coding), 0)
            self.assertEqual(self.ask(coding, "HEAD")["Content-Length"], str(len(body)))
            self.assertEqual(self.ask(coding, fields=[("If-None-Match", 'W/"v1"')]).status, 304)
            part = self.ask(coding, fields=[("Range", "bytes=10-19")])
            self.assertEqual((part.status, part["Content-Encoding"], part.body), (206, None, self.body[10:20]))
        self.assertEqual(self.ask(None).body, self.body)
        self.assertEqual(len(self.at.requests), 1)

    def test_a_new_body_has_none_of_the_old_forms(self):
        self.best()
        self.assertEqual(self.through.control("POST", "/v1/cache/static/purge", {"all": True})[0], 200)
        self.body = self.body[::-1]
        self.assertEqual(gzip.decompress(self.ask().body), self.body)
        self.restart()
        self.assertEqual(gzip.decompress(self.ask().body), self.body)
        self.assertEqual(len(self.at.requests), 2)


if __name__ == "__main__":
    unittest.main()
