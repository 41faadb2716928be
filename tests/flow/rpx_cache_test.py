"""rpx-cache and a running proxy: what it tells is so, and what it purges is gone."""

import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import unittest

from support.client import fetch
from support.flow import FlowTest
from support.proxy import run_tool
from support.waiting import until

TOOL = os.path.join(os.environ.get("RPX_BIN", "build/release/bin"), "rpx-cache")
HOST = "origin.test"


class RpxCache(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        self.fields = [("Cache-Control", "max-age=60"), ("Surrogate-Key", "red"), ("ETag", '"v1"')]
        self.at.answer_page = lambda connection, request: self.at.reply(
            connection, request.path.encode(), fields=self.fields, request=request)
        self.through = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\n[cache.static]\n[cache.unused]\n'
                                  f'[[route]]\nupstream = "{self.at.url}"\ncache = "static"\n')
        for path in ("/page/1", "/page/2", "/page/2"):
            fetch(self.through.url, path)

    def tool(self, *arguments, code=0):
        done = run_tool(*arguments, cwd=self.through.dir, binary=os.path.realpath(TOOL))
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_stats(self):
        static, unused = json.loads(self.tool("stats", "-o", "json"))
        self.assertEqual((static["cache"], static["entries"], static["hits"], static["hit_percent"]), ("static", 2, 1, "33.3"))
        self.assertEqual((unused["entries"], unused["hit_percent"]), (0, None))
        self.assertEqual(len(json.loads(self.tool("stats", "--cache", "unused", "-o", "json"))), 1)
        self.tool("stats", "--cache", "none", code=2)

    def test_ls(self):
        rows = [line.split("\t") for line in self.tool("ls", "--sort", "hits").splitlines()]
        self.assertEqual([(r[0], r[1], r[6], r[7], r[8]) for r in rows],
                         [("static", "fresh", "1", "memory", f"http://{HOST}/page/2"),
                          ("static", "fresh", "0", "memory", f"http://{HOST}/page/1")])
        self.assertEqual(self.tool("ls", "--prefix", f"http://{HOST}/page/1").count("\n"), 1)
        for filters in (("--host", "other.test"), ("--tag", "blue"), ("--state", "stale")):
            self.assertEqual(self.tool("ls", *filters), "")
        for by in ("age", "left", "size"):
            self.assertEqual(self.tool("ls", "--sort", by).count("\n"), 2)

    def test_show(self):
        shown = self.tool("show", f"HTTP://{HOST.upper()}:80/page/1#top")
        self.assertTrue(shown.startswith("HTTP/1.1 200\n"))
        self.assertIn('ETag: "v1"\n', shown)
        self.assertEqual(self.tool("show", "--body", f"http://{HOST}/page/2"), "/page/2")
        self.assertEqual(json.loads(self.tool("show", "-o", "json", f"http://{HOST}/page/1"))["variants"][0]["status"], 200)
        self.tool("show", f"http://{HOST}/page/3", code=1)
        self.tool("show", f"http://{HOST}/page/3", "--cache", "none", code=2)

    def test_explain(self):
        told = self.tool("explain", "--cache", "static", f"http://{HOST}/page/1")
        self.assertIn("fresh for 60 s: max-age\tRFC 9111 5.2.2.1", told)
        self.assertIn("now: hit, since it is fresh\tRFC 9111 4.2\n", told)
        self.assertIn("nothing is stored", self.tool("explain", "--cache", "static", f"http://{HOST}/page/3", code=1))
        self.fields = [("Cache-Control", "private")]
        fetch(self.through.url, "/page/4")
        self.assertIn("the reply says private\tRFC 9111 5.2.2.7",
                      self.tool("explain", "--cache", "static", f"http://{HOST}/page/4", code=1))

    def test_purge(self):
        def gone(*arguments):
            return [line.split("\t")[1] for line in self.tool("purge", "--cache", "static", *arguments).splitlines()][0]

        self.assertEqual(gone("--tag", "red", "--dry-run"), "2")
        self.assertEqual(gone(f"http://{HOST}/page/1"), "1")
        self.assertEqual(gone("--prefix", f"http://{HOST}/page/", "--soft"), "1")
        self.assertIn("purged", self.tool("ls"))
        self.assertEqual(gone("--host", HOST), "1")
        fetch(self.through.url, "/page/1")
        self.tool("purge", "--all", code=5)
        self.assertEqual(gone("--all", "--yes"), "1")
        self.assertEqual(self.tool("ls"), "")
        for wrong in ((), (f"http://{HOST}/", "--all"), ("/page",)):
            self.tool("purge", *wrong, code=2)

    def warmed(self, text, *more, code=0):
        self.through.write("list", text)
        lines = self.tool("warm", "list", "--cache", "static", *more, code=code).splitlines()
        return [tuple(line.split("\t")) for line in lines]

    def test_warm(self):
        urls = [f"http://{HOST}/page/{n}" for n in (3, 4, 5)]
        rows = self.warmed("# pages\n" + "\n".join(urls) + f"\nHTTP://{HOST.upper()}/page/3\n".replace("HTTP:", "http:"))
        self.assertEqual(rows, [("200", "yes", "7", url) for url in urls])
        asked = len(self.at.requests)
        fetch(self.through.url, "/page/3")
        self.assertEqual(len(self.at.requests), asked, "it was answered from the store")
        sitemap = "".join(f"<url><loc>https://{HOST}/page/6?a=1&amp;b={n}</loc></url>" for n in (1, 2))
        self.assertEqual([row[3] for row in self.warmed(f"<urlset>{sitemap}</urlset>", "--rate", "50/s")],
                         [f"https://{HOST}/page/6?a=1&b={n}" for n in (1, 2)])
        self.assertIn("2", self.tool("purge", "--prefix", f"https://{HOST}/page/6", "--dry-run", "--cache", "static"))

    def test_warm_from_a_log(self):
        line = '192.0.2.1 - - [01/Nov/2025:00:00:00 +0000] "GET /page/{} HTTP/1.1" 200 500'
        text = "\n".join(line.format(n) for n in (7, 8, 8, 9, 8, 9))
        self.assertEqual([row[3][-1] for row in self.warmed(text, "--base", f"http://{HOST}", "--top", "2")], ["8", "9"])
        logged = json.dumps({"method": "GET", "host": HOST, "target": "/page/7", "status": 200, "bytes_sent": 7})
        self.assertEqual(self.warmed(logged)[0][3], f"http://{HOST}/page/7")

    def test_warm_tells_what_is_not_stored(self):
        self.fields = [("Cache-Control", "no-store")]
        self.assertEqual(self.warmed(f"http://{HOST}/page/10", code=1), [("200", "no", "8", f"http://{HOST}/page/10")])
        self.tool("warm", "nowhere", code=5)
        self.tool("warm", "list", code=2)
        for body in ({}, {"urls": []}, {"urls": ["ftp://a/"]}, {"urls": ["http://a/ b"]}, {"urls": [1], "all": True},
                     {"urls": ["http://a/"] * 101}):
            self.assertEqual(self.through.control("POST", "/v1/cache/static/warm", body)[0], 400, body)
        self.assertEqual(self.through.control("POST", "/v1/cache/none/warm", {"urls": ["http://a/"]})[0], 404)

    def test_watch(self):
        watching = subprocess.Popen([os.path.realpath(TOOL), "watch", "--interval", "200ms", "--top", "1", "-o", "ndjson"],
                                    cwd=self.through.dir, stdout=subprocess.PIPE, text=True)
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(json.loads(line) for line in watching.stdout), daemon=True)
        reader.start()

        def told():
            fetch(self.through.url, "/page/2")
            hits = [row for row in seen if row["hit_percent"] == "100.0"]
            return {row["what"]: row["name"] for row in hits} == {"route": "route-1", "key": f"{HOST}/page/2"}

        until(told, "hits by route and by key")
        watching.kill()
        reader.join()
        self.assertEqual(self.tool("watch", "--count", "1", "--interval", "1ms"), "")


