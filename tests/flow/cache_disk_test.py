"""The disk store: objects survive restarts and crashes, purges do too, and a disk that fails harms nobody."""

import os
import random
import resource
import signal
import subprocess
import threading
import unittest

from support.disk_cache import SITE, DiskTest, body_of
from support.proxy import run_tool
from support.waiting import SANITIZED, until

KILLS = int(os.environ.get("RPX_KILLS", "0")) or (6 if SANITIZED else 24)


class Restarted(DiskTest):
    def test_what_was_stored_is_there_after_a_restart_with_its_age(self):
        first = self.start()
        self.assertEqual(self.ask(first, "/page/a").body, body_of("/page/a"))
        self.assertEqual(self.ask(first, "/page/b").body, body_of("/page/b"))
        first.stop()
        second = self.start()
        self.assertEqual(self.metric(second, "entries"), 2)
        answer = self.ask(second, "/page/a")
        self.assertEqual(answer.body, body_of("/page/a"))
        self.assertIn("hit", answer["Cache-Status"])
        self.assertEqual(answer["ETag"], '"v1"')
        self.assertLess(int(answer["Age"]), 100)
        self.assertEqual(self.ask(second, "/page/b", [("If-None-Match", '"v1"')]).status, 304)
        part = self.ask(second, "/page/b", [("Range", "bytes=2-5")])
        self.assertEqual((part.status, part.body), (206, body_of("/page/b")[2:6]))
        self.assertEqual(self.ask(second, "/page/a", method="HEAD")["Content-Length"], str(len(body_of("/page/a"))))
        self.assertEqual(self.asked(), 2)
        self.assertEqual(self.metric(second, "hits_total"), 2)
        # It is in memory from then on.
        reads = self.metric(second, "reads_total")
        self.ask(second, "/page/a")
        self.assertEqual(self.metric(second, "reads_total"), reads)

    def test_variants_and_parts_survive(self):
        self.fields.append(("Vary", "Accept"))
        first = self.start()
        self.ask(first, "/page", [("Accept", "x")])
        self.fields.pop()
        self.at.answer_part = lambda connection, request: self.at.reply(
            connection, b"01234", status="206 Partial Content", request=request,
            fields=[*self.fields, ("Content-Range", "bytes 0-4/10")])
        self.assertEqual(self.ask(first, "/part", [("Range", "bytes=0-4")]).status, 206)
        first.stop()
        asked = self.asked()
        second = self.start()
        self.assertIn("hit", self.ask(second, "/page", [("Accept", "x")])["Cache-Status"])
        part = self.ask(second, "/part", [("Range", "bytes=1-3")])
        self.assertEqual((part.status, part.body), (206, b"123"))
        self.assertEqual(self.asked(), asked)
        self.assertIn("vary-miss", self.ask(second, "/page", [("Accept", "y")])["Cache-Status"])

    def test_a_reload_changes_its_size_and_takes_it_away(self):
        proxy = self.start()
        self.ask(proxy, "/page/a")
        self.await_written(proxy, 1)
        self.assertEqual(proxy.reload(self.config('size = "2MiB"'))[0], 200)
        self.assertEqual(self.metric(proxy, "size_bytes"), 2 << 20)
        self.assertEqual(self.metric(proxy, "entries"), 1)
        without = self.config().replace("disk =", "# disk =")
        self.assertEqual(proxy.reload(without)[0], 200)
        self.assertNotIn("rpx_cache_disk", proxy.control("GET", "/metrics")[1])
        self.assertTrue(self.only_if_cached(proxy, "/page/a"))

    def test_what_is_stale_is_validated_with_what_the_disk_has(self):
        self.fields[0] = ("Cache-Control", "max-age=0")
        first = self.start()
        self.ask(first, "/page/a")
        first.stop()
        second = self.start()
        answer = self.ask(second, "/page/a")
        self.assertEqual(answer.body, body_of("/page/a"))
        self.assertEqual(answer["Cache-Status"].split("; ttl")[0], "rpx; fwd=stale; fwd-status=304; stored")
        self.assertEqual(self.at.requests[-1]["If-None-Match"], '"v1"')

    def test_one_read_serves_all_who_ask_at_once(self):
        first = self.start()
        self.ask(first, "/page/a")
        first.stop()
        second = self.start()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask(second, "/page/a").body)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [body_of("/page/a")] * 16)
        self.assertEqual(self.asked(), 1)
        self.assertLessEqual(self.metric(second, "reads_total"), 2)


