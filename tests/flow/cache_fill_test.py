"""One fill and many readers: they start on the first byte, go at their own speed, and need not the one who began."""

import asyncio
import threading
import unittest

from flow.cache_test import CacheTest
from support.client import Client, fetch
from support.h2 import DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, WINDOW_UPDATE, connect, frame, head, number, setting
from support.origin import pattern
from support.waiting import PATIENCE, until

HALF = 400_000


class FillTest(CacheTest):
    def setUp(self):
        super().setUp()
        self.body = pattern(2 * HALF)
        self.at.answer_halves = self.halves

    def halves(self, connection, request):
        """The second half once the gate is open."""
        connection.send(self.head(f"Content-Length: {len(self.body)}") + self.body[:HALF])
        self.at.gate.wait(PATIENCE)
        connection.send(self.body[HALF:])

    def head(self, *lines):
        fields = [*lines, *(f"{name}: {value}" for name, value in self.fields)]
        return "\r\n".join([f"HTTP/1.1 {self.status}", *fields, "", ""]).encode()

    def begin(self, path="/halves", fields=(), **more):
        """A client that has been sent a head."""
        client = self.client(self.through, **more)
        client.ask(path=path, fields=fields)
        return client, client.response_head()


class Along(FillTest):
    def test_readers_start_on_the_first_byte(self):
        self.begin()
        clients = [self.begin()[0] for _ in range(3)]
        for client in clients:
            self.assertEqual(client.exactly(HALF), self.body[:HALF])
        self.at.gate.set()
        for client in clients:
            self.assertEqual(client.exactly(HALF), self.body[HALF:])
        self.assertEqual(self.asked(), 1)
        until(lambda: self.stats()["entries"] == 1, "the stored object")
        self.assertIn("hit", self.ask("/halves")["Cache-Status"])

    def test_readers_are_told_so_and_what_they_have_is_not_sent_again(self):
        self.begin()
        client, head = self.begin()
        self.assertRegex(head["Cache-Status"], r"^rpx; hit; ttl=\d+; collapsed$")
        self.assertEqual((head["Content-Length"], head["ETag"]), (str(2 * HALF), '"v1"'))
        _, head = self.begin(fields=[("If-None-Match", '"v1"')])
        self.assertEqual(head.status, 304)
        self.at.gate.set()
        self.assertEqual(client.exactly(2 * HALF), self.body)
        self.assertEqual(self.asked(), 1)

    def test_one_who_does_not_read_holds_nobody_up(self):
        self.body = pattern(8_000_000)
        self.at.gate.set()
        for _ in range(2):
            self.begin(receive_buffer=4096)
        self.assertEqual(fetch(self.through.url, "/halves").body, self.body)
        until(lambda: self.stats()["entries"] == 1, "the stored object")
        self.assertEqual(self.asked(), 1)

    def test_the_one_who_began_may_leave(self):
        first, _ = self.begin()
        client, _ = self.begin()
        self.assertEqual(client.exactly(HALF), self.body[:HALF])
        first.close()
        self.at.gate.set()
        self.assertEqual(client.exactly(HALF), self.body[HALF:])
        until(lambda: self.stats()["entries"] == 1, "the stored object")
        self.assertEqual(self.asked(), 1)

    def test_another_variant_is_asked_for(self):
        self.fields.append(("Vary", "Accept-Language"))
        self.begin(fields=[("Accept-Language", "de")])
        self.begin(fields=[("Accept-Language", "de")])
        self.begin(fields=[("Accept-Language", "en")])
        self.assertEqual(self.asked(), 2)
        self.at.gate.set()

    def test_after_a_purge_the_old_one_is_not_joined(self):
        self.begin()
        before, _ = self.begin()
        self.assertEqual(self.through.control("POST", "/v1/cache/static/purge", {"all": True})[0], 200)
        self.begin()
        self.assertEqual(self.asked(), 2)
        self.at.gate.set()
        self.assertEqual(before.exactly(2 * HALF), self.body)

    def test_an_origin_that_fails_half_way_fails_all_of_them(self):
        def cut(connection, _request):
            connection.send(self.head(f"Content-Length: {2 * HALF}") + self.body[:HALF])
            self.at.gate.wait(PATIENCE)
            connection.reset()

        self.at.answer_cut = cut
        clients = [self.begin("/cut")[0] for _ in range(3)]
        self.at.gate.set()
        for client in clients:
            self.assertLess(len(client.rest()), 2 * HALF)
        self.assertEqual((self.asked(), self.stats()["entries"]), (1, 0))

    def test_encoded_for_those_who_take_it(self):
        self.begin()
        self.begin(fields=[("Accept-Encoding", "gzip")])
        self.at.gate.set()
        self.assertEqual(self.asked(), 1)


