"""rpx-bench drill: it misbehaves, and sees whether others are served."""

import json
import unittest

from support.bench import BENCH, BenchTest
from support.certs import Authority
from support.proxy import run_tool
from support.waiting import PATIENCE


class Drills(BenchTest):
    def drill(self, kind, url, *arguments, expect=(0,)):
        done = run_tool("drill", kind, "-c", "10", "-o", "json", *arguments, url, binary=BENCH, timeout=PATIENCE * 2)
        self.assertIn(done.returncode, expect, done.stdout + done.stderr)
        return json.loads(done.stdout)[0]

    def gate(self, listen='protocols = ["h2c", "http/1.1"]\n'):
        limits = '[limits]\nconnections_per_client = 0\nheader_timeout = "1s"\nbody_timeout = "200ms"\nh2_resets = "50/s"\n'
        listen = '[[listen]]\naddress = "127.0.0.1:0"\n' + listen
        return self.proxy(listen + limits + f'[[route]]\nupstream = "{self.built_in_origin()}"\n').url

    def secret_gate(self):
        """The same over TLS, and what a client needs to trust it."""
        authority = Authority(self.folder())
        url = self.gate("tls = true\n" + authority.issue("site", "IP:127.0.0.1"))
        return url.replace("http:", "https:"), authority.pem

    def check_cut(self, kind, url=None, *arguments):
        found = self.drill(kind, (url or self.gate()) + "/", "-d", "4s", *arguments)
        self.assertGreater(found["cut"], 0)
        self.assertEqual(found["asked"], found["served"])

    def test_heads_that_do_not_end_are_cut_and_others_are_served(self):
        self.check_cut("slowloris")

    def test_bodies_that_do_not_end_are_cut_and_others_are_served(self):
        self.check_cut("slow-body")

    def test_streams_that_are_reset_at_once_are_cut_and_others_are_served(self):
        self.check_cut("rapid-reset")

    def test_slow_clients_are_cut_behind_their_handshakes_too(self):
        url, ca = self.secret_gate()
        for kind in ("slowloris", "slow-body"):
            with self.subTest(kind):
                self.check_cut(kind, url, "--ca", ca)

    def test_streams_that_are_reset_at_once_are_cut_over_tls_too(self):
        url, ca = self.secret_gate()
        self.check_cut("rapid-reset", url, "--ca", ca)

    def test_drills_over_tls_that_are_no_reason_to_cut_anybody(self):
        url, _ = self.secret_gate()
        for kind in ("slow-read", "idle", "reset"):
            with self.subTest(kind):
                found = self.drill(kind, url + "/?size=1MB", "-d", "1s", "-k")
                self.assertGreater(found["opened"], 0)
                self.assertEqual(found["asked"], found["served"])
        strange = run_tool("drill", "idle", "-c", "2", "-d", "500ms", url, binary=BENCH, timeout=PATIENCE)
        self.assertEqual(strange.returncode, 3)
        self.assertRegex(strange.stderr, r"^rpx-bench: cannot reach https://127\.0\.0\.1:\d+: .*certificate.*\n$")

    def test_what_is_no_reason_to_cut_anybody(self):
        url = self.gate()
        for kind in ("slow-read", "idle", "reset"):
            with self.subTest(kind):
                # Tens of thousands of connections a second may use up the descriptors of a machine, which the drill then says.
                expect = (0, 1) if kind == "reset" else (0,)
                found = self.drill(kind, url + "/?size=1MB", "-d", "1s", expect=expect)
                self.assertGreater(found["opened"], 0)

    def test_a_server_that_serves_one_connection_at_a_time_is_held_by_the_first_that_says_nothing(self):
        gate = self.script(lambda connection: connection.hold())
        stuck = self.drill("idle", gate.url, "-d", "1s", "--timeout", "300ms", expect=(1,))
        self.assertEqual(stuck["served"], 0)


if __name__ == "__main__":
    unittest.main()