class Larger(DiskTest):
    cache = 'memory = "256KiB"'

    def test_it_holds_more_than_memory(self):
        proxy = self.start()
        paths = [f"/page/{i}" for i in range(40)]
        for path in paths:
            self.ask(proxy, path)
        self.await_written(proxy, len(paths) - 14)  # some are larger than memory
        until(lambda: self.metric(proxy, "writes_total") + self.metric(proxy, "skipped_total") > 0, "writes")
        asked = self.asked()
        small = [path for path in paths if len(body_of(path)) < 200_000]
        for path in small:
            self.assertEqual(self.ask(proxy, path).body, body_of(path))
        self.assertEqual(self.asked(), asked)
        self.assertGreater(self.metric(proxy, "hits_total"), 0)


class Killed(DiskTest):
    disk = 'size = "4MiB"'

    def ask_on(self, proxy, wrong, stop, number):
        """Asks for one object after the other until the proxy is gone; notes what is wrong."""
        choice = random.Random(number)
        while not stop.is_set():
            path = f"/page/{choice.randrange(120)}"
            try:
                answer = self.ask(proxy, path)
            except Exception:  # pylint: disable=broad-except
                return  # cut short, or refused: it is gone
            if answer.status == 200 and answer.body != body_of(path):
                wrong.append(path)

    def test_killed_in_the_middle_of_fills_again_and_again_it_never_serves_a_wrong_byte(self):
        wrong, survived = [], 0
        for number in range(KILLS):
            proxy = self.start(expect=-signal.SIGKILL)
            survived += self.metric(proxy, "entries")
            self.assertEqual(self.metric(proxy, "up"), 1)
            stop = threading.Event()
            threads = [threading.Thread(target=self.ask_on, args=(proxy, wrong, stop, number * 10 + i)) for i in range(4)]
            for thread in threads:
                thread.start()
            written = self.metric(proxy, "writes_total")
            until(lambda p=proxy, w=written: self.metric(p, "writes_total") > w + number % 7, "writes")
            proxy.stop(signal.SIGKILL, expect=-signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            size = sum(os.path.getsize(f"{self.where}/disk/{name}") for name in os.listdir(f"{self.where}/disk"))
            self.assertLessEqual(size, 4 << 20)
        self.assertGreater(survived, KILLS)
        proxy = self.start()
        self.assertEqual(self.metric(proxy, "damaged_total"), 0)

    def test_what_was_purged_does_not_come_back(self):
        self.fields.append(("Surrogate-Key", "news"))
        proxy = self.start(expect=-signal.SIGKILL)
        paths = [f"/page/{i}" for i in range(6)]
        for path in paths:
            self.ask(proxy, path)
        self.await_written(proxy, len(paths))
        for purge in ({"url": f"{SITE}/page/0"}, {"prefix": f"{SITE}/page/1"}):
            code, taken = proxy.control("POST", "/v1/cache/static/purge", purge)
            self.assertEqual((code, taken["entries"]), (200, 1))
        # A change by a client is known for good before the client is told.
        self.ask(proxy, "/page/2", method="DELETE")
        proxy.stop(signal.SIGKILL, expect=-signal.SIGKILL)
        second = self.start(expect=-signal.SIGKILL)
        self.assertEqual([self.only_if_cached(second, path) for path in paths], [False] * 3 + [True] * 3)
        code, taken = second.control("POST", "/v1/cache/static/purge", {"tag": "news"})
        self.assertEqual((code, taken["entries"]), (200, 3))
        second.stop(signal.SIGKILL, expect=-signal.SIGKILL)
        third = self.start(expect=-signal.SIGKILL)
        self.assertEqual(self.metric(third, "entries"), 0)

    def tearDown(self):
        for proxy in self.proxies:
            if proxy.code is None:
                proxy.stop(signal.SIGKILL, expect=-signal.SIGKILL)


class Failing(DiskTest):
    def test_a_full_disk_ends_storing_not_serving(self):
        # Files that may not grow beyond this are what a full disk is like.
        limit = 300_000
        proxy = self.start()
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        for i in range(60):
            path = f"/page/{i}"
            self.assertEqual(self.ask(proxy, path).body, body_of(path))
        until(lambda: self.metric(proxy, "errors_total") >= 1, "a write that fails")
        self.assertEqual(self.metric(proxy, "up"), 0)
        self.assertEqual(self.ask(proxy, "/page/0").body, body_of("/page/0"))
        self.logged(proxy, "cannot be written to")
        self.assertEqual(proxy.text("stderr").count("cannot be written to"), 1)

    def test_a_full_disk(self):
        """A file system that has less room than the store may take."""
        where = self.folder()
        mount = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
                 f'mount -t tmpfs -o size=2m none "{where}" && exec "$@"', "sh"]
        if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mounts of one's own are permitted here")
        self.where = where
        # What memory keeps does not tell whether the disk has it.
        self.cache = 'memory = "1MiB"'
        proxy = self.start(under=mount)
        for i in range(80):
            path = f"/page/{i}"
            self.assertEqual(self.ask(proxy, path).body, body_of(path))
        until(lambda: self.metric(proxy, "errors_total") >= 1, "a write that fails")
        self.assertEqual(self.metric(proxy, "up"), 0)
        for i in range(80):
            path = f"/page/{i}"
            self.assertEqual(self.ask(proxy, path).body, body_of(path))
        self.logged(proxy, "cannot be written to")
        self.assertRegex(proxy.text("stderr"), "cannot be written to.*make room on its disk.*No space left on device")
        self.assertEqual(proxy.text("stderr").count("cannot be written to"), 1)
        # What it may take is less than there is: it goes on.
        self.assertEqual(proxy.reload(self.config('size = "1MiB"'))[0], 200)
        until(lambda: self.metric(proxy, "up") == 1, "a store that is written to")
        written = self.metric(proxy, "writes_total")

        def goes_on():
            self.ask(proxy, f"/page/more/{self.asked()}")
            return self.metric(proxy, "writes_total") > written

        until(goes_on, "an object on the disk")
        self.logged(proxy, "is written to again")

    def test_a_folder_that_another_process_uses(self):
        first = self.start()
        self.ask(first, "/page/a")
        self.await_written(first, 1)
        second = self.start()
        self.assertEqual(self.metric(second, "up"), 0)
        self.logged(second, "another process uses it")
        self.assertEqual(self.ask(second, "/page/a").body, body_of("/page/a"))
        first.stop()
        # As soon as it is free it is used.
        until(lambda: self.metric(second, "up") == 1, "the folder")
        self.assertEqual(self.metric(second, "entries"), 1)

    def test_a_damaged_object_is_fetched_again(self):
        first = self.start()
        self.ask(first, "/page/a")
        first.stop()
        name = next(n for n in os.listdir(f"{self.where}/disk") if n.endswith(".segment"))
        with open(f"{self.where}/disk/{name}", "r+b") as f:
            f.seek(-5, os.SEEK_END)
            byte = f.read(1)
            f.seek(-5, os.SEEK_END)
            f.write(bytes([byte[0] ^ 1]))
        second = self.start()
        self.assertEqual(self.ask(second, "/page/a").body, body_of("/page/a"))
        self.assertEqual(self.asked(), 2)
        self.assertEqual(self.metric(second, "damaged_total"), 1)

    def test_a_folder_that_vanishes(self):
        proxy = self.start()
        self.ask(proxy, "/page/a")
        self.await_written(proxy, 1)
        os.rename(f"{self.where}/disk", f"{self.where}/gone")
        for i in range(5):
            self.assertEqual(self.ask(proxy, f"/page/{i}").body, body_of(f"/page/{i}"))

    def test_two_caches_in_one_folder_are_refused(self):
        config = self.config() + f'[cache.other]\ndisk = {{ path = "{self.where}/disk" }}\n'
        path = f"{self.where}/rpx.toml"
        with open(path, "w", encoding="utf-8") as f:
            f.write(config)
        done = run_tool("check", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("the same disk.path", done.stderr)

    def test_check_looks_at_the_folder(self):
        path = f"{self.where}/rpx.toml"
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.config())
        self.assertEqual(run_tool("check", "--strict", path).returncode, 0)
        with open(f"{self.where}/disk", "w", encoding="utf-8") as f:
            f.write("a file")
        done = run_tool("check", "--strict", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cache.static.disk: ", done.stderr)
        self.assertIn("is no folder", done.stderr)


if __name__ == "__main__":
    unittest.main()
