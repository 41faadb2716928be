"""What explain says is what happens, and asking leaves no trace."""

import json
import unittest

from support.flow import FlowTest
from support.proxy import run_tool

TOP = """
[blocklist]
files = ["list.txt"]
[access.inside]
rules = [{ allow = ["10.0.0.0/8"] }, { deny = ["all"] }]
[rate_limit.few]
rate = "1/s"
burst = 1
[cache.c]
memory = "1MiB"
[[route]]
name = "inside"
path = "/inside/*"
upstream = "app"
access = "inside"
[[route]]
name = "few"
path = "/few"
respond = { status = 200, body = "x" }
rate_limit = ["few"]
[[route]]
name = "old"
path = "/old"
redirect = { to = "https://b.test/", status = 308 }
[[route]]
name = "shut"
path = "/shut"
upstream = "app"
maintenance = { enabled = true, allow = ["192.0.2.1"] }
[[route]]
name = "kept"
path = "/kept"
upstream = "app"
cache = "c"
"""


class Explain(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        self.gate = self.proxy_to(self.at.url, top=TOP, files={"list.txt": "192.0.2.0/25 scraper\n"})

    def explain(self, path, client="198.51.100.1", method="GET"):
        code, body = self.gate.control("POST", "/v1/explain", {"url": f"http://a.test{path}", "client": client, "method": method})
        self.assertEqual(code, 200, body)
        return body

    def test_each_step_that_can_end_a_request_is_told_with_its_reason(self):
        rows = [("/x", "192.0.2.7", "blocklist", None, "scraper"), ("/inside/a", "198.51.100.1", "access", 403, ""),
                ("/inside/a", "10.1.1.1", "server", None, self.at.url), ("/old", "10.1.1.1", "redirect", 308, "b.test"),
                ("/few", "10.1.1.1", "respond", 200, ""), ("/shut", "10.1.1.1", "maintenance", 503, ""),
                ("/inside;a/", "10.1.1.1", "route", 400, ""), ("/../x", "10.1.1.1", "request", 400, "")]
        for path, client, step, status, why in rows:
            with self.subTest(path=path, client=client):
                body = self.explain(path, client)
                last = body["steps"][-1]
                self.assertEqual((last["step"], last["outcome"], body["status"]), (step, "ends", status))
                self.assertIn(why, last["why"])

    def test_asking_leaves_no_trace(self):
        for _ in range(5):
            self.explain("/few")
            self.explain("/inside/a", "10.1.1.1")
        self.assertEqual(self.at.requests, [])
        self.assertEqual(self.gate.status()["requests"], 0)
        self.assertEqual(self.fetch(self.gate, "/few").status, 200)

    def test_a_server_that_is_out_is_not_named(self):
        name = self.at.url.replace("/", "%2F")
        self.gate.control("PATCH", f"/v1/upstreams/app/servers/{name}", {"state": "maint", "force": True})
        body = self.explain("/x")
        self.assertEqual((body["status"], body["upstream"]), (503, "app"))

    def test_the_verb_says_so_too_with_an_exit_status(self):
        ask = lambda *words: run_tool("explain", "--socket", self.gate.path("rpx.sock"), *words, cwd=self.gate.dir)
        good = ask("-o", "json", "http://a.test/x")
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertEqual(json.loads(good.stdout)["route"], "all")
        denied = ask("GET", "http://a.test/inside/a", "--client", "198.51.100.1")
        self.assertEqual(denied.returncode, 1, denied.stderr)
        self.assertIn("access\tends\t", denied.stdout)
        self.assertEqual(ask("-H", "nonsense", "http://a.test/").returncode, 2)
        self.assertEqual(ask("ftp://a.test/").returncode, 2)
        self.assertEqual(ask("http://a.test/x", "--client", "192.0.2.7").returncode, 1)


if __name__ == "__main__":
    unittest.main()
