"""Real clients of the cache: curl's conditional and range requests, and a browser's reload."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from flow.cache_test import CacheTest
from support.peers import curl
from support.waiting import PATIENCE

CHROMIUM = shutil.which("chromium")
CHANGED = "Sat, 01 Nov 2025 00:00:00 GMT"


class Curl(CacheTest):
    def setUp(self):
        super().setUp()
        self.fields = [("Cache-Control", "max-age=60"), ("ETag", '"v1"'), ("Last-Modified", CHANGED), ("Content-Type", "text/plain")]
        self.ask(fields=[("Host", "%s:%d" % self.through.address())])

    def curl(self, *arguments):
        """What curl wrote to its output, and its status."""
        out = os.path.join(self.folder(), "out")
        done = curl("-s", "-o", out, "-w", "%{http_code}", *arguments, self.through.url + "/page")
        self.assertEqual(done.returncode, 0, done.stderr)
        body = b""
        if os.path.exists(out):
            with open(out, "rb") as file:
                body = file.read()
        return int(done.stdout), body

    def test_if_modified_since(self):
        self.assertEqual(self.curl("-z", CHANGED), (304, b""))
        self.assertEqual(self.curl("-z", "Sun, 02 Nov 2025 00:00:00 GMT"), (304, b""))
        self.assertEqual(self.curl("-z", "Fri, 31 Oct 2025 23:59:59 GMT"), (200, self.body))
        self.assertEqual(self.asked(), 1)

    def test_if_none_match(self):
        tag = os.path.join(self.folder(), "tag")
        self.assertEqual(self.curl("--etag-save", tag), (200, self.body))
        self.assertEqual(self.curl("--etag-compare", tag), (304, b""))
        with open(tag, "w", encoding="ascii") as file:
            file.write('"v0"\n')
        self.assertEqual(self.curl("--etag-compare", tag), (200, self.body))
        self.assertEqual(self.asked(), 1)

    def test_ranges(self):
        self.assertEqual(self.curl("-r", "0-9"), (206, self.body[:10]))
        self.assertEqual(self.curl("-r", "4000-"), (206, self.body[4000:]))
        self.assertEqual(self.curl("-r", "-7"), (206, self.body[-7:]))
        self.assertEqual(self.curl("-r", "5000-")[0], 416)
        status, parts = self.curl("-r", "0-4,10-19")
        found = re.fullmatch(rb"\r\n--(\w+)\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-4/5000\r\n\r\n(.{5})"
                             rb"\r\n--\1\r\nContent-Type: text/plain\r\nContent-Range: bytes 10-19/5000\r\n\r\n(.{10})\r\n--\1--\r\n",
                             parts, re.DOTALL)
        self.assertTrue(status == 206 and found, parts)
        self.assertEqual((found[2], found[3]), (self.body[:5], self.body[10:20]))
        self.assertEqual(self.asked(), 1)

    def test_a_download_that_was_cut_short_is_continued(self):
        path = os.path.join(self.folder(), "file")
        with open(path, "wb") as file:
            file.write(self.body[:1234])
        done = curl("-s", "-C", "-", "-o", path, self.through.url + "/page")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), self.body)
        self.assertEqual(self.asked(), 1)

    def test_over_http2(self):
        through = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\nprotocols = ["h2c"]\n[cache.static]\n[[route]]\n'
                             f'upstream = "{self.at.url}"\ncache = "static"\n')
        for arguments, status in (([], b"200"), (["-z", CHANGED], b"304"), (["-r", "1-2"], b"206")):
            done = curl("-s", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}", *arguments, through.url + "/page")
            self.assertEqual(done.stdout, status, done.stderr)
        self.assertEqual(self.asked(), 2)


PAGE = b"""<!doctype html><title>first</title><script>
if (sessionStorage.again) document.title = 'reloaded';
else { sessionStorage.again = 1; addEventListener('load', () => setTimeout(() => location.reload(), 10)); }
</script>"""


@unittest.skipUnless(CHROMIUM, "there is no chromium")
class Reload(CacheTest):
    route = 'cache = "static"\n[log]\naccess = "access.log"'

    def test_a_reload_has_the_page_validated_and_not_sent_again(self):
        self.body = PAGE
        self.fields = [("Cache-Control", "max-age=60"), ("ETag", '"v1"'), ("Content-Type", "text/html")]
        with tempfile.TemporaryDirectory(prefix="rpx-browser-") as profile:
            done = subprocess.run(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", f"--user-data-dir={profile}", "--virtual-time-budget=10000", "--dump-dom",
                 self.through.url + "/page"], capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
        self.assertIn("<title>reloaded</title>", done.stdout, done.stderr[-2000:])
        asked = [request for request in self.at.requests if request.path == "/page"]
        self.assertEqual([request["If-None-Match"] for request in asked], [None, '"v1"'])
        lines = [line for line in self.through.access_log(2) if line["target"] == "/page"]
        # Two workers may have written them: their order is no claim of the log.
        self.assertEqual(sorted(line["status"] for line in lines), [200, 304])


if __name__ == "__main__":
    unittest.main()
