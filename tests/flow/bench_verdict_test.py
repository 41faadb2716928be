"""What rpx-bench says of a run: conditions, the highest rate, and reports."""

import json
import os
import unittest
from xml.etree import ElementTree

from support.bench import ANSWER, BENCH, BenchTest, LISTEN
from support.proxy import run_tool
from support.waiting import PATIENCE


class Verdicts(BenchTest):
    def test_conditions_decide_the_exit_status(self):
        origin = self.origin()
        holds = run_tool("-n", "20", "--assert", "errors<1%", "--assert", "p99<30s", "-q", origin.url, binary=BENCH)
        self.assertEqual((holds.returncode, holds.stdout), (0, ""), holds.stderr)
        fails = run_tool("-n", "20", "--assert", "requests>=20", "--assert", "p50<1us", "-q", origin.url, binary=BENCH)
        self.assertEqual(fails.returncode, 1)
        self.assertRegex(fails.stderr, r"^rpx-bench: failed: p50<1us: \S+\n$")

    def test_the_highest_rate_that_holds_is_found(self):
        # One connection and 8 ms a reply cannot do more than 125 a second.
        origin = self.built_in_origin()
        done = run_tool("--find-max", "p50<200ms", "-d", "1s", "-c", "1", "--rate", "20", "-o", "json",
                        origin + "/?delay=8ms", binary=BENCH, timeout=PATIENCE * 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertTrue(20 <= found["highest_rate"] <= 130, found["highest_rate"])
        self.assertFalse(all(step["holds"] for step in found["steps"]))
        never = run_tool("--find-max", "p50<1us", "-d", "200ms", "--rate", "4", "-q", origin, binary=BENCH)
        self.assertEqual(never.returncode, 1, never.stderr)

    def test_reports_for_people_and_for_ci(self):
        proxy = self.proxy(LISTEN + ANSWER)
        folder = self.folder()
        page, cases = os.path.join(folder, "out.html"), os.path.join(folder, "out.xml")
        run = self.bench("-d", "1s", "--assert", "p99<1us", "--report", page, "--junit", cases, "--pid",
                         str(proxy.process.pid), proxy.url, expect=1)
        self.assertGreater(run["server_cpu_us"], 0)
        slow = self.proxy_to(self.built_in_origin())
        run = self.bench("-n", "10", "-c", "1", "--proxy", slow.path("rpx.sock"), slow.url + "/?delay=30ms")
        self.assertGreaterEqual(run["proxy_ms"], 30)
        self.assertLessEqual(run["proxy_ms"], run["latency"]["mean_ms"])
        self.assertGreaterEqual(run["origin_ms"], 29)
        self.assertLessEqual(run["origin_ms"], run["proxy_ms"] + 1)
        with open(page, encoding="utf-8") as file:
            self.assertIn("<svg", file.read())
        suite = ElementTree.parse(cases).getroot()[0]
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("1", "1"))

    def test_saved_results_are_merged(self):
        origin = self.origin()
        folder = self.folder()
        paths = [os.path.join(folder, name) for name in ("a.json", "b.json")]
        for path in paths:
            self.bench("-n", "10", "--save", path, origin.url)
        merged = self.bench("merge", *paths)
        self.assertEqual((merged["requests"], merged["latency"]["count"]), (20, 20))


if __name__ == "__main__":
    unittest.main()
