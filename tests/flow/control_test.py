"""The control socket while traffic runs: what it tells is true, and wrong questions get a problem document."""

import os
import re
import stat
import unittest

from support.flow import FlowTest
from support.proxy import run_tool
from support.waiting import until


class Control(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        self.gate = self.proxy_to(self.at.url)

    def test_the_socket_is_for_its_owner_alone(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.gate.path("rpx.sock")).st_mode), 0o600)

    def test_status_counts(self):
        before = self.gate.status()
        for _ in range(5):
            self.fetch(self.gate, "/bytes/1000")
        client = self.client(self.gate)
        client.ask(path="/gated")
        self.at.await_requests(6)
        until(lambda: self.gate.status()["requests"] == before["requests"] + 6, "six requests to be counted")
        until(lambda: self.gate.status()["connections"] == 1, "one connection to be left")
        now = self.gate.status()
        self.assertEqual((now["exchanges"], now["pid"], now["workers"]), (1, self.gate.process.pid, 2))
        self.assertEqual(now["responses"]["2xx"], 5)
        self.assertGreater(now["bytes_sent"], 5000)
        self.at.gate.set()

    def test_metrics_are_in_the_text_format_of_prometheus(self):
        self.fetch(self.gate, "/bytes/1")
        code, text = self.gate.control("GET", "/metrics")
        self.assertEqual(code, 200)
        sample = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? -?(?:[\d.e+-]+|NaN|\+?Inf)$')
        typed = set()
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                self.assertNotIn(line.split()[2], typed)
                typed.add(line.split()[2])
            elif line and not line.startswith("#"):
                self.assertRegex(line, sample)
                self.assertTrue(line.startswith(("rpx_", "process_")), line)
        self.assertGreater(len(typed), 5)

    def test_connections_name_what_goes_on(self):
        client = self.client(self.gate)
        client.ask(path="/gated?x=1")
        self.at.await_requests(1)
        rows = until(lambda: [r for r in self.gate.control("GET", "/v1/connections")[1]["items"] if r["state"] == "waiting"],
                     "the exchange to be listed")
        row = rows[0]
        self.assertEqual((row["method"], row["target"], row["route"], row["server"], row["listener"]),
                         ("GET", "/gated?x=1", "all", self.at.url, "web"))
        self.at.gate.set()

    def test_routes_and_upstreams(self):
        code, body = self.gate.control("GET", "/v1/routes")
        self.assertEqual((code, [r["name"] for r in body["items"]], body["next"]), (200, ["all"], None))
        code, body = self.gate.control("GET", "/v1/upstreams")
        self.assertEqual((code, [u["name"] for u in body["items"]]), (200, ["app"]))

    def test_config_is_the_effective_one(self):
        code, body = self.gate.control("GET", "/v1/config")
        self.assertEqual(code, 200)
        self.assertIn("75", str(body), "defaults are filled in")

    def test_wrong_questions(self):
        for method, path, status in (("GET", "/v1/none", 404), ("DELETE", "/v1/status", 405), ("GET", "/v1/upstreams/none", 404),
                                     ("GET", "/v1/routes?colour=red", 400)):
            code, body = self.gate.control(method, path)
            self.assertEqual((code, body["status"]), (status, status), path)
            self.assertTrue(body["title"] and body["detail"])
        code, body = self.gate.control("POST", "/v1/stop", {"graze": 3})
        self.assertEqual(code, 400, body)
        self.assertEqual(self.fetch(self.gate).status, 200, "and nothing was stopped")

    def test_a_flood_on_the_control_socket_stalls_no_request(self):
        for _ in range(50):
            self.gate.status()
            self.assertEqual(self.fetch(self.gate, "/bytes/1").status, 200)

    def test_the_verbs_speak_it(self):
        for verb in ("status", "routes"):
            done = run_tool(verb, "-c", "rpx.toml", cwd=self.gate.dir)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotEqual(done.stdout, "")
            done = run_tool(verb, "--socket", self.gate.path("rpx.sock"), "-o", "json", cwd="/")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("{", done.stdout)
        self.gate.stop()
        done = run_tool("status", "-c", "rpx.toml", cwd=self.gate.dir)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