class Abandoned(FillTest):
    """The one who began leaves half-way: those who read along have every byte, and the object is stored."""
    listen = 'protocols = ["http/1.1", "h2c"]'

    def over_h2(self, path=b"/halves"):
        """A client of HTTP/2 that has been sent a head, on stream 1."""
        peer = connect(self.through.address(), setting(4, 1 << 24))
        self.addCleanup(peer.close)
        peer.send(frame(WINDOW_UPDATE, 0, 0, number(1 << 24)),
                  frame(HEADERS, END_HEADERS | END_STREAM, 1, head(path=path, authority=b"origin.test")))
        peer.until(HEADERS, 1)
        return peer

    def take(self, peer, size):
        data = b""
        while len(data) < size:
            data += peer.until(DATA, 1)
        return data

    def begin_both(self, path="/halves"):
        """One who begins over HTTP/2, then one each who reads along; all have the first half."""
        first = self.over_h2(path.encode())
        self.assertEqual(self.take(first, HALF), self.body[:HALF])
        along, other = self.begin(path)[0], self.over_h2(path.encode())
        self.assertEqual(self.take(other, HALF), self.body[:HALF])
        return first, along, other

    def finish_both(self, along, other, read):
        self.at.gate.set()
        self.assertEqual(read(along), self.body)
        self.assertEqual(self.take(other, HALF), self.body[HALF:])
        until(lambda: self.stats()["entries"] == 1, "the stored object")
        self.assertEqual(self.asked(), 1)

    def await_left(self):
        until(lambda: self.through.status()["exchanges"] == 2, "the end of the exchange that began")

    def test_by_a_reset_of_its_stream(self):
        first, along, other = self.begin_both()
        first.send(frame(RST_STREAM, 0, 1, number(8)))
        self.await_left()
        self.finish_both(along, other, lambda client: client.exactly(2 * HALF))
        self.assertIn("hit", self.ask("/halves")["Cache-Status"])

    def test_by_the_end_of_its_connection(self):
        first, along, other = self.begin_both()
        first.close()
        self.await_left()
        self.finish_both(along, other, lambda client: client.exactly(2 * HALF))

    def test_where_the_length_is_not_known(self):
        def pieces(connection, request):
            self.at.reply_chunked(connection, request, in_pieces(), fields=self.fields)

        def in_pieces():
            yield self.body[:HALF]
            self.at.gate.wait(PATIENCE)
            yield self.body[HALF:]

        self.at.answer_pieces = pieces
        first, along, other = self.begin_both("/pieces")
        first.send(frame(RST_STREAM, 0, 1, number(8)))
        self.await_left()
        self.finish_both(along, other, lambda client: client.chunked()[0])

    def test_and_the_origin_fails_then(self):
        def cut(connection, _request):
            connection.send(self.head(f"Content-Length: {2 * HALF}") + self.body[:HALF])
            self.at.gate.wait(PATIENCE)
            connection.reset()

        self.at.answer_cut = cut
        first, along, other = self.begin_both("/cut")
        first.send(frame(RST_STREAM, 0, 1, number(8)))
        self.await_left()
        self.at.gate.set()
        self.assertLess(len(along.rest()), 2 * HALF)
        other.until(RST_STREAM, 1)
        self.assertEqual((self.asked(), self.stats()["entries"]), (1, 0))

    def test_after_those_who_read_along(self):
        """Nobody wants the rest: it is not read."""
        first, other = self.over_h2(), self.over_h2()
        other.send(frame(RST_STREAM, 0, 1, number(8)))
        until(lambda: self.through.status()["exchanges"] == 1, "the end of those who read along")
        first.send(frame(RST_STREAM, 0, 1, number(8)))
        until(lambda: self.through.status()["exchanges"] == 0, "the end of the one who began")
        self.at.gate.set()
        self.assertEqual(self.ask("/halves").body, self.body)
        self.assertEqual(self.asked(), 2)


class TooLarge(FillTest):
    cache = f'max_object = "{HALF + 1}B"'

    def test_one_of_unknown_length_is_whole_for_the_one_who_began(self):
        def pieces(connection, request):
            self.at.reply_chunked(connection, request, self.in_pieces(), fields=self.fields)

        self.at.answer_pieces = pieces
        first, _ = self.begin("/pieces")
        other, _ = self.begin("/pieces")
        self.at.gate.set()
        self.assertEqual(first.chunked()[0], self.body)
        self.assertLess(len(other.rest()), 2 * HALF)
        self.assertEqual((self.asked(), self.stats()["entries"]), (1, 0))

    def in_pieces(self):
        yield self.body[:HALF]
        self.at.gate.wait(PATIENCE)
        yield self.body[HALF:]


