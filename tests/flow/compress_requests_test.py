"""Request bodies are compressed for servers that take it and decompressed for those that cannot; replies are
decompressed for clients that do not ask for a coding."""

import gzip
import unittest

from support.flow import FlowTest
from support.origin import pattern
from support.waiting import until

JSON = ("Content-Type", "application/json")
GZIPPED = ("Content-Encoding", "gzip")


class Taking:
    """What one origin makes of coded bodies, as a page function."""

    def __init__(self, origin, takes=True, says=None):
        self.origin, self.takes, self.says = origin, takes, says
        self.refusal = "415 Unsupported Media Type"
        self.seen = []  # (Content-Encoding, Content-Length, plain body) of each request
        origin.answer_take = self.answer

    def answer(self, connection, request):
        coding = request["Content-Encoding"]
        fields = [("Accept-Encoding", self.says)] if self.says else []
        body = request.body
        self.seen.append((coding, request["Content-Length"], gzip.decompress(body) if coding == "gzip" else body))
        status = self.refusal if coding and not self.takes else "200 OK"
        self.origin.reply(connection, b"taken", status=status, fields=fields, request=request)


class CompressRequests(FlowTest):
    def begin(self, rules="", takes=True, says=None, **more):
        """Without `rules` it is a proxy whose file says nothing of compression."""
        self.at = self.origin()
        self.taking = Taking(self.at, takes, says)
        if rules:
            more.update(top=f"[compress.up]\n{rules}", route='compress = "up"')
        self.through = self.proxy_to(self.at.url, **more)
        self.talk = self.client(self.through)

    def send(self, body, fields=(JSON,)):
        self.talk.ask("POST", "/take", fields, body)
        return self.talk.response()

    def last(self):
        return self.taking.seen[-1]

    def test_a_short_body_is_coded_whole_with_its_length(self):
        self.begin('requests = { encoding = "gzip", min_size = "1KiB" }')
        body = pattern(20_000)
        self.assertEqual(self.send(body).status, 200)
        coding, length, plain = self.last()
        self.assertEqual((coding, plain), ("gzip", body))
        self.assertLess(int(length), len(body) // 2)

    def test_a_long_body_is_coded_once_the_server_has_taken_one(self):
        self.begin('requests = { encoding = "gzip" }')
        body = pattern(500_000)
        self.assertEqual(self.send(body).status, 200)
        self.assertEqual(self.last()[0], None)
        self.send(pattern(10_000))
        self.assertEqual(self.last()[0], "gzip")
        self.assertEqual(self.send(body).status, 200)
        self.assertEqual(self.last(), ("gzip", None, body))

    def test_what_is_short_dense_coded_or_of_another_type_goes_as_it_is(self):
        self.begin('requests = { encoding = "gzip", min_size = "1KiB" }')
        for body, fields in ((b"short", [JSON]), (pattern(9000), [("Content-Type", "image/png")]),
                             (gzip.compress(pattern(9000)), [JSON, GZIPPED]),
                             (pattern(9000), [JSON, ("Cache-Control", "no-transform")]), (b"", [JSON])):
            self.assertEqual(self.send(body, fields).status, 200)
            self.assertEqual(self.at.requests[-1].body, body)

    def test_a_server_that_answers_415_gets_the_body_again_and_plain_from_then_on(self):
        self.begin('requests = { encoding = "gzip" }', takes=False, says="identity")
        body = pattern(20_000)
        self.assertEqual(self.send(body).status, 200)
        self.assertEqual([row[0] for row in self.taking.seen], ["gzip", None])
        self.assertEqual(self.last()[2], body)
        self.assertEqual(self.send(body).status, 200)
        self.assertEqual([row[0] for row in self.taking.seen], ["gzip", None, None])

    def test_auto_goes_by_what_the_server_says(self):
        self.begin('requests = {}\nencodings = ["zstd", "gzip"]', says="gzip;q=1, br;q=0.5")
        body = pattern(20_000)
        self.send(body)
        self.assertEqual(self.last()[0], None)
        self.send(body)
        self.assertEqual((self.last()[0], self.last()[2]), ("gzip", body))

    def test_it_is_on_for_servers_that_say_so_without_a_word_in_the_file(self):
        self.begin(says="gzip")
        body = pattern(20_000)
        self.send(body)
        self.assertEqual(self.last()[0], None)
        self.send(body)
        self.assertEqual((self.last()[0], self.last()[2]), ("gzip", body))
        self.send(pattern(4000))
        self.assertEqual(self.last()[0], None)

    def test_servers_that_say_nothing_get_bodies_as_they_are(self):
        self.begin()
        for _ in range(3):
            self.send(pattern(20_000))
            self.assertEqual(self.last()[:2], (None, "20000"))

    def test_off_is_off(self):
        self.begin('requests = { encoding = "off" }', says="gzip")
        for _ in range(3):
            self.send(pattern(20_000))
            self.assertEqual(self.last()[0], None)

    def test_a_server_that_cannot_read_what_it_asked_for_is_believed_no_more(self):
        for status in ("415 Unsupported Media Type", "400 Bad Request"):
            self.begin(takes=False, says="gzip")
            self.taking.refusal = status
            body = pattern(20_000)
            for _ in range(4):
                self.assertEqual(self.send(body).status, 200)
            self.assertEqual([row[0] for row in self.taking.seen], [None, "gzip", None, None, None])
            self.assertEqual({row[2] for row in self.taking.seen if row[0] is None}, {body})

    def test_a_400_of_a_server_that_has_read_coded_bodies_is_passed_on(self):
        self.begin(says="gzip")
        for _ in range(3):
            self.send(pattern(20_000))
        self.taking.takes, self.taking.refusal = False, "400 Bad Request"
        self.assertEqual(self.send(pattern(20_000)).status, 400)
        self.assertEqual(self.last()[0], "gzip")

    def test_a_coded_body_is_sent_again_to_the_next_server(self):
        dead = self.origin()
        self.begin('requests = { encoding = "gzip" }')
        other = self.proxy_to(dead.url, self.at.url, top='[compress.up]\nrequests = { encoding = "gzip" }',
                              route='compress = "up"')
        dead.kill()
        body = pattern(20_000)
        for _ in range(3):
            self.assertEqual(self.fetch(other, "/take", method="POST", fields=[JSON], body=body).status, 200)
            self.assertEqual((self.last()[0], self.last()[2]), ("gzip", body))

    def test_counted(self):
        self.begin('requests = { encoding = "gzip" }')
        self.send(pattern(20_000))
        # The reply may be with the client a moment before its exchange is over and counted.
        counted = until(lambda: (now := self.through.status()["compressed_requests"]["gzip"])["requests"] and now, "the count")
        self.assertEqual(counted["requests"], 1)
        self.assertEqual(counted["plain_bytes"], 20_000)
        self.assertLess(counted["coded_bytes"], 10_000)


class DecompressRequests(FlowTest):
    def begin(self, rules="decompress_requests = true", **more):
        self.at = self.origin()
        self.through = self.proxy_to(self.at.url, top=f"[compress.up]\n{rules}", route='compress = "up"', **more)
        self.talk = self.client(self.through)

    def send(self, body, coding="gzip"):
        self.talk.ask("POST", "/echo", [JSON, ("Content-Encoding", coding)], body)
        return self.talk.response()

    def test_the_server_gets_it_plain(self):
        self.begin()
        for size in (1, 5000, 60_000, 500_000):
            body = pattern(size)
            response = self.send(gzip.compress(body))
            self.assertEqual((response.status, response.body), (200, body))
            seen = self.at.requests[-1]
            self.assertIsNone(seen["Content-Encoding"])
            self.assertEqual(seen["Content-Length"], str(size) if size <= 60_000 else None)

    def test_codings_one_over_the_other(self):
        self.begin()
        body = pattern(3000)
        self.assertEqual(self.send(gzip.compress(gzip.compress(body)), "gzip, gzip").body, body)

    def test_an_unknown_coding_is_answered_with_those_we_know(self):
        self.begin()
        response = self.send(b"data", "compress")
        self.assertEqual((response.status, response["Accept-Encoding"]), (415, "gzip, br, zstd"))
        self.assertEqual(self.at.requests, [])

    def test_a_bomb_is_refused(self):
        self.begin()
        self.assertEqual(self.send(gzip.compress(bytes(50_000_000))).status, 413)

    def test_the_body_limit_holds_for_what_comes_out(self):
        self.begin('decompress_requests = true\nmax_ratio = 0\n[limits]\nbody_bytes = "100KiB"')
        self.assertEqual(self.send(gzip.compress(pattern(200_000))).status, 413)

    def test_what_is_corrupt_or_cut_short_is_the_clients_fault(self):
        self.begin()
        coded = gzip.compress(pattern(5000))
        for bad in (coded[:-9], b"no gzip at all", coded[:100] + bytes(50) + coded[150:], coded + b"more"):
            self.assertEqual(self.send(bad).status, 400)
            self.talk = self.client(self.through)
        self.assertEqual(self.send(coded).status, 200)

    def test_without_the_key_it_goes_as_it_is(self):
        self.begin('requests = {}')
        coded = gzip.compress(pattern(5000))
        self.assertEqual(self.send(coded).body, coded)


class DecompressReplies(FlowTest):
    def setUp(self):
        super().setUp()
        self.body = pattern(50_000)
        self.coded = gzip.compress(self.body)
        self.at = self.origin()
        self.at.answer_page = self.page
        self.through = self.proxy_to(self.at.url, top='[compress.down]\ndecompress_replies = true\nencodings = ["br"]',
                                     route='compress = "down"')
        self.talk = self.client(self.through)

    def page(self, connection, request):
        fields = [("Content-Type", "text/plain"), GZIPPED, ("ETag", '"one"')]
        if request.path.endswith("chunked"):
            self.at.reply_chunked(connection, request, [self.coded[i:i + 999] for i in range(0, len(self.coded), 999)],
                                  fields=fields)
        else:
            self.at.reply(connection, self.coded, fields=fields, request=request)

    def ask(self, path="/page", accept=None, method="GET"):
        self.talk.ask(method, path, [("Accept-Encoding", accept)] if accept else [])
        return self.talk.response(method)

    def test_a_client_that_does_not_take_it_gets_it_plain(self):
        for path in ("/page", "/page/chunked"):
            response = self.ask(path)
            self.assertEqual(response.body, self.body)
            self.assertIsNone(response["Content-Encoding"])
            self.assertEqual((response["ETag"], response["Vary"]), ('W/"one"', "Accept-Encoding"))

    def test_a_client_that_takes_it_gets_it_as_it_came(self):
        response = self.ask(accept="gzip, br")
        self.assertEqual((response.body, response["Content-Encoding"], response["ETag"]), (self.coded, "gzip", '"one"'))

    def test_a_client_that_takes_another_gets_that(self):
        response = self.ask(accept="br")
        self.assertEqual(response["Content-Encoding"], "br")
        self.assertLess(len(response.body), len(self.body))

    def test_head_has_the_fields_of_a_get(self):
        response = self.ask(method="HEAD")
        self.assertIsNone(response["Content-Encoding"])
        self.assertIsNone(response["Content-Length"])

    def test_a_stored_reply_is_undone_for_those_who_do_not_take_it(self):
        self.body = pattern(3_000_000)
        self.coded = gzip.compress(self.body)
        self.at.answer_page = lambda connection, request: self.at.reply(
            connection, self.coded, request=request,
            fields=[("Content-Type", "text/plain"), GZIPPED, ("Cache-Control", "max-age=60")])
        self.through = self.proxy_to(self.at.url, top='[compress.down]\ndecompress_replies = true\n[cache.all]\n',
                                     route='compress = "down"\ncache = "all"')
        self.talk = self.client(self.through)
        for accept in ("gzip", None, "gzip", None):
            response = self.ask(accept=accept)
            self.assertEqual(response.body, self.coded if accept else self.body)
        self.assertEqual(len(self.at.requests), 1)

    def test_a_reply_cut_short_is_no_whole_reply(self):
        self.coded = self.coded[:len(self.coded) // 2]
        response = self.ask()
        self.assertEqual(response.status, 502)


if __name__ == "__main__":
    unittest.main()
