"""Replies are stored and answered with again: fresh, validated, in parts, stale on errors, and purged."""

import gzip
import threading
import unittest

from support.client import Client, fetch
from support.flow import FlowTest
from support.origin import pattern
from support.waiting import until

HTML = ("Content-Type", "text/html")


class CacheTest(FlowTest):
    cache = ""
    listen = ""
    route = 'cache = "static"'

    def setUp(self):
        super().setUp()
        self.body = pattern(5000)
        self.fields = [("Cache-Control", "max-age=60"), ("ETag", '"v1"')]
        self.status = "200 OK"
        self.at = self.origin()
        self.at.answer_page = self.page
        self.through = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\n{self.listen}\n[cache.static]\n{self.cache}\n'
                                  f'[[route]]\nname = "all"\nupstream = "{self.at.url}"\n{self.route}\n')
        self.to_proxy = self.client(self.through)

    def page(self, connection, request):
        if self.status.startswith("200") and request["If-None-Match"] in [v for n, v in self.fields if n == "ETag"]:
            self.at.reply(connection, status="304 Not Modified", fields=self.fields, request=request)
        else:
            self.at.reply(connection, self.body, status=self.status, fields=self.fields, request=request)

    def ask(self, path="/page", fields=(), method="GET"):
        self.to_proxy.ask(method, path, fields)
        return self.to_proxy.response(method)

    def asked(self):
        return len(self.at.requests)

    def stats(self):
        code, stats = self.through.control("GET", "/v1/cache/static")
        self.assertEqual(code, 200, stats)
        return stats


class Stored(CacheTest):
    def test_the_second_answer_is_from_the_store(self):
        first, second = self.ask(), self.ask()
        self.assertEqual(first["Cache-Status"], "rpx; fwd=uri-miss; stored")
        self.assertIsNone(first["Age"])
        self.assertRegex(second["Cache-Status"], r"^rpx; hit; ttl=(59|60)$")
        self.assertIn(second["Age"], ("0", "1"))
        self.assertEqual(second.body, self.body)
        self.assertEqual((second["ETag"], second["X-Origin"]), ('"v1"', "origin"))
        self.assertEqual(self.asked(), 1)

    def test_bodies_of_any_size_and_framing(self):
        self.fields = [("Cache-Control", "max-age=60")]
        for size in (0, 1, 16_383, 300_000, 3_000_000):
            self.body = pattern(size)
            for _ in range(2):
                self.assertEqual(self.ask(f"/page/{size}").body, self.body)
        self.assertEqual(self.asked(), 5)
        self.at.answer_pieces = lambda connection, request: self.at.reply_chunked(
            connection, request, [self.body[i:i + 99_999] for i in range(0, len(self.body), 99_999)], fields=self.fields)
        for _ in range(3):
            self.assertEqual(self.ask("/pieces").body, self.body)
        self.assertEqual(self.asked(), 6)

    def test_head_comes_from_a_stored_get(self):
        self.ask()
        head = self.ask(method="HEAD")
        self.assertEqual((head.status, head["Content-Length"]), (200, "5000"))
        self.assertEqual(self.asked(), 1)

    def test_what_is_not_stored(self):
        for fields, asks in (([("Cache-Control", "no-store")], ()), ([("Cache-Control", "private")], ()),
                             ([("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Set-Cookie", "a=b")], ()),
                             ([("Cache-Control", "max-age=60"), ("Vary", "*")], ()),
                             ([("Cache-Control", "max-age=60")], [("Authorization", "Basic YTpi")]), ([], ())):
            self.fields = fields
            before = self.asked()
            for _ in range(2):
                self.assertEqual(self.ask(fields=asks).body, self.body)
            self.assertEqual(self.asked(), before + 2, fields)
        self.assertEqual(self.stats()["entries"], 0)

    def test_what_vary_names_tells_replies_apart(self):
        self.fields = [("Cache-Control", "max-age=60"), ("Vary", "Accept-Language")]
        for language in ("de", "en", "de", "en"):
            self.body = language.encode() if self.asked() < 2 else b"wrong"
            self.assertEqual(self.ask(fields=[("Accept-Language", language)]).body, language.encode())
        self.assertEqual(self.asked(), 2)

    def test_targeted_control_wins(self):
        self.fields = [("Cache-Control", "no-store"), ("CDN-Cache-Control", "max-age=60")]
        self.ask()
        self.assertIn("hit", self.ask()["Cache-Status"])

    def test_unsafe_methods_take_the_object_out(self):
        self.ask()
        self.ask(method="POST", fields=[("Content-Length", "0")])
        self.ask()
        self.assertEqual(self.asked(), 3)


    def test_a_reply_to_post_may_stand_for_get(self):
        self.fields.append(("Content-Location", "/page"))
        self.ask(method="POST", fields=[("Content-Length", "0")])
        self.assertIn("hit", self.ask()["Cache-Status"])
        self.fields[-1] = ("Content-Location", "/other")
        self.ask(method="POST", fields=[("Content-Length", "0")])
        self.assertNotIn("hit", self.ask()["Cache-Status"])


