"""Parts of objects: several in one answer, stored as they come, put together; and groups of objects that go together."""

import email
import re
import unittest

from flow.cache_test import CacheTest


class Several(CacheTest):
    def test_several_ranges_are_answered_in_one_body(self):
        self.fields.append(("Content-Type", "text/plain"))
        self.ask()
        response = self.ask(fields=[("Range", "bytes=0-9,100-119,-5")])
        self.assertEqual(response.status, 206)
        self.assertIsNone(response["Content-Range"])
        message = email.message_from_bytes(b"Content-Type: " + response["Content-Type"].encode() + b"\r\n\r\n"
                                           + response.body)
        parts = message.get_payload()
        self.assertEqual([part["Content-Range"] for part in parts],
                         ["bytes 0-9/5000", "bytes 100-119/5000", "bytes 4995-4999/5000"])
        self.assertEqual([part["Content-Type"] for part in parts], ["text/plain"] * 3)
        boundary = re.search("boundary=(.*)", response["Content-Type"]).group(1).encode()
        bodies = [part.split(b"\r\n\r\n", 1)[1] for part in response.body.split(b"\r\n--" + boundary)[1:-1]]
        self.assertEqual(bodies, [self.body[:10], self.body[100:120], self.body[-5:]])
        self.assertEqual(self.asked(), 1)


class Pieces(CacheTest):
    """The origin answers ranges, as one does that has an object of 5000 bytes."""
    etag = '"v1"'

    def page(self, connection, request):
        fields = self.fields[:1] + ([("ETag", self.etag)] if self.etag else [])
        asked = re.fullmatch("bytes=(\\d*)-(\\d*)", request["Range"] or "")
        if not asked or (request["If-Range"] and request["If-Range"] != self.etag):
            self.at.reply(connection, self.body, fields=fields, request=request)
            return
        first, last = asked.groups()
        if not first:
            first, last = 5000 - int(last), 4999
        first, last = int(first), int(last or 4999)
        self.at.reply(connection, self.body[first:last + 1], status="206 Partial Content",
                      fields=fields + [("Content-Range", f"bytes {first}-{last}/5000")], request=request)

    def part(self, text, first, last):
        response = self.ask(fields=[("Range", f"bytes={text}")])
        self.assertEqual((response.status, response["Content-Range"]), (206, f"bytes {first}-{last}/5000"))
        self.assertEqual(response.body, self.body[first:last + 1])
        return response

    def test_a_part_answers_for_itself_and_for_what_is_in_it(self):
        self.assertIn("stored", self.part("1000-1999", 1000, 1999)["Cache-Status"])
        for text, first, last in (("1000-1999", 1000, 1999), ("1200-1300", 1200, 1300), ("1999-1999", 1999, 1999)):
            self.assertIn("hit", self.part(text, first, last)["Cache-Status"])
        self.assertEqual(self.asked(), 1)
        self.part("1999-2000", 1999, 2000)
        self.assertEqual(self.asked(), 2)
        self.assertIn("hit", self.part("1500-2000", 1500, 2000)["Cache-Status"])

    def test_only_the_rest_is_asked_for(self):
        self.part("0-1999", 0, 1999)
        whole = self.ask()
        self.assertEqual((whole.status, whole.body), (200, self.body))
        self.assertIsNone(whole["Content-Range"])
        self.assertEqual((self.at.requests[1]["Range"], self.at.requests[1]["If-Range"]), ("bytes=2000-", '"v1"'))
        self.assertIn("hit", self.ask()["Cache-Status"])
        self.assertIn("hit", self.part("-7", 4993, 4999)["Cache-Status"])
        self.assertEqual(self.asked(), 2)

    def test_the_rest_may_be_the_beginning(self):
        self.part("-1000", 4000, 4999)
        self.assertEqual(self.ask().body, self.body)
        self.assertEqual(self.at.requests[1]["Range"], "bytes=0-3999")

    def test_parts_of_another_object_are_not_put_together(self):
        self.part("0-1999", 0, 1999)
        self.etag, self.body = '"v2"', self.body[::-1]
        self.assertEqual(self.ask().body, self.body)
        self.assertEqual(self.ask().body, self.body)
        self.assertEqual(self.asked(), 2)

    def test_without_a_strong_tag_the_whole_is_asked_for(self):
        for self.etag in ("", 'W/"v1"'):
            before = self.asked()
            path = f"/page/{before}"
            self.ask(path, fields=[("Range", "bytes=0-1999")])
            self.assertEqual(self.ask(path).body, self.body)
            self.assertIsNone(self.at.requests[-1]["Range"])
            self.assertEqual(self.asked(), before + 2)

    def test_the_whole_is_asked_for_when_the_rest_is_not_what_was_asked_for(self):
        self.part("0-1999", 0, 1999)
        answered = self.page

        def liar(connection, request):
            if request["Range"]:
                self.at.reply(connection, b"wrong", status="206 Partial Content",
                              fields=[("Cache-Control", "max-age=60"), ("ETag", '"v9"'),
                                      ("Content-Range", "bytes 0-4/9")], request=request)
            else:
                answered(connection, request)
        self.at.answer_page = liar
        self.assertEqual(self.ask().body, self.body)
        self.assertEqual(self.ask().body, self.body)
        self.assertEqual(self.asked(), 3)

    def test_a_change_takes_parts_out(self):
        self.part("0-1999", 0, 1999)
        self.ask(method="DELETE")
        self.assertNotIn("hit", self.part("0-1999", 0, 1999)["Cache-Status"])


class Groups(CacheTest):
    def test_a_change_takes_its_groups_out(self):
        for path, group in (("/page/1", '"a", "b"'), ("/page/2", '"b"'), ("/page/3", '"c"')):
            self.fields = [("Cache-Control", "max-age=60"), ("Cache-Groups", group)]
            self.ask(path)
        self.fields = [("Cache-Group-Invalidation", '"b"')]
        self.ask("/page/4")
        self.assertEqual(self.stats()["entries"], 3, "a safe method changes nothing")
        self.ask("/page/4", method="POST", fields=[("Content-Length", "0")])
        self.assertEqual(self.stats()["entries"], 1)
        self.assertIn("hit", self.ask("/page/3")["Cache-Status"])


class Heads(CacheTest):
    def test_head_renews_what_is_stored_when_it_is_the_same(self):
        self.fields = [("Cache-Control", "max-age=0"), ("ETag", '"v1"')]
        self.ask()
        self.fields = [("Cache-Control", "max-age=60"), ("ETag", '"v1"'), ("X-New", "yes")]
        self.ask(method="HEAD")
        response = self.ask()
        self.assertIn("hit", response["Cache-Status"])
        self.assertEqual((response["X-New"], response.body), ("yes", self.body))
        self.assertEqual(self.asked(), 2)

    def test_head_of_another_object_makes_it_stale(self):
        self.fields = [("Cache-Control", "max-age=0"), ("ETag", '"v1"')]
        self.ask()
        self.fields = [("Cache-Control", "max-age=60"), ("ETag", '"v2"')]
        self.ask(method="HEAD")
        self.body = b"new"
        self.assertEqual(self.ask().body, b"new")


if __name__ == "__main__":
    unittest.main()
