"""rpx-bench compares servers with each other, and a server with what it was."""

import json
import os
import unittest

from support.bench import BENCH, BenchTest
from support.proxy import run_tool
from support.waiting import PATIENCE


class Compare(BenchTest):
    def test_another_server_is_compared_in_turns(self):
        fast, slow = self.built_in_origin(), self.built_in_origin()
        worse = run_tool("-d", "6s", "-c", "4", "--compare", slow + "/?delay=60ms", fast + "/?delay=8ms", "-o", "json",
                         binary=BENCH, timeout=PATIENCE * 2)
        self.assertEqual(worse.returncode, 1, worse.stderr)
        found = json.loads(worse.stdout)
        self.assertEqual((found["verdict"], found["figures"][0]["figure"]), ("worse", "rps"))
        self.assertLess(found["figures"][0]["change"], -0.3)
        better = run_tool("-d", "6s", "-c", "4", "--compare", fast + "/?delay=8ms", slow + "/?delay=60ms", "-o", "json",
                          binary=BENCH, timeout=PATIENCE * 2)
        self.assertEqual(better.returncode, 0, better.stderr)
        self.assertEqual(json.loads(better.stdout)["figures"][0]["verdict"], "better")

    def test_a_baseline_catches_what_became_slower(self):
        origin = self.built_in_origin()
        path = os.path.join(self.folder(), "before.json")
        self.bench("-d", "6s", "-c", "4", "--save", path, origin + "/?delay=8ms")
        slower = run_tool("-d", "6s", "-c", "4", "-q", "--baseline", path, "--max-regress", "20%", origin + "/?delay=40ms",
                          binary=BENCH, timeout=PATIENCE * 2)
        self.assertEqual(slower.returncode, 1, slower.stderr)
        self.assertIn("worse", slower.stderr)


if __name__ == "__main__":
    unittest.main()