class Conditions(CacheTest):
    def test_a_client_that_has_it_is_told_so(self):
        self.ask()
        for fields in ([("If-None-Match", '"v1"')], [("If-None-Match", '"x", W/"v1"')], [("If-None-Match", "*")]):
            response = self.ask(fields=fields)
            self.assertEqual((response.status, response["ETag"]), (304, '"v1"'))
        self.assertEqual(self.ask(fields=[("If-None-Match", '"v2"')]).status, 200)
        self.assertEqual(self.asked(), 1)

    def test_parts(self):
        self.ask()
        for asks, first, last in (("0-0", 0, 0), ("10-19", 10, 19), ("4990-", 4990, 4999), ("-5", 4995, 4999),
                                  ("4000-9999", 4000, 4999)):
            response = self.ask(fields=[("Range", f"bytes={asks}")])
            self.assertEqual((response.status, response["Content-Range"]), (206, f"bytes {first}-{last}/5000"))
            self.assertEqual(response.body, self.body[first:last + 1])
        response = self.ask(fields=[("Range", "bytes=5000-")])
        self.assertEqual((response.status, response["Content-Range"]), (416, "bytes */5000"))
        for fields in ([("Range", "bytes=0-9"), ("If-Range", '"old"')], [("Range", "lines=1-2")],
                       [("Range", "bytes=0-5,5-6")]):
            self.assertEqual(self.ask(fields=fields).status, 200)
        self.assertEqual(self.ask(fields=[("Range", "bytes=0-9"), ("If-Range", '"v1"')]).status, 206)
        self.assertEqual(self.asked(), 1)

    def test_the_origin_confirms_what_must_be_validated(self):
        self.fields = [("Cache-Control", "no-cache"), ("ETag", '"v1"')]
        self.ask()
        response = self.ask()
        self.assertEqual(response["Cache-Status"].split("; ")[:3], ["rpx", "fwd=stale", "fwd-status=304"])
        self.assertEqual(response.body, self.body)
        self.assertEqual(self.at.requests[1]["If-None-Match"], '"v1"')
        self.body, self.fields = b"new", [("Cache-Control", "max-age=60"), ("ETag", '"v2"')]
        self.assertEqual(self.ask().body, b"new")
        self.assertIn("hit", self.ask()["Cache-Status"])

    def test_a_request_may_ask_for_validation_or_for_the_store_alone(self):
        self.assertEqual(self.ask(fields=[("Cache-Control", "only-if-cached")]).status, 504)
        self.ask()
        self.assertEqual(self.ask(fields=[("Cache-Control", "only-if-cached")]).status, 200)
        self.ask(fields=[("Cache-Control", "no-cache")])
        self.assertEqual(self.asked(), 2)


class Stale(CacheTest):
    def test_errors_are_covered_by_stale_objects(self):
        self.fields = [("Cache-Control", "max-age=0, stale-if-error=60"), ("ETag", '"v1"')]
        self.ask()
        self.status = "503 Down"
        response = self.ask()
        self.assertEqual((response.status, response.body), (200, self.body))
        self.assertIn("detail=stale-if-error", response["Cache-Status"])
        self.at.kill()
        self.assertEqual(self.ask().status, 200)

    def test_must_revalidate_forbids_that(self):
        self.fields = [("Cache-Control", "max-age=0, must-revalidate, stale-if-error=60"), ("ETag", '"v1"')]
        self.ask()
        self.status = "503 Down"
        self.assertEqual(self.ask().status, 503)

    def test_a_stale_object_is_refreshed_behind_the_answer(self):
        self.fields = [("Cache-Control", "max-age=0, stale-while-revalidate=60"), ("ETag", '"v1"')]
        self.ask()
        self.body, self.fields = b"new", [("Cache-Control", "max-age=60"), ("ETag", '"v2"')]
        self.assertEqual(self.ask().body, pattern(5000))
        until(lambda: self.ask().body == b"new", "the refreshed object")
        self.assertEqual(self.asked(), 2)
        self.assertEqual(self.at.requests[1]["If-None-Match"], '"v1"')


