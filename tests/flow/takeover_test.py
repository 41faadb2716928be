"""rpx-serve upgrade: a new process takes over listeners while clients come and go, and nobody notices."""

import json
import os
import signal
import subprocess
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from support.client import fetch
from support.proxy import Proxy
from support.upgraded import Started, children_of, is_alive
from support.waiting import PATIENCE, until

# With these the next process does not serve until the origin's gate is open.
CHECKED = '[upstream.app.health]\npath = "/gated"\ninterval = "100ms"\ntimeout = "1h"\n'
WAITING = 'workers = 2\nwait_ready = "1h"'


class TakeOver(Started):
    def test_no_request_is_lost_while_processes_follow_one_another(self):
        proxy = self.start(self.config_to(self.origin().url))
        over, failures, done = threading.Event(), [], []

        def ask():
            while not over.is_set():
                try:
                    reply = fetch(proxy.address(), "/bytes/2000")
                    if reply.status != 200 or len(reply.body) != 2000:
                        failures.append(reply.status)
                    done.append(1)
                except Exception as error:  # whatever it is, it is a request that was lost
                    failures.append(repr(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                before, asked = proxy.status()["pid"], len(done)
                until(lambda n=asked: len(done) > n + 20, "some requests")
                proxy.upgrade()
                self.assertEqual(proxy.status()["pid"], proxy.pids[-1])
                self.assertNotEqual(proxy.pids[-1], before)
                until(lambda pid=before: not is_alive(pid), "the process before to end")
                asked = len(done)
                until(lambda n=asked: len(done) > n + 20, "some requests of the new one")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(proxy.process.wait(PATIENCE), 0)

    def test_a_request_in_progress_is_finished_by_the_process_that_began_it(self):
        origin = self.origin()
        proxy = self.start(self.config_to(origin.url))
        client = self.client(proxy)
        client.ask(path="/gated")
        until(lambda: len(origin.requests) == 1, "the request at the origin")
        proxy.upgrade()
        self.assertTrue(is_alive(proxy.pids[0]))
        self.assertEqual(self.fetch(proxy).status, 200)
        origin.gate.set()
        self.assertEqual(client.response().body, b"through the gate")
        self.assertEqual(proxy.process.wait(PATIENCE), 0)
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_a_new_process_that_cannot_serve_leaves_the_one_before_as_it_is(self):
        proxy = self.start(self.config_to(self.origin().url))
        proxy.write("rpx.toml", "nonsense = 1\n")
        done = proxy.upgrade(expect=5)
        self.assertIn('unknown key "nonsense"', done.stderr)
        # A port that is taken is found by the new process itself.
        other = self.origin()
        proxy.write_config(self.config_to(other.url, top=f'[[listen]]\naddress = "{other.url[7:]}"\n'))
        self.assertIn("has ended before it served", proxy.upgrade(expect=5).stderr)
        self.assertEqual(proxy.status()["pid"], proxy.pids[0])
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_files_of_sockets_and_the_ready_file_are_the_new_ones(self):
        config = self.config_to(self.origin().url, top='[[listen]]\nname = "unix"\naddress = "unix:web.sock"\n')
        proxy = self.start(config, arguments=["--ready-file", "ready.json"])
        for _ in range(2):
            before = proxy.pids[-1]
            proxy.upgrade()
            until(lambda pid=before: not is_alive(pid), "the process before to end")
            until(lambda: json.loads(proxy.text("ready.json"))["pid"] == proxy.pids[-1], "the ready file of the new one")
            self.assertEqual(fetch(proxy.path("web.sock"), "/").status, 200)
            self.assertEqual(proxy.status()["pid"], proxy.pids[-1])

    def test_the_file_may_have_more_workers_and_listeners_by_then(self):
        origin = self.origin()
        proxy = self.start(self.config_to(origin.url), serve="workers = 1")
        for workers in (3, 1, 2):
            proxy.serve = f"workers = {workers}"
            proxy.write_config(self.config_to(origin.url, top='[[listen]]\nname = "more"\naddress = "127.0.0.1:0"\n'))
            proxy.upgrade()
            self.assertEqual(proxy.status()["workers"], workers)
            self.assertEqual(len(proxy.status()["listeners"]), 2)
            self.assertEqual([self.fetch(proxy).status for _ in range(20)], [200] * 20)

    def test_who_ends_with_its_parent_is_not_followed(self):
        proxy = self.proxy_to(self.origin().url)
        status, problem = proxy.control("POST", "/v1/upgrade")
        self.assertEqual(status, 409)
        self.assertIn("ends with its parent", problem["detail"])

    def test_process_1_of_a_container_is_not_followed(self):
        apart = ["unshare", "--pid", "--fork", "--kill-child", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("a process namespace is not to be had here")
        proxy = Proxy(self.config_to(self.origin().url), under=apart, dies=False)
        self.proxies.append(proxy)
        self.addCleanup(proxy.kill)
        self.assertEqual(proxy.status()["pid"], 1)
        status, problem = proxy.control("POST", "/v1/upgrade")
        self.assertEqual(status, 409)
        self.assertIn("it is process 1, with which its container ends", problem["detail"])
        self.assertEqual(proxy.control("POST", "/v1/stop")[0], 202)
        proxy.stop(signal_number=None)


class HeldBack(Started):
    """The new process is there and has bound what it serves on, but does not serve yet."""

    def setUp(self):
        super().setUp()
        self.pool = ThreadPoolExecutor(1)
        self.addCleanup(self.pool.shutdown)
        self.at = self.origin()
        self.addCleanup(self.at.gate.set)
        self.proxy = self.start(self.config(), arguments=["--ready-file", "ready.json"])

    def config(self, checks=""):
        return self.config_to(self.at.url, top=checks + '\n[[listen]]\nname = "unix"\naddress = "unix:web.sock"\n')

    def begin(self, **more):
        """(an upgrade under way, the new process)"""
        self.proxy.serve = WAITING
        self.proxy.write_config(self.config(CHECKED))
        asked = len(self.at.requests)
        upgrade = self.pool.submit(self.proxy.upgrade, **more)
        until(lambda: os.path.exists(self.proxy.path("rpx.sock.new")), "the control socket of the new process")
        self.at.await_requests(asked + 1)
        return upgrade, children_of(self.proxy.launcher())[0]

    def assert_as_it_was(self, files):
        self.assertEqual(self.files(), files)
        self.assertFalse(os.path.exists(self.proxy.path("rpx.sock.new")))
        self.assertEqual(self.proxy.status()["pid"], self.proxy.pids[0])
        self.assertEqual(self.fetch(self.proxy).status, 200)
        self.assertEqual(fetch(self.proxy.path("web.sock"), "/").status, 200)

    def files(self):
        return [(name, os.stat(self.proxy.path(name)).st_ino) for name in ("rpx.sock", "web.sock", "ready.json")]

    def test_one_that_ends_after_it_has_bound_leaves_the_one_before_as_it_is(self):
        files = self.files()
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how=how.name):
                upgrade, new = self.begin(expect=5)
                self.assertEqual(self.files(), files)
                os.kill(new, how)
                self.assertIn("has ended before it served", upgrade.result().stderr)
                self.assertFalse(is_alive(new))
                self.assert_as_it_was(files)
        self.assertIn("told to end before it took over", self.proxy.text("stderr"))

    def assert_nothing_left(self, upgrade, new):
        self.assertIn("the proxy is stopping; the new process has been ended", upgrade.result().stderr)
        self.assertEqual(self.proxy.process.wait(PATIENCE), 0)
        self.assertFalse(is_alive(new))
        self.assertEqual([name for name in os.listdir(self.proxy.dir) if ".sock" in name or "ready" in name], [])

    def test_a_stop_ends_it(self):
        upgrade, new = self.begin(expect=5)
        os.kill(self.proxy.pids[0], signal.SIGTERM)
        self.assert_nothing_left(upgrade, new)

    def test_a_stop_by_the_control_socket_ends_it(self):
        upgrade, new = self.begin(expect=5)
        self.assertEqual(self.proxy.control("POST", "/v1/stop")[0], 202)
        self.assert_nothing_left(upgrade, new)

    def test_one_that_does_not_end_by_itself_is_killed(self):
        upgrade, new = self.begin(expect=5)
        os.kill(new, signal.SIGSTOP)
        os.kill(self.proxy.pids[0], signal.SIGTERM)
        self.assert_nothing_left(upgrade, new)

    def test_it_ends_with_one_before_that_is_killed(self):
        upgrade, new = self.begin(expect=3)
        self.proxy.stop(signal.SIGKILL, expect=-signal.SIGKILL)
        self.assertIn("broke off its answer", upgrade.result().stderr)
        until(lambda: not is_alive(new), "the end of the new process")
        until(lambda: not os.path.exists(self.proxy.path("rpx.sock.new")), "the end of its socket")

    def test_two_upgrades_at_once(self):
        upgrade, new = self.begin()
        self.assertIn("an upgrade is under way", self.proxy.upgrade(expect=5).stderr)
        status, problem = self.proxy.control("POST", "/v1/upgrade")
        self.assertEqual((status, problem["detail"]), (409, "an upgrade is under way"))
        status, problem = self.proxy.reload()
        self.assertEqual(status, 422)
        self.assertIn("an upgrade is under way", problem["problems"][0]["message"])
        os.kill(self.proxy.pids[0], signal.SIGHUP)
        until(lambda: "reload refused" in self.proxy.text("stderr"), "the refusal of the reload")
        self.assertEqual(self.proxy.status()["pid"], self.proxy.pids[0])
        self.at.gate.set()
        self.assertEqual(upgrade.result().returncode, 0)
        self.assertEqual(self.proxy.pids[1:], [new])
        self.assertEqual(self.proxy.status()["pid"], new)
        self.assertEqual(self.proxy.process.wait(PATIENCE), 0)

    def test_who_waits_no_more_has_not_stopped_it(self):
        upgrade, new = self.begin(expect=4, arguments=["--timeout", "300ms"])
        said = upgrade.result().stderr
        self.assertIn("is not done within 300ms; the proxy goes on with it", said)
        self.proxy.pids.append(new)
        self.at.gate.set()
        self.assertEqual(self.proxy.process.wait(PATIENCE), 0)
        self.assertEqual(self.proxy.status()["pid"], new)


if __name__ == "__main__":
    unittest.main()
