"""Large bodies are sent from the disk piece by piece: at once, in little memory, and never a wrong byte."""

import os
import random
import threading
import unittest

from support.disk_cache import DiskTest
from support.waiting import SANITIZED, until

PIECE = 256 * 1024
MIB = 1 << 20
SIZE = 2 * MIB + 12_345
# A bit of the second half of the body.
LATER = MIB + 300_000


class LargeTest(DiskTest):
    disk = 'size = "400MiB"'
    cache = 'memory = "16MiB"'
    size = SIZE

    def setUp(self):
        super().setUp()
        self.fields.append(("Content-Type", "application/x-test"))
        # Not the same in any two pieces.
        unit = random.Random(self.size).randbytes(PIECE + 1000)
        self.body = (unit * (self.size // len(unit) + 1))[:self.size]

    def page(self, connection, request):
        if request["If-None-Match"] == '"v1"':
            self.at.reply(connection, status="304 Not Modified", fields=self.fields, request=request)
        else:
            self.at.reply(connection, self.body, fields=self.fields, request=request)

    def started_again(self):
        """A proxy that has the object on the disk alone."""
        first = self.start()
        self.assertTrue(self.ask(first, "/page/large").body == self.body)
        self.await_written(first, 1)
        first.stop()
        return self.start()

    def damage(self, at):
        """Flips a bit of the body, while a proxy has it open."""
        folder = f"{self.where}/disk"
        for name in os.listdir(folder):
            if not name.endswith(".segment"):
                continue
            with open(os.path.join(folder, name), "r+b") as file:
                found = file.read().find(self.body[:4096])
                if found < 0:
                    continue
                file.seek(found + at)
                byte = file.read(1)[0]
                file.seek(found + at)
                file.write(bytes([byte ^ 1]))
                return
        self.fail("no such body on the disk")


class Whole(LargeTest):
    def test_it_is_the_same_whole_and_in_parts(self):
        proxy = self.started_again()
        answer = self.ask(proxy, "/page/large")
        self.assertTrue(answer.body == self.body)
        self.assertIn("hit", answer["Cache-Status"])
        self.assertEqual((answer["Content-Length"], answer["ETag"]), (str(SIZE), '"v1"'))
        for asks, first, last in (("0-0", 0, 0), (f"{PIECE - 1}-{PIECE}", PIECE - 1, PIECE), ("-5", SIZE - 5, SIZE - 1),
                                  (f"{PIECE}-{3 * PIECE + 7}", PIECE, 3 * PIECE + 7), (f"{SIZE - 1}-", SIZE - 1, SIZE - 1)):
            part = self.ask(proxy, "/page/large", [("Range", f"bytes={asks}")])
            self.assertEqual((part.status, part["Content-Range"]), (206, f"bytes {first}-{last}/{SIZE}"))
            self.assertTrue(part.body == self.body[first:last + 1], asks)
        self.assertEqual(self.ask(proxy, "/page/large", [("Range", f"bytes={SIZE}-")])["Content-Range"], f"bytes */{SIZE}")
        head = self.ask(proxy, "/page/large", method="HEAD")
        self.assertEqual((head.status, head["Content-Length"]), (200, str(SIZE)))
        self.assertEqual(self.ask(proxy, "/page/large", [("If-None-Match", '"v1"')]).status, 304)
        self.assertEqual(self.asked(), 1)

    def test_several_parts(self):
        proxy = self.started_again()
        ranges = [(10, 19), (PIECE - 3, 2 * PIECE + 3), (30, 39), (SIZE - 4, SIZE - 1)]
        part = self.ask(proxy, "/page/large", [("Range", "bytes=" + ",".join(f"{a}-{b}" for a, b in ranges))])
        self.assertEqual(part.status, 206)
        kind, boundary = part["Content-Type"].split("; boundary=")
        self.assertEqual(kind, "multipart/byteranges")
        pieces = [b"\r\n--%s\r\nContent-Type: application/x-test\r\nContent-Range: bytes %d-%d/%d\r\n\r\n" %
                  (boundary.encode(), a, b, SIZE) + self.body[a:b + 1] for a, b in ranges]
        self.assertTrue(part.body == b"".join(pieces) + b"\r\n--%s--\r\n" % boundary.encode())

    def test_a_stale_one_is_confirmed_without_being_read_or_written_again(self):
        self.fields[0] = ("Cache-Control", "max-age=0")
        proxy = self.started_again()
        self.fields[0] = ("Cache-Control", "max-age=1000")
        written = self.metric(proxy, "written_bytes_total")
        answer = self.ask(proxy, "/page/large")
        self.assertTrue(answer.body == self.body)
        self.assertIn("fwd-status=304", answer["Cache-Status"])
        self.await_written(proxy, 1)
        self.assertLess(self.metric(proxy, "written_bytes_total") - written, 20_000)
        self.assertIn("hit", self.ask(proxy, "/page/large")["Cache-Status"])
        proxy.stop()
        self.assertIn("hit", self.ask(self.start(), "/page/large")["Cache-Status"])
        self.assertEqual(self.asked(), 2)

    def test_what_is_purged_while_it_is_sent_is_sent_to_its_end_and_found_no_more(self):
        proxy = self.started_again()
        client = self.client(proxy, receive_buffer=4096)
        client.ask(path="/page/large")
        client.response_head()
        self.assertEqual(proxy.control("POST", "/v1/cache/static/purge", {"all": True})[0], 200)
        self.assertFalse(self.only_if_cached(proxy, "/page/large"))
        self.assertTrue(client.exactly(SIZE) == self.body)

    def test_clients_that_leave_leave_nothing_behind(self):
        proxy = self.started_again()
        for taken in (0, 1, PIECE, SIZE // 2):
            client = self.client(proxy, receive_buffer=4096)
            client.ask(path="/page/large")
            client.response_head()
            client.exactly(taken)
            client.close()
        until(lambda: proxy.status()["exchanges"] == 0, "the end of those who left")
        self.assertTrue(self.ask(proxy, "/page/large").body == self.body)
        self.assertEqual(self.asked(), 1)

    def test_many_at_once(self):
        proxy = self.started_again()
        right = []
        readers = [threading.Thread(target=lambda: right.append(self.ask(proxy, "/page/large").body == self.body))
                   for _ in range(12)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.assertEqual(right, [True] * 12)
        self.assertEqual(self.asked(), 1)


class Damaged(LargeTest):
    def test_a_damaged_first_piece_is_a_miss(self):
        proxy = self.started_again()
        self.damage(100)
        answer = self.ask(proxy, "/page/large")
        self.assertTrue(answer.body == self.body)
        self.assertIn("fwd=uri-miss", answer["Cache-Status"])
        self.assertEqual(self.metric(proxy, "damaged_total"), 1)

    def test_a_damaged_piece_later_on_ends_the_reply_before_it(self):
        proxy = self.started_again()
        self.damage(LATER)
        client = self.client(proxy)
        client.ask(path="/page/large")
        client.response_head()
        got = client.rest()
        self.assertTrue(got == self.body[:len(got)])
        self.assertLessEqual(len(got), LATER)
        self.assertTrue(self.ask(proxy, "/page/large").body == self.body)
        self.assertEqual(self.asked(), 2)

    def test_it_does_not_concern_parts_that_are_elsewhere(self):
        proxy = self.started_again()
        self.damage(LATER)
        part = self.ask(proxy, "/page/large", [("Range", "bytes=1000-1999")])
        self.assertTrue(part.body == self.body[1000:2000])
        self.assertEqual(self.asked(), 1)


class Hot(LargeTest):
    cache = ""

    def test_what_is_read_again_and_again_rises_to_memory(self):
        proxy = self.started_again()
        for _ in range(4):
            self.assertTrue(self.ask(proxy, "/page/large").body == self.body)
        reads = self.metric(proxy, "reads_total")
        self.assertTrue(self.ask(proxy, "/page/large").body == self.body)
        self.assertEqual(self.metric(proxy, "reads_total"), reads)
        self.assertEqual(proxy.control("GET", "/v1/cache/static")[1]["entries"], 1)


class Memory(LargeTest):
    size = 64 * MIB - 1
    cache = ""

    @unittest.skipIf(SANITIZED, "memory is not measured under a sanitizer")
    def test_one_of_64_mib_takes_little_memory_and_begins_at_once(self):
        proxy = self.started_again()
        before = proxy.memory()[1]
        read = self.metric(proxy, "read_bytes_total")
        client = self.client(proxy, receive_buffer=4096)
        client.ask(path="/page/large")
        client.response_head()
        self.assertEqual(client.exactly(1000), self.body[:1000])
        self.assertLess(self.metric(proxy, "read_bytes_total") - read, 16 * MIB)
        self.assertTrue(client.exactly(self.size - 1000) == self.body[1000:])
        self.assertTrue(self.ask(proxy, "/page/large").body == self.body)
        self.assertLess(proxy.memory()[1] - before, 8 * MIB)
        self.assertEqual(self.asked(), 1)


class LargerThanMemory(LargeTest):
    cache = 'memory = "1MiB"'

    def test_it_is_kept_on_the_disk_and_served_from_there(self):
        proxy = self.start()
        self.assertTrue(self.ask(proxy, "/page/large").body == self.body)
        self.await_written(proxy, 1)
        for _ in range(4):
            answer = self.ask(proxy, "/page/large")
            self.assertTrue(answer.body == self.body)
            self.assertIn("hit", answer["Cache-Status"])
        part = self.ask(proxy, "/page/large", [("Range", "bytes=5-9")])
        self.assertEqual((part.status, part.body), (206, self.body[5:10]))
        proxy.stop()
        self.assertIn("hit", self.ask(self.start(), "/page/large")["Cache-Status"])
        self.assertEqual(self.asked(), 1)

    def test_one_that_is_larger_than_the_disk_as_well_is_passed_on(self):
        proxy = self.start(disk='size = "2MiB"')
        for count in (1, 2):
            answer = self.ask(proxy, "/page/large")
            self.assertTrue(answer.body == self.body)
            self.assertNotIn("stored", answer["Cache-Status"])
            self.assertEqual(self.asked(), count)


if __name__ == "__main__":
    unittest.main()