class Collapsed(CacheTest):
    def test_many_misses_are_one_request(self):
        self.at.answer_slow = self.slow
        answers = []
        readers = [threading.Thread(target=lambda: answers.append(fetch(self.through.url, "/slow").body)) for _ in range(30)]
        for reader in readers:
            reader.start()
        until(lambda: self.stats()["collapsed"] == 29, "29 that wait")
        self.at.gate.set()
        for reader in readers:
            reader.join()
        self.assertEqual(answers, [self.body] * 30)
        self.assertEqual(self.asked(), 1)

    def test_what_cannot_be_shared_holds_nobody_up(self):
        self.at.answer_slow = self.slow
        self.fields = [("Cache-Control", "private")]
        answers = []
        readers = [threading.Thread(target=lambda: answers.append(fetch(self.through.url, "/slow").body)) for _ in range(9)]
        for reader in readers:
            reader.start()
        until(lambda: self.stats()["collapsed"] == 8, "8 that wait")
        self.at.gate.set()
        for reader in readers:
            reader.join()
        self.assertEqual(self.asked(), 9)

    def slow(self, connection, request):
        self.at.gate.wait(10)
        self.page(connection, request)


    def test_one_of_those_who_wait_takes_the_place_of_one_who_left(self):
        self.at.answer_slow = self.slow
        leaves = self.client(self.through)
        leaves.ask(path="/slow")
        self.at.await_requests(1)
        answers = []
        reader = threading.Thread(target=lambda: answers.append(fetch(self.through.url, "/slow").body))
        reader.start()
        until(lambda: self.stats()["collapsed"] == 1, "one that waits")
        leaves.close()
        self.at.await_requests(2)
        self.at.gate.set()
        reader.join()
        self.assertEqual(answers, [self.body])
        self.assertIn("hit", self.ask("/slow")["Cache-Status"])