class Offline(unittest.TestCase):
    """What needs no proxy."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rpx-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)
        return name

    def tool(self, *arguments, code=0):
        done = run_tool(*arguments, cwd=self.folder, binary=os.path.realpath(TOOL))
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def explain(self, fields, *more, request="", code=0):
        reply = self.write("reply", "HTTP/1.1 200 OK\nDate: Sat, 01 Nov 2025 00:00:00 GMT\n" + fields + "\n\nbody\n")
        asked = ["--request", self.write("request", f"GET / HTTP/1.1\nHost: a.test\n{request}\n")] if request else []
        return self.tool("explain", "--reply", reply, *asked, *more, code=code)

    def test_explain_of_a_saved_pair(self):
        self.assertIn("10 s later: a hit", self.explain("Cache-Control: max-age=60", "--after", "10s"))
        self.assertIn("61 s later: validated", self.explain("Cache-Control: max-age=60", "--after", "61s", code=1))
        self.assertIn("not stored: the reply says private\tRFC 9111 5.2.2.7", self.explain("Cache-Control: private", code=1))
        self.assertIn("not stored", self.explain("Cache-Control: max-age=60", request="Authorization: Basic x\n", code=1))
        self.assertIn("a hit", self.explain("Cache-Control: public, max-age=60", request="Authorization: Basic x\n"))
        self.assertIn("passed on", self.tool("explain", "--reply", "reply", "--request",
                                             self.write("post", "POST / HTTP/1.1\nHost: a\n\n"), code=1))
        self.tool("explain", "--reply", self.write("noise", "no reply at all\n"), code=2)

    def log(self, count):
        """Requests of which a few are for most: of 2,000 objects of 10 KB each."""
        chance = random.Random(5)
        for _ in range(count):
            yield int(chance.paretovariate(0.4)) % 2000

    def test_simulate_tells_how_hits_grow_with_the_size(self):
        rows = [json.dumps({"method": "GET", "host": "a.test", "target": f"/{n}", "status": 200, "bytes_sent": 10_000})
                for n in self.log(20_000)]
        rows.append(json.dumps({"method": "POST", "host": "a.test", "target": "/1", "status": 200, "bytes_sent": 1}))
        self.write("log.json", "\n".join(rows))
        told = json.loads(self.tool("simulate", "log.json", "--size", "1M,5MiB,1G", "-o", "json"))
        self.assertEqual([row["size"] for row in told], ["1M", "5MiB", "1G"])
        hits = [float(row["hit_percent"]) for row in told]
        self.assertTrue(hits[0] < hits[1] < hits[2], hits)
        objects = len({n for n in self.log(20_000)})
        self.assertAlmostEqual(hits[2], 100 * (20_000 - objects) / 20_000, delta=0.06)
        self.assertEqual([row["requests"] for row in told], [20_000] * 3)
        self.assertLessEqual(told[0]["bytes"], 1 << 20)
        self.assertEqual((told[2]["entries"], told[2]["evicted"]), (objects, 0))

    def test_simulate_reads_the_common_and_combined_formats(self):
        line = '192.0.2.1 - - [01/Nov/2025:00:00:00 +0000] "GET /a HTTP/1.1" 200 500'
        self.write("log", "\n".join([line, line + ' "-" "curl"', line.replace("GET", "PUT"), "noise"]))
        told = json.loads(self.tool("simulate", "log", "--size", "1M", "-o", "json"))
        self.assertEqual((told[0]["requests"], told[0]["hit_percent"]), (2, "50.0"))
        self.tool("simulate", self.write("noise", "no log\n"), code=2)


if __name__ == "__main__":
    unittest.main()
