"""rpx-bench compares servers with each other, and a server with what it was."""

import json
import os
import random
import re
import time
import unittest

from support.bench import BENCH, BenchTest
from support.origin import OK
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

    def test_what_is_too_noisy_to_tell_has_taken_all_the_rounds_there_are(self):
        def moody(connection):
            delay = random.choice((0.001, 0.02))
            while True:
                connection.request()
                time.sleep(delay)
                connection.send(OK)

        url = self.script(moody).url + "/"
        done = run_tool("-o", "table", "-d", "2s", "-c", "1", "--compare", url, url, binary=BENCH, timeout=PATIENCE * 2)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        verdict, rounds = re.search(r"^  ([a-z ]+), (\d+) rounds of each", done.stdout, re.MULTILINE).groups()
        # Chance may call it sure before.
        self.assertTrue(int(rounds) == 80 if verdict == "too noisy to tell" else int(rounds) in (20, 40, 60, 80), done.stdout)

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
