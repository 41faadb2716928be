"""rpx-cache and a running proxy: what it tells is so, and what it purges is gone."""

import json
import os
import unittest

from support.client import fetch
from support.flow import FlowTest
from support.proxy import run_tool

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
        self.assertEqual([(r[0], r[1], r[6], r[7]) for r in rows],
                         [("static", "fresh", "1", f"http://{HOST}/page/2"), ("static", "fresh", "0", f"http://{HOST}/page/1")])
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


if __name__ == "__main__":
    unittest.main()