class Crowd(CacheTest):
    CROWD = 1000
    cache = 'collapse = "1m"\n[limits]\nconnections_per_client = 0'

    def test_a_thousand_misses_of_one_key_are_one_request(self):
        async def one():
            reader, writer = await asyncio.open_connection(*self.through.address())
            writer.write(b"GET /gated HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer

        async def crowd():
            asking = [asyncio.ensure_future(one()) for _ in range(self.CROWD)]
            while (await asyncio.to_thread(self.stats))["collapsed"] < self.CROWD - 1:
                await asyncio.sleep(0.05)
            self.at.gate.set()
            return await asyncio.gather(*asking)

        def gated(connection, request):
            self.at.gate.wait(PATIENCE * 3)
            self.page(connection, request)

        self.at.answer_gated = gated
        answers = asyncio.run(asyncio.wait_for(crowd(), PATIENCE * 3))
        self.assertEqual({answer.split(b"\r\n\r\n", 1)[1] for answer in answers}, {self.body})
        self.assertEqual(self.asked(), 1)

    def test_an_uncacheable_answer_releases_all_at_once(self):
        """The origin answers none of those who waited before all of them have asked."""
        self.fields = [("Cache-Control", "no-store")]
        waiting = 20
        together = threading.Barrier(waiting)

        def answer(connection, request):
            if request["X-First"]:
                self.at.gate.wait(PATIENCE)
            else:
                together.wait(PATIENCE)
            self.page(connection, request)

        self.at.answer_private = answer
        first = threading.Thread(target=fetch, args=(self.through.url, "/private"), kwargs={"fields": [("X-First", "1")]})
        first.start()
        self.at.await_requests(1)
        answers = []
        others = [threading.Thread(target=lambda: answers.append(fetch(self.through.url, "/private").body))
                  for _ in range(waiting)]
        for other in others:
            other.start()
        until(lambda: self.stats()["collapsed"] == waiting, "those who wait")
        self.at.gate.set()
        for other in [first, *others]:
            other.join()
        self.assertEqual(answers, [self.body] * waiting)


class Rules(CacheTest):
    cache = ('status_ttl = { "404" = "1m", "5xx" = "1m", "410" = "0s" }\n'
             'bypass = [{ path = "/page/account/*" }, { cookie = "session*" }, { query = "preview" },\n'
             '          { header = { "X-Preview" = "*" } }]')

    def twice(self, path="/page", fields=()):
        before = self.asked()
        for _ in range(2):
            last = self.ask(path, fields)
        return self.asked() - before, last

    def test_replies_without_freshness_have_that_of_their_status(self):
        self.fields = []
        for status, asked in (("404 Not Found", 1), ("503 Service Unavailable", 1), ("410 Gone", 2), ("200 OK", 2)):
            self.status = status
            times, last = self.twice("/page/" + status[:3])
            self.assertEqual((times, last.status), (asked, int(status[:3])))
        self.status, self.fields = "404 Not Found", [("Cache-Control", "no-store")]
        self.assertEqual(self.twice("/page/stated")[0], 2)
        self.fields = [("Set-Cookie", "a=b")]
        self.assertEqual(self.twice("/page/cookie")[0], 2)

    def test_what_a_rule_names_is_not_for_the_cache(self):
        for path, fields in (("/page/account/1", ()), ("/page", [("Cookie", "a=1; session_id=2")]),
                             ("/page?preview=1", ()), ("/page", [("X-Preview", "yes")])):
            times, last = self.twice(path, fields)
            self.assertEqual((times, last["Cache-Status"]), (2, "rpx; fwd=bypass"))
        self.assertEqual(self.twice("/page", [("Cookie", "a=session")])[0], 1)


class PurgeMethod(CacheTest):
    cache = ('purge = "office"\n[access.office]\n'
             'rules = [{ allow = ["127.0.0.0/8"], header = { "X-Key" = "right" } }, { deny = ["all"] }]')

    def purge(self, path, *fields, status=200, key="right"):
        response = self.ask(path, [("X-Key", key), *fields], "PURGE")
        self.assertEqual(response.status, status)
        return response

    def fill(self):
        for path in ("/page/a/1", "/page/a/2", "/page/b"):
            self.ask(path)

    def test_url_prefix_and_tags(self):
        self.fields.append(("Surrogate-Key", "red green"))
        for path, fields, entries in (("/page/b", (), 1), ("/page/a/*", (), 2), ("/", [("Surrogate-Key", "green")], 3),
                                      ("/page/none", (), 0), ("/page/a", (), 0)):
            self.fill()
            answer = self.purge(path, *fields)
            self.assertRegex(answer.body, rb'^{"entries":%d,"bytes":\d+,"hits":\d+}\n$' % entries)
        before = self.asked()
        self.fill()
        self.assertEqual(self.asked(), before)

    def test_softly(self):
        self.fill()
        self.purge("/page/b", ("Purge-Mode", "soft"))
        self.assertIn("fwd-status=304", self.ask("/page/b")["Cache-Status"])
        self.purge("/page/b", ("Purge-Mode", "what"), status=400)

    def test_only_for_those_who_may(self):
        self.fill()
        self.purge("/page/b", key="wrong", status=403)
        before = self.asked()
        self.fill()
        self.assertEqual(self.asked(), before)


class PurgePassed(CacheTest):
    def test_it_is_the_origins_where_the_cache_does_not_say_who_may(self):
        self.ask(method="PURGE")
        self.assertEqual(self.at.requests[-1].method, "PURGE")


if __name__ == "__main__":
    unittest.main()
