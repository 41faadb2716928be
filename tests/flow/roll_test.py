"""rpx-check roll: servers are worked on one after the other, and clients notice nothing."""

import json
import os
import threading
import unittest

from support.flow import FlowTest
from support.proxy import BINARY, run_tool
from support.waiting import until

CHECK = os.path.join(os.path.dirname(BINARY), "rpx-check")
HEALTH = '[upstream.app.health]\npath = "/bytes/2"\ninterval = "100ms"\ntimeout = "10s"\nrise = 1\nfall = 1\n'


class Roll(FlowTest):
    def begin(self, count=2, top=""):
        self.origins = [self.origin(f"o{i}") for i in range(count)]
        self.urls = [one.url for one in self.origins]
        self.gate = self.proxy_to(*self.urls, top=top)
        self.log = os.path.join(self.folder(), "log")

    def roll(self, *arguments):
        return run_tool("roll", "--socket", self.gate.path("rpx.sock"), *arguments, binary=CHECK, cwd=self.folder())

    def states(self):
        rows = self.gate.servers("app")
        return [rows[url]["state"] for url in self.urls]

    def noting(self):
        """A command that writes a line with its server and what the proxy thinks of all of them just then."""
        socket = self.gate.path("rpx.sock")
        script = (f'echo "$RPX_UPSTREAM $RPX_SERVER $RPX_SERVER_ADDRESS $1 $({CHECK} status --socket {socket} -o ndjson '
                  f'| tr -d " \\n")" >> {self.log}')
        return ["--", "sh", "-c", script, "note", "{}"]

    def notes(self):
        with open(self.log, encoding="utf-8") as file:
            return [line.split() for line in file]

    def check_rolled(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        notes = self.notes()
        self.assertEqual([note[1] for note in notes], self.urls)
        for at, (upstream, url, address, word, seen) in enumerate(notes):
            self.assertEqual((upstream, address, word), ("app", url.removeprefix("http://"), address))
            rows = [json.loads(row) for row in seen.replace("}{", "}\n{").split("\n")]
            self.assertEqual([row["state"] for row in rows],
                             ["drain" if i == at else "up" for i in range(len(self.urls))])
        self.assertEqual(self.states(), ["up"] * len(self.urls))
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], self.urls)

    def test_every_server_in_turn_under_load(self):
        self.begin(3)
        stop = threading.Event()
        bad = []

        def load():
            while not stop.is_set():
                status = self.fetch(self.gate, "/bytes/2").status
                if status != 200:
                    bad.append(status)

        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            self.check_rolled(self.roll("--upstream", "app", *self.noting()))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(bad, [])

    def test_a_server_with_checks_is_well_before_it_is_back(self):
        self.begin(2, top=HEALTH)
        self.check_rolled(self.roll("--upstream", "app", *self.noting()))

    def test_the_first_failure_ends_it_and_leaves_the_server_out(self):
        self.begin()
        done = self.roll(*self.urls, "--", "sh", "-c", "exit 7")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"sh ended with 7 for {self.urls[0]}, which is left draining", done.stderr)
        self.assertEqual(self.states(), ["drain", "up"])

    def test_a_server_that_does_not_come_back_is_left_out(self):
        self.begin()
        self.origins[0].close()
        done = self.roll("--timeout", "300ms", self.urls[0], "--", "true")
        self.assertEqual(done.returncode, 4)
        self.assertIn("did not come back in time (it takes no connection) and is left draining", done.stderr)
        self.assertEqual(self.gate.servers("app")[self.urls[0]]["state"], "drain")

    def test_a_server_that_does_not_finish_is_ready_again(self):
        self.begin()
        thread = threading.Thread(target=lambda: self.fetch(self.gate, "/gated"))
        thread.start()
        until(lambda: any(r.path == "/gated" for one in self.origins for r in one.requests), "a request in progress")
        busy = next(one for one in self.origins if any(r.path == "/gated" for r in one.requests))
        done = self.roll("--timeout", "200ms", busy.url, *self.noting())
        self.assertEqual(done.returncode, 4)
        self.assertIn("it is ready again", done.stderr)
        self.assertFalse(os.path.exists(self.log))
        busy.gate.set()
        thread.join()
        self.assertEqual(self.states(), ["up", "up"])

    def test_a_server_that_is_out_already_is_left_alone(self):
        self.begin(3)
        run_tool("maint", "--socket", self.gate.path("rpx.sock"), self.urls[1], binary=CHECK, cwd=self.folder())
        done = self.roll("--upstream", "app", *self.noting())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([note[1] for note in self.notes()], [self.urls[0], self.urls[2]])
        self.assertEqual(self.states(), ["up", "maint", "up"])

    def test_what_cannot_be_done_is_said_before_anything_is(self):
        self.begin(1)
        self.assertEqual(self.roll("--upstream", "app").returncode, 2)
        self.assertEqual(self.roll("--", "true").returncode, 2)
        self.assertEqual(self.roll("--upstream", "none", "--", "true").returncode, 2)
        self.assertEqual(self.roll("http://nobody:1", "--", "true").returncode, 2)
        # The only server there is.
        refused = self.roll("--upstream", "app", *self.noting())
        self.assertEqual(refused.returncode, 5)
        self.assertFalse(os.path.exists(self.log))
        self.assertEqual(self.states(), ["up"])


if __name__ == "__main__":
    unittest.main()