class Broken(CacheTest):
    def test_a_body_cut_short_is_not_stored(self):
        def cut(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 900000\r\n\r\n" + b"x" * 400_000)
            connection.reset()

        self.at.answer_cut = cut
        for _ in range(2):
            client = self.client(self.through)
            client.ask(path="/cut")
            self.assertLess(len(client.rest()), 900_000)
        self.assertEqual((self.asked(), self.stats()["entries"]), (2, 0))

    def test_a_client_that_leaves_half_way_leaves_nothing_half(self):
        self.body = pattern(8_000_000)
        client = self.client(self.through)
        client.ask(path="/page/large")
        client.exactly(100_000)
        client.close()
        for _ in range(2):
            self.assertEqual(self.ask("/page/large").body, self.body)

    def test_everything_at_once(self):
        """Hits, fills, purges, reloads and those who leave, side by side: every answer is whole and right."""
        self.at.answer_mixed = lambda connection, request: self.at.reply(
            connection, request.path.encode() * 3000, request=request, fields=[
                ("Cache-Control", "max-age=%d, stale-while-revalidate=5" % (int(request.path[7:]) % 3)), ("ETag", '"1"')])
        wrong = []

        def reader(number):
            for i in range(60):
                path = f"/mixed/{(number * 7 + i) % 20}"
                with Client(self.through.url) as client:
                    client.ask(path=path, fields=[("Range", "bytes=0-8")] if i % 5 == 0 else [])
                    if i % 7 == 0:
                        continue
                    body = client.response().body
                    if body not in (path.encode() * 3000, (path.encode() * 3000)[:9]):
                        wrong.append((path, body[:50]))

        readers = [threading.Thread(target=reader, args=(n,)) for n in range(12)]
        for one in readers:
            one.start()
        for what in ({"all": True}, {"prefix": "http://origin.test/mixed/1", "soft": True}, {"host": "origin.test"}) * 5:
            self.through.control("POST", "/v1/cache/static/purge", what)
            self.through.reload()
        for one in readers:
            one.join()
        self.assertEqual(wrong, [])


class Purged(CacheTest):
    def purge(self, **what):
        code, answer = self.through.control("POST", "/v1/cache/static/purge", what)
        self.assertEqual(code, 200, answer)
        return answer["entries"]

    def test_by_url_prefix_host_tag_and_all(self):
        self.fields.append(("Surrogate-Key", "red green"))
        for path in ("/page/a/1", "/page/a/2", "/page/b"):
            self.ask(path)
        base = "http://origin.test"
        self.assertEqual(self.purge(url=base + "/page/nothing"), 0)
        self.assertEqual(self.purge(prefix=base + "/page/a/", dry_run=True), 2)
        self.assertEqual(self.purge(url=base + "/page/b"), 1)
        self.assertEqual(self.purge(prefix=base + "/page/a/"), 2)
        for what in ({"host": "origin.test"}, {"tag": "green"}, {"all": True}):
            self.ask("/page/a/1")
            self.assertEqual(self.purge(**what), 1)
        self.assertEqual(self.stats()["entries"], 0)

    def test_softly(self):
        self.ask()
        self.assertEqual(self.purge(all=True, soft=True), 1)
        self.assertIn("fwd-status=304", self.ask()["Cache-Status"])
        self.assertIn("hit", self.ask()["Cache-Status"])

    def test_wrong_purges_are_refused(self):
        for body in ({}, {"soft": True}, {"all": False}, {"url": 1}, {"url": "/a", "all": True}, {"what": "x"}):
            self.assertEqual(self.through.control("POST", "/v1/cache/static/purge", body)[0], 400, body)
        self.assertEqual(self.through.control("POST", "/v1/cache/other/purge", {"all": True})[0], 404)

    def test_what_is_stored_can_be_looked_at(self):
        self.ask("/page/1")
        self.ask("/page/1")
        items = self.through.control("GET", "/v1/cache/static/entries")[1]["items"]
        self.assertEqual([(i["url"], i["status"], i["hits"]) for i in items], [("http://origin.test/page/1", 200, 1)])
        entry = self.through.control("GET", "/v1/cache/static/entry?url=http://origin.test/page/1")[1]
        self.assertIn(["ETag", '"v1"'], entry["variants"][0]["headers"])
        self.assertEqual([z["name"] for z in self.through.control("GET", "/v1/cache")[1]["items"]], ["static"])
        self.assertIn('rpx_cache_hits_total{cache="static"} 1', self.through.control("GET", "/metrics")[1])


class Small(CacheTest):
    cache = 'memory = "64KiB"\nmax_object = "20KB"\ncollapse = "0s"'

    def test_the_budget_holds(self):
        for i in range(40):
            self.ask(f"/page/{i}")
        stats = self.stats()
        self.assertLessEqual(stats["bytes"], 65536)
        self.assertGreater(stats["evicted"], 20)
        self.body = pattern(20_001)
        for _ in range(2):
            self.assertEqual(self.ask("/page/large").body, self.body)
        self.assertEqual(self.asked(), 42)


class Compressed(CacheTest):
    route = 'cache = "static"\ncompress = "default"'

    def test_stored_objects_are_compressed_for_those_who_take_it(self):
        self.fields.append(HTML)
        for size in (5000, 600_000):
            self.body = pattern(size)
            path = f"/page/{size}"
            self.ask(path)
            coded = self.ask(path, fields=[("Accept-Encoding", "gzip")])
            self.assertEqual((coded["Content-Encoding"], coded["Vary"], coded["ETag"]), ("gzip", "Accept-Encoding", 'W/"v1"'))
            self.assertEqual(gzip.decompress(coded.body), self.body)
            plain = self.ask(path)
            self.assertEqual((plain["Content-Encoding"], plain.body), (None, self.body))
            again = self.ask(path, fields=[("Accept-Encoding", "gzip"), ("If-None-Match", 'W/"v1"')])
            self.assertEqual((again.status, again["ETag"]), (304, 'W/"v1"'))
        self.assertEqual(self.asked(), 2)


class Reloaded(CacheTest):
    def test_what_is_stored_outlives_a_reload(self):
        self.ask()
        code, _ = self.through.reload()
        self.assertEqual(code, 200)
        self.assertIn("hit", self.ask()["Cache-Status"])


if __name__ == "__main__":
    unittest.main()
